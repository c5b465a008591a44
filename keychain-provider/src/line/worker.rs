//! The thread that owns the keychain.

use std::panic::{AssertUnwindSafe, catch_unwind};

use credential_provider_api::CredentialError;

use super::job::{Job, Seen};
use super::queue::Queue;
use crate::keychain::Keychain;

/// Takes calls until the line ends or the thread is left to itself.
pub(super) fn run(queue: &Queue, charge: u64) {
    let mut open: Option<Box<dyn Keychain>> = None;
    while let Some(job) = queue.next(charge) {
        // After a panic nothing is known of the keychain, so nothing of it is kept.
        let ran = catch_unwind(AssertUnwindSafe(|| one(queue, &mut open, job)));
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

fn one(queue: &Queue, open: &mut Option<Box<dyn Keychain>>, job: Job) -> Seen {
    let keychain: Result<&mut dyn Keychain, CredentialError> = match open {
        Some(keychain) => Ok(&mut **keychain),
        None => match queue.opener.open(&job.call) {
            Ok((keychain, choice)) => {
                queue.chose(choice);
                Ok(&mut **open.insert(keychain))
            }
            Err(error) => Err(error),
        },
    };
    job.run(keychain)
}

/// A library that panicked once may panic when it is closed.
fn close(open: &mut Option<Box<dyn Keychain>>) {
    let keychain = open.take();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(keychain)));
}
