//! The thread that owns the keychain.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::job::{Job, Seen};
use super::queue::Queue;
use crate::keychain::Keychain;

/// Takes calls until the line ends or the thread is left to itself.
pub(super) fn run(queue: &Queue, charge: u64) {
    let mut open: Option<Box<dyn Keychain>> = None;
    while let Some(job) = queue.next(charge) {
        // After a panic nothing is known of the keychain, so nothing of it is kept.
        let ran = catch_unwind(AssertUnwindSafe(|| one(queue, charge, &mut open, job)));
        let seen = ran.unwrap_or_else(|_| {
            tracing::warn!("the keychain's library panicked; it is opened again");
            Seen::Broken
        });
        if seen == Seen::Broken {
            close(&mut open);
        }
        if !queue.finished(charge) {
            break;
        }
    }
    close(&mut open);
}

fn one(queue: &Queue, charge: u64, open: &mut Option<Box<dyn Keychain>>, job: Job) -> Seen {
    let opened = match open {
        Some(_) => None,
        None => Some(queue.opener.open(&job.call)),
    };
    // Opening may have outlasted everybody's patience: then the call is not made any more, and what
    // was opened late does not count as chosen.
    if !queue.opened(charge) || job.call.has_ended() {
        return Seen::Broken;
    }
    match opened {
        Some(Ok((keychain, choice))) => {
            queue.chose(choice);
            job.run(Ok(&mut **open.insert(keychain)))
        }
        Some(Err(error)) => job.run(Err(error)),
        None => match open {
            Some(keychain) => job.run(Ok(&mut **keychain)),
            None => Seen::Broken,
        },
    }
}

/// A library that panicked once may panic when it is closed.
fn close(open: &mut Option<Box<dyn Keychain>>) {
    let keychain = open.take();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(keychain)));
}
