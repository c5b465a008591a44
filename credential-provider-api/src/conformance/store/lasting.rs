//! What is there after an interruption.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::subject::{Handle, Subject, is_record, record};
use crate::conformance::report::{Checked, fail, skip};
use crate::conformance::timer::Timer;
use crate::conformance::together::Boxed;
use crate::error::ErrorCode;
use crate::key::Key;
use crate::revision::Revision;
use crate::store::Intent;
use crate::time::Timestamp;

/// More awaits than this in one save are not dropped at one by one.
const MOST_AWAITS: usize = 8;
const MOST_TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(10);

pub(super) async fn intent(subject: &Subject) -> Checked {
    let key = subject.key()?;
    let intent = Intent::new(Timestamp::from_secs(1_767_225_600), "host:1:renewal");
    let store = subject.open().await?;
    // As a renewal does: the grant is there already, and the intent comes before what it announces.
    let revision = store.save(&key, None, record("old")).await?;
    let interrupted = record("old").with_intent(intent.clone());
    let revision = store.save(&key, Some(revision), interrupted).await?;
    drop(store);
    let store = subject.open().await?;
    let loaded = store.load(&key).await?;
    let found = loaded.record.and_then(|record| record.intent);
    if found != Some(intent) {
        return fail("the intent of an interrupted renewal is gone");
    }
    store.save(&key, Some(revision), record("new")).await?;
    let loaded = store.load(&key).await?;
    if loaded.record.is_none_or(|record| record.intent.is_some()) {
        return fail("a save without an intent left the old one");
    }
    Ok(())
}

pub(super) async fn outlives(subject: &Subject) -> Checked {
    let Some(reopen) = &subject.suite.reopen else {
        return skip("no way to open the data again: give `.reopen(…)`");
    };
    let (kept, removed) = (subject.key()?, subject.key()?);
    let intent = Intent::new(Timestamp::from_secs(1_767_225_600), "host:1:renewal");
    let store = subject.open().await?;
    let interrupted = record("kept").with_intent(intent.clone());
    let revision = store.save(&kept, None, interrupted).await?;
    let old = store.save(&removed, None, record("removed")).await?;
    let tombstone = store.remove(&removed, Some(old)).await?;
    drop(store);
    let store = subject.open_with(reopen).await?;
    let loaded = store.load(&kept).await?;
    if loaded.revision != Some(revision) || !is_record(loaded.record.as_ref(), "kept") {
        return fail("a saved record is not there after opening again");
    }
    if loaded.record.and_then(|record| record.intent) != Some(intent) {
        return fail("the intent of an interrupted renewal is not there after opening again");
    }
    let loaded = store.load(&removed).await?;
    if loaded.revision != Some(tombstone) || loaded.record.is_some() {
        return fail("a removal is not there after opening again");
    }
    let next = store.save(&removed, Some(tombstone), record("anew")).await?;
    if next <= tombstone {
        return fail(format!("{next} was given after {tombstone}, before opening again"));
    }
    Ok(())
}

/// A save dropped at any await has happened or has not.
pub(super) async fn dropped_save(subject: &Subject) -> Checked {
    let (store, other) = (subject.open().await?, subject.open().await?);
    let key = subject.key()?;
    let mut revision = store.save(&key, None, record("old")).await?;
    for awaits in 1..=MOST_AWAITS {
        let save = store.store().save(&key, Some(revision), record("new"));
        let ended = subject.witness.call("save", drop_at(save, awaits)).await?;
        let loaded = other.load(&key).await?;
        let found = loaded.record.as_ref();
        let whole = match loaded.revision {
            Some(kept) if kept == revision => is_record(found, "old"),
            Some(next) => next > revision && is_record(found, "new"),
            None => false,
        };
        if !whole {
            return fail(format!("a save dropped at its await {awaits} left half of itself"));
        }
        revision = settled(&other, &key).await?;
        if let Dropping::Ended = ended {
            break;
        }
    }
    Ok(())
}

enum Dropping {
    Dropped,
    Ended,
}

async fn drop_at<T>(mut call: Boxed<'_, T>, awaits: usize) -> Dropping {
    let mut pending = 0;
    poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(Dropping::Ended),
        Poll::Pending => {
            pending += 1;
            if pending >= awaits { Poll::Ready(Dropping::Dropped) } else { Poll::Pending }
        }
    })
    .await
}

/// Saves the old record again. The dropped save may still happen until then.
async fn settled(store: &Handle<'_>, key: &Key) -> Checked<Revision> {
    for _ in 0..MOST_TRIES {
        let expected = store.load(key).await?.revision;
        match store.try_save(key, expected, record("old")).await? {
            Ok(revision) => return Ok(revision),
            Err(error) if error.code() == ErrorCode::Conflict => Timer::after(PAUSE).await,
            Err(error) => return fail(format!("the save after a dropped one: {error}")),
        }
    }
    fail("no save succeeds after one that was dropped")
}
