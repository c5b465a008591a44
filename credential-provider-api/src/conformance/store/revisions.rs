//! Compare-and-swap, growing revisions, tombstones.

use super::subject::{Subject, conflict, is_record, record};
use crate::conformance::report::{Checked, fail};
use crate::conformance::together::both;
use crate::error::ErrorCode;
use crate::revision::Revision;

/// A race lost by luck once is not lost by luck this often.
const ROUNDS: usize = 20;

pub(super) async fn compares(subject: &Subject) -> Checked {
    let store = subject.open().await?;
    let key = subject.key()?;
    let early = store.try_save(&key, Some(Revision::FIRST), record("early"));
    conflict("a first save that expected a revision", early.await?)?;
    let first = store.save(&key, None, record("first")).await?;
    let blind = store.try_save(&key, None, record("blind"));
    conflict("a save that expected nothing", blind.await?)?;
    let second = store.save(&key, Some(first), record("second")).await?;
    for wrong in [None, Some(first), Some(second.next())] {
        let late = store.try_save(&key, wrong, record("late"));
        conflict("a save that expected another revision", late.await?)?;
        let removal = store.try_remove(&key, wrong);
        conflict("a removal that expected another revision", removal.await?)?;
    }
    let loaded = store.load(&key).await?;
    if loaded.revision != Some(second) || !is_record(loaded.record.as_ref(), "second") {
        return fail("a save that met a conflict changed the record");
    }
    Ok(())
}

pub(super) async fn one_wins(subject: &Subject) -> Checked {
    let (one, other) = (subject.open().await?, subject.open().await?);
    let key = subject.key()?;
    let mut expected = None;
    for round in 0..ROUNDS {
        let (a, b) = both(
            one.try_save(&key, expected, record("one")),
            other.try_save(&key, expected, record("other")),
        )
        .await;
        let (Some(a), Some(b)) = (a, b) else {
            return fail("a save did not end");
        };
        let (revision, winner) = match (a?, b?) {
            (Ok(revision), Err(lost)) if lost.code() == ErrorCode::Conflict => (revision, "one"),
            (Err(lost), Ok(revision)) if lost.code() == ErrorCode::Conflict => (revision, "other"),
            (Ok(_), Ok(_)) => return fail(format!("two saves at once both won in round {round}")),
            (Err(a), Err(b)) => return fail(format!("of two saves at once none won: {a}; {b}")),
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
                return fail(format!("the save that lost was answered with {}", error.code()));
            }
        };
        let loaded = other.load(&key).await?;
        if loaded.revision != Some(revision) || !is_record(loaded.record.as_ref(), winner) {
            return fail("the record is not the one that won");
        }
        expected = Some(revision);
    }
    let (removal, save) =
        both(one.try_remove(&key, expected), other.try_save(&key, expected, record("racing")))
            .await;
    match (removal.transpose()?, save.transpose()?) {
        (Some(Ok(_)), Some(Ok(_))) => fail("a save and a removal at once both won"),
        (Some(Err(_)), Some(Err(_))) => fail("of a save and a removal at once none won"),
        _ => Ok(()),
    }
}

pub(super) async fn grow(subject: &Subject) -> Checked {
    let store = subject.open().await?;
    let key = subject.key()?;
    let mut highest: Option<Revision> = None;
    for round in ["one", "two", "three"] {
        for save in ["first", "second"] {
            let expected = store.load(&key).await?.revision;
            let revision = store.save(&key, expected, record(save)).await?;
            higher(&mut highest, revision, &format!("save in round {round}"))?;
        }
        let expected = store.load(&key).await?.revision;
        let revision = store.remove(&key, expected).await?;
        higher(&mut highest, revision, &format!("removal in round {round}"))?;
    }
    Ok(())
}

fn higher(highest: &mut Option<Revision>, found: Revision, what: &str) -> Checked {
    match highest.replace(found) {
        Some(before) if found <= before => {
            fail(format!("the {what} gave {found} after {before} had been given"))
        }
        _ => Ok(()),
    }
}

pub(super) async fn tombstone(subject: &Subject) -> Checked {
    let (store, other) = (subject.open().await?, subject.open().await?);
    let key = subject.key()?;
    let old = store.save(&key, None, record("old")).await?;
    let removed = store.remove(&key, Some(old)).await?;
    let loaded = other.load(&key).await?;
    if loaded.record.is_some() {
        return fail("a removed record is still there");
    }
    if loaded.revision != Some(removed) {
        return fail(format!("removed as {removed}, loaded as {:?}", loaded.revision));
    }
    for expected in [Some(old), None] {
        let racing = other.try_save(&key, expected, record("racing"));
        conflict("a save that did not know of the removal", racing.await?)?;
    }
    let revision = other.save(&key, Some(removed), record("anew")).await?;
    let loaded = store.load(&key).await?;
    if loaded.revision != Some(revision) || !is_record(loaded.record.as_ref(), "anew") {
        return fail("a save after the removal is not there");
    }
    Ok(())
}
