//! Promises 5 and 7: a record is believed under its own key and revision only, and the journal,
//! which says how far each record had come, may be lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Place, grant, key, record, unreadable};
use credential_provider_api::{ErrorCode, GrantStore as _};
use credential_store::FileStore;

/// Not listed, and found when somebody looks for what cannot be read.
async fn left_out(store: &FileStore, file: &std::path::Path, why: &str) {
    assert!(store.list().await.unwrap().len() <= 1);
    unreadable(Err::<(), _>(store.unreadable().await.unwrap().remove(0)), file, why);
}

#[tokio::test]
async fn promise_5_two_records_that_changed_places_are_believed_under_neither_key() {
    let place = Place::new();
    let store = place.open().await;
    let (one, two) = (place.save(&store, "mail/a").await, place.save(&store, "mail/b").await);
    let (first, second) = (fs::read(&one.file).unwrap(), fs::read(&two.file).unwrap());
    fs::write(&one.file, &second).unwrap();
    fs::write(&two.file, &first).unwrap();
    for store in [&store, &place.open().await] {
        for saved in [&one, &two] {
            unreadable(store.load(&saved.key).await, &saved.file, "belongs to another key");
            let save = store.save(&saved.key, Some(saved.revision), record("new")).await;
            unreadable(save, &saved.file, "belongs to another key");
        }
    }
    assert_eq!(fs::read(&one.file).unwrap(), second);
    assert_eq!(fs::read(&two.file).unwrap(), first);
}

#[tokio::test]
async fn promise_5_a_record_copied_over_another_is_believed_only_where_it_was() {
    let place = Place::new();
    let store = place.open().await;
    let (one, two) = (place.save(&store, "mail/a").await, place.save(&store, "mail/b").await);
    fs::copy(&one.file, &two.file).unwrap();
    unreadable(store.load(&two.key).await, &two.file, "belongs to another key");
    assert_eq!(grant(store.load(&one.key).await.unwrap().record.as_ref()), "grant-mail/a");
    // Nor under a name that no key has yet.
    let planted = place.folder().join("records").join("0".repeat(32));
    fs::rename(&two.file, &planted).unwrap();
    left_out(&store, &planted, "belongs to another key").await;
}

#[tokio::test]
async fn promise_7_a_record_rolled_back_to_its_older_self_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let old = fs::read(&saved.file).unwrap();
    let now = store.save(&saved.key, Some(saved.revision), record("new")).await.unwrap();
    fs::write(&saved.file, &old).unwrap();
    for store in [&store, &place.open().await] {
        unreadable(store.load(&saved.key).await, &saved.file, "was rolled back");
        for at in [saved.revision, now] {
            let save = store.save(&saved.key, Some(at), record("newer")).await;
            unreadable(save, &saved.file, "was rolled back");
        }
    }
    assert_eq!(fs::read(&saved.file).unwrap(), old);
}

#[tokio::test]
async fn promise_4_a_record_put_back_over_its_tombstone_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let old = fs::read(&saved.file).unwrap();
    store.remove(&saved.key, Some(saved.revision)).await.unwrap();
    fs::write(&saved.file, &old).unwrap();
    for store in [&store, &place.open().await] {
        unreadable(store.load(&saved.key).await, &saved.file, "was rolled back");
    }
}

#[tokio::test]
async fn promise_7_a_record_that_was_deleted_is_missed() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    fs::remove_file(&saved.file).unwrap();
    for store in [&store, &place.open().await] {
        unreadable(store.load(&saved.key).await, &saved.file, "it was kept before");
        for at in [None, Some(saved.revision)] {
            let save = store.save(&saved.key, at, record("new")).await;
            unreadable(save, &saved.file, "it was kept before");
        }
    }
    assert!(place.records().is_empty());
}

#[tokio::test]
async fn promise_5_a_record_of_another_store_with_the_same_key_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let other = FileStore::open(place.path().join("other"), place.keys()).await.unwrap();
    let saved = place.save(&store, "mail/a").await;
    other.save(&saved.key, None, record("other")).await.unwrap();
    let theirs: Vec<PathBuf> = fs::read_dir(other.folder().join("records"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [theirs] = &theirs[..] else { panic!("{theirs:?}") };
    assert_ne!(theirs.file_name(), saved.file.file_name(), "two stores name one key alike");
    // In place of ours.
    let ours = fs::read(&saved.file).unwrap();
    fs::copy(theirs, &saved.file).unwrap();
    unreadable(store.load(&saved.key).await, &saved.file, "belongs to another key");
    fs::write(&saved.file, ours).unwrap();
    // And beside it, under the name it had.
    let beside = saved.file.with_file_name(theirs.file_name().unwrap());
    fs::copy(theirs, &beside).unwrap();
    left_out(&store, &beside, "belongs to another store").await;
    assert!(store.load(&saved.key).await.unwrap().record.is_some());
}

#[tokio::test]
async fn promise_7_one_bit_changed_anywhere_is_noticed() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let whole = fs::read(&saved.file).unwrap();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            fs::write(&saved.file, &changed).unwrap();
            unreadable(store.load(&saved.key).await, &saved.file, "");
            // Writing costs more: one bit of each byte, never the same.
            if bit == at % 8 {
                let save = store.save(&saved.key, Some(saved.revision), record("new")).await;
                unreadable(save, &saved.file, "");
            }
            assert_eq!(fs::read(&saved.file).unwrap(), changed, "bit {bit} of byte {at}");
        }
    }
    fs::write(&saved.file, &whole).unwrap();
    assert!(store.load(&saved.key).await.unwrap().record.is_some());
}

#[tokio::test]
async fn promise_7_without_the_journal_records_are_taken_as_they_are() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let journal = place.folder().join("journal");
    fs::remove_file(&journal).unwrap();
    for store in [&store, &place.open().await] {
        let found = store.load(&saved.key).await.unwrap();
        assert_eq!(found.revision, Some(saved.revision));
        assert_eq!(store.list().await.unwrap(), std::slice::from_ref(&saved.key));
    }
    // Whoever reads tells, so from then on it is missed, and a rollback noticed.
    let old = fs::read(&saved.file).unwrap();
    fs::remove_file(&saved.file).unwrap();
    unreadable(place.open().await.load(&saved.key).await, &saved.file, "it was kept before");
    fs::write(&saved.file, &old).unwrap();
    store.save(&saved.key, Some(saved.revision), record("new")).await.unwrap();
    fs::write(&saved.file, &old).unwrap();
    unreadable(place.open().await.load(&saved.key).await, &saved.file, "was rolled back");
}

#[tokio::test]
async fn a_removed_key_keeps_its_revision_and_an_unknown_one_has_none() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let removed = store.remove(&saved.key, Some(saved.revision)).await.unwrap();
    let store = place.open().await;
    let found = store.load(&saved.key).await.unwrap();
    assert_eq!((found.revision, found.record.is_some()), (Some(removed), false));
    assert_eq!(store.load(&key("mail/b")).await.unwrap().revision, None);
    for at in [None, Some(saved.revision)] {
        let error = store.save(&saved.key, at, record("late")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Conflict);
    }
    assert!(store.save(&saved.key, Some(removed), record("new")).await.unwrap() > removed);
}
