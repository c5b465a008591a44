//! The lease, in real time.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::subject::{Handle, Subject};
use crate::conformance::report::{Checked, Stop, fail};
use crate::conformance::timer::Timer;
use crate::conformance::together::{Boxed, all};
use crate::error::{CredentialError, ErrorCode};
use crate::key::Key;
use crate::store::Lease;

/// Long enough to see that somebody waits.
const GLANCE: Duration = Duration::from_millis(300);
const HOLDERS: usize = 8;
const TURNS: usize = 4;
const TURN: Duration = Duration::from_millis(2);

pub(super) async fn excludes(subject: &Subject) -> Checked {
    held_for(subject, GLANCE, "at once").await
}

pub(super) async fn slow_holder(subject: &Subject) -> Checked {
    let span = subject.suite.slow_holder;
    held_for(subject, span, "from a slow but live holder").await
}

/// A second handle waits for as long as the first holds the lease, and has it after.
async fn held_for(subject: &Subject, span: Duration, how: &str) -> Checked {
    let (holder, waiter) = (subject.open().await?, subject.open().await?);
    let key = subject.key()?;
    let held = holder.lease(&key).await?;
    let mut wait = pin!(waiter.store().lease(&key));
    let early = first(wait.as_mut(), span);
    match subject.witness.guarded("lease", early).await? {
        Some(Ok(_)) => return fail(format!("a held lease was given to another {how}")),
        // A store may limit the wait; then there is nothing more to see.
        Some(Err(error)) if error.code() == ErrorCode::StoreLocked => return Ok(()),
        Some(Err(error)) => return fail(format!("a waiter was answered with {error}")),
        None => drop(held),
    }
    match subject.witness.call("lease", wait).await? {
        Ok(_) => Ok(()),
        Err(error) => fail(format!("the waiter of a lease set free got {error}")),
    }
}

pub(super) async fn freed(subject: &Subject) -> Checked {
    let (one, other) = (subject.open().await?, subject.open().await?);
    let key = subject.key()?;
    for handle in [&one, &other, &one, &one] {
        handle.lease(&key).await?;
    }
    Ok(())
}

pub(super) async fn dropped_waiter(subject: &Subject) -> Checked {
    let (holder, waiter) = (subject.open().await?, subject.open().await?);
    let key = subject.key()?;
    let held = holder.lease(&key).await?;
    // Dropped while waiting, and again after its turn has come but before it was polled.
    give_up(subject, &waiter, &key).await?;
    let mut woken = waiter.store().lease(&key);
    let early = first(woken.as_mut(), TURN);
    match subject.witness.guarded("lease", early).await? {
        Some(Ok(_)) => return fail("a held lease was given to another"),
        Some(Err(_)) | None => drop(held),
    }
    drop(woken);
    match subject.open().await?.lease(&key).await {
        Ok(_) | Err(Stop::Skipped(_)) => Ok(()),
        Err(Stop::Failed(message)) => fail(format!("after a waiter was dropped: {message}")),
    }
}

async fn give_up(subject: &Subject, waiter: &Handle<'_>, key: &Key) -> Checked {
    let mut wait = waiter.store().lease(key);
    let early = first(wait.as_mut(), TURN);
    match subject.witness.guarded("lease", early).await? {
        Some(Ok(_)) => fail("a held lease was given to another"),
        Some(Err(_)) | None => Ok(()),
    }
}

pub(super) async fn everybody(subject: &Subject) -> Checked {
    let key = subject.key()?;
    let inside = AtomicUsize::new(0);
    let mut handles = Vec::new();
    for _ in 0..HOLDERS {
        handles.push(subject.open().await?);
    }
    let turns = |handle: &Handle<'_>| {
        let (store, key, inside) = (handle.store().clone(), &key, &inside);
        async move {
            let mut crowded: usize = 0;
            for _ in 0..TURNS {
                let lease: Box<dyn Lease> = store.lease(key).await?;
                crowded += inside.fetch_add(1, Ordering::SeqCst);
                Timer::after(TURN).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(lease);
            }
            Ok(crowded)
        }
    };
    let everybody: Vec<Boxed<'_, Result<usize, CredentialError>>> =
        handles.iter().map(|handle| Box::pin(turns(handle)) as _).collect();
    let what = "lease, for each of eight holders in turn";
    for crowded in subject.witness.call(what, all(everybody)).await? {
        match crowded {
            Ok(0) => {}
            Ok(_) => return fail("two held the lease at once"),
            Err(error) => return fail(format!("a waiter was answered with {error}")),
        }
    }
    Ok(())
}

pub(super) async fn other_keys(subject: &Subject) -> Checked {
    let (holder, other) = (subject.open().await?, subject.open().await?);
    let held = holder.lease(&subject.key()?).await?;
    other.lease(&subject.key()?).await?;
    drop(held);
    Ok(())
}

/// What `future` gives within `span`, if it gives anything.
async fn first<T>(
    mut future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    span: Duration,
) -> Option<T> {
    let mut timer = pin!(Timer::after(span));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}
