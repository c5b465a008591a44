//! Promise 7: a journal torn, foreign or written anew makes nothing unreadable, and its watchers
//! learn of what is saved afterwards.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use common::{Place, Saved, record, unreadable};
use credential_provider_api::{GrantStore as _, Key, StoreChange, StoreChanges};
use credential_store::FileStore;
use futures::StreamExt as _;

const ENTRY: usize = 32;

/// Waits until the watcher is told of `key`, or of having missed something.
async fn told(changes: &mut StoreChanges, key: &Key) -> StoreChange {
    let wait = async {
        loop {
            match changes.next().await.unwrap() {
                StoreChange::Key(other) if other != *key => {}
                change => return change,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(2), wait).await.unwrap()
}

async fn one(place: &Place) -> (FileStore, Saved) {
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    (store, saved)
}

#[tokio::test]
async fn promise_7_a_torn_journal_is_read_on_and_written_on() {
    let cases: [(&str, Vec<u8>); 6] = [
        ("one byte", vec![7]),
        ("half an entry", vec![0; ENTRY / 2]),
        ("an entry but one byte", vec![0xff; ENTRY - 1]),
        ("zeros of a page", vec![0; 4096]),
        ("garbage", (0..200u8).collect()),
        ("nothing", Vec::new()),
    ];
    for (what, tail) in cases {
        let place = Place::new();
        let (store, saved) = one(&place).await;
        let other = place.open().await;
        let mut early = other.watch();
        let journal = place.folder().join("journal");
        OpenOptions::new().append(true).open(&journal).unwrap().write_all(&tail).unwrap();
        let late = place.open().await;
        let mut later = late.watch();
        assert_eq!(store.load(&saved.key).await.unwrap().revision, Some(saved.revision), "{what}");

        let new = place.save(&store, "mail/new").await;
        assert_eq!(told(&mut early, &new.key).await, StoreChange::Key(new.key.clone()), "{what}");
        assert_eq!(told(&mut later, &new.key).await, StoreChange::Key(new.key.clone()), "{what}");
        // What stood before and after the damage still counts.
        for saved in [&saved, &new] {
            fs::remove_file(&saved.file).unwrap();
            unreadable(place.open().await.load(&saved.key).await, &saved.file, "is missing");
        }
    }
}

#[tokio::test]
async fn promise_7_an_entry_torn_off_at_any_byte_takes_no_other_with_it() {
    let place = Place::new();
    let (store, first) = one(&place).await;
    let journal = place.folder().join("journal");
    let whole = fs::read(&journal).unwrap();
    assert_eq!(whole.len(), ENTRY);
    for end in 0..ENTRY {
        fs::write(&journal, [&whole[..], &whole[..end]].concat()).unwrap();
        let id = format!("mail/{end}");
        let saved = place.save(&place.open().await, &id).await;
        let at = fs::read(&journal).unwrap();
        assert_eq!(at.len() % ENTRY, 0, "{end}");
        assert_eq!(at.len(), ENTRY + if end > 0 { ENTRY } else { 0 } + ENTRY, "{end}");
        fs::remove_file(&saved.file).unwrap();
        unreadable(place.open().await.load(&saved.key).await, &saved.file, "is missing");
    }
    assert!(store.load(&first.key).await.unwrap().record.is_some());
}

#[tokio::test]
async fn a_journal_that_was_deleted_is_told_of_as_missed() {
    let place = Place::new();
    let (store, saved) = one(&place).await;
    let mut changes = place.open().await.watch();
    fs::remove_file(place.folder().join("journal")).unwrap();
    assert_eq!(told(&mut changes, &saved.key).await, StoreChange::Missed);
    let new = place.save(&store, "mail/new").await;
    assert_eq!(told(&mut changes, &new.key).await, StoreChange::Key(new.key.clone()));
}

#[tokio::test]
async fn a_journal_that_grew_long_is_written_anew_and_forgets_nothing() {
    let place = Place::new();
    let (store, saved) = one(&place).await;
    let removed = place.save(&store, "mail/b").await;
    store.remove(&removed.key, Some(removed.revision)).await.unwrap();
    let journal = place.folder().join("journal");
    let entries = fs::read(&journal).unwrap();
    assert_eq!(entries.len(), 3 * ENTRY);
    let handles = [store.clone(), place.open().await];
    let mut watchers = handles.each_ref().map(|store| store.watch());
    // Thousands of saves of one key, as the journal sees them.
    let many = entries[..ENTRY].repeat(4096);
    OpenOptions::new().append(true).open(&journal).unwrap().write_all(&many).unwrap();

    let revision = store.save(&saved.key, Some(saved.revision), record("new")).await.unwrap();
    let short = fs::read(&journal).unwrap();
    assert_eq!(short.len(), 2 * ENTRY, "one entry a key");
    for changes in &mut watchers {
        let change = told(changes, &saved.key).await;
        assert!(matches!(&change, StoreChange::Missed | StoreChange::Key(_)), "{change:?}");
    }
    let new = place.save(&store, "mail/new").await;
    for changes in &mut watchers {
        told(changes, &new.key).await;
    }
    assert_eq!(fs::read(&journal).unwrap().len(), 3 * ENTRY, "and then it is added to");
    for store in [&handles[0], &handles[1], &place.open().await] {
        assert_eq!(store.load(&saved.key).await.unwrap().revision, Some(revision));
    }
    for saved in [&saved, &removed, &new] {
        fs::remove_file(&saved.file).unwrap();
        for store in [&handles[0], &handles[1], &place.open().await] {
            unreadable(store.load(&saved.key).await, &saved.file, "is missing");
        }
    }
}

#[tokio::test]
async fn a_journal_that_was_cut_off_where_it_lies_is_told_of_as_missed() {
    let place = Place::new();
    let (_store, saved) = one(&place).await;
    let other = place.open().await;
    let mut changes = other.watch();
    let journal = OpenOptions::new().write(true).open(place.folder().join("journal")).unwrap();
    journal.set_len(0).unwrap();
    assert_eq!(told(&mut changes, &saved.key).await, StoreChange::Missed);
    assert_eq!(other.load(&saved.key).await.unwrap().revision, Some(saved.revision));
}
