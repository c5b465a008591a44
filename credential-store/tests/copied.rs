//! Promise 1: a copy of a folder is not used beside its original.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Place, grant, record, unreadable};
use credential_provider_api::{CredentialError, ErrorCode, GrantStore as _};
use credential_store::{Copied, DataKey, FileStore, HostKeys};

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

#[track_caller]
fn is_copied(outcome: Result<FileStore, CredentialError>) {
    let error = outcome.err().unwrap();
    assert_eq!(error.code(), ErrorCode::StoreCopied, "{error}");
    assert!(error.detail().contains("TakesItsPlace"), "it says what to do: {error}");
}

#[tokio::test]
async fn promise_1_a_copy_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let store = place.open().await;
    place.save(&store, "mail/a").await;
    let copied = place.path().join("copied");
    copy(&place.folder(), &copied);
    let before = place.kept();
    for _ in 0..2 {
        is_copied(FileStore::open(&copied, place.keys()).await);
        assert_eq!(place.kept(), before);
    }
    // The original is none.
    place.open().await;
}

#[tokio::test]
async fn a_copy_that_takes_its_originals_place_is_asked_once() {
    let place = Place::new();
    let saved = place.save(&place.open().await, "mail/a").await;
    let copied = place.path().join("copied");
    copy(&place.folder(), &copied);
    let take = || FileStore::builder(&copied, place.keys()).copied(Copied::TakesItsPlace);
    let taken = take().open().await.unwrap();
    assert_eq!(grant(taken.load(&saved.key).await.unwrap().record.as_ref()), "grant-mail/a");
    let store = FileStore::open(&copied, place.keys()).await.unwrap();
    let next = store.save(&saved.key, Some(saved.revision), record("new")).await.unwrap();
    assert!(next > saved.revision);
    // Its own copy is one again, and so is the original if it is copied over it.
    let again = place.path().join("again");
    copy(&copied, &again);
    is_copied(FileStore::open(&again, place.keys()).await);
}

#[tokio::test]
async fn a_backup_laid_over_the_folder_it_was_made_of_is_a_copy() {
    let place = Place::new();
    place.save(&place.open().await, "mail/a").await;
    let backup = place.path().join("backup");
    copy(&place.folder(), &backup);
    // The inode is kept occupied: a fresh folder must not get it by chance.
    let away = place.path().join("away");
    fs::rename(place.folder(), &away).unwrap();
    copy(&backup, &place.folder());
    is_copied(place.builder().open().await);
}

#[tokio::test]
async fn a_store_that_was_moved_is_no_copy() {
    let place = Place::new();
    let saved = place.save(&place.open().await, "mail/a").await;
    let moved = place.path().join("moved");
    fs::rename(place.folder(), &moved).unwrap();
    let store = FileStore::open(&moved, place.keys()).await.unwrap();
    assert!(store.load(&saved.key).await.unwrap().record.is_some());
}

#[tokio::test]
async fn a_copy_without_its_key_is_an_error_about_the_key_and_is_not_taken() {
    let place = Place::new();
    let saved = place.save(&place.open().await, "mail/a").await;
    let copied = place.path().join("copied");
    copy(&place.folder(), &copied);
    let other = || HostKeys::new(DataKey::generate().unwrap());
    let before = place.kept();
    let file = copied.join("records").join(saved.file.file_name().unwrap());
    for copy in [Copied::Refuse, Copied::TakesItsPlace] {
        let opened = FileStore::builder(&copied, other()).copied(copy).open().await;
        unreadable(opened, &file, "bring that key back");
        assert_eq!(place.kept(), before);
    }
    is_copied(FileStore::open(&copied, place.keys()).await);
}
