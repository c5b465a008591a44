//! Promise 9: a key that is wrong or missing is found when the store is opened, and nothing changes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::{Place, unreadable};
use credential_provider_api::GrantStore as _;
use credential_store::{Copied, DataKey, FileStore, HostKeys, KeyFile, KeyRing, KeySource};

#[tokio::test]
async fn promise_9_a_missing_key_file_is_named_and_no_other_is_made() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let (keys, away) = (place.path().join("keys"), place.path().join("away"));
    fs::rename(&keys, &away).unwrap();
    let before = place.kept();
    unreadable(place.builder().open().await, &keys, "bring it back");
    let copied = place.builder().copied(Copied::TakesItsPlace);
    unreadable(copied.open().await, &keys, "bring it back");
    unreadable(store.rotate_key().await, &keys, "bring it back");
    assert_eq!(place.kept(), before);
    fs::rename(&away, &keys).unwrap();
    assert!(place.open().await.load(&saved.key).await.unwrap().record.is_some());
}

#[tokio::test]
async fn promise_9_a_wrong_key_is_found_at_once_and_the_one_that_is_wanted_is_named() {
    let place = Place::new();
    let saved = place.save(&place.open().await, "mail/a").await;
    let wanted = place.keys().load().await.unwrap().unwrap().active().id().to_string();
    let other = place.path().join("other");
    KeyFile::new(&other).create(KeyRing::new(DataKey::generate().unwrap())).await.unwrap();
    let before = place.kept();
    let opened = FileStore::open(place.folder(), KeyFile::new(&other)).await;
    unreadable(opened, &saved.file, &wanted);
    let opened = FileStore::open(place.folder(), HostKeys::new(DataKey::generate().unwrap()));
    unreadable(opened.await, &saved.file, &wanted);
    assert_eq!(place.kept(), before);
}

#[tokio::test]
async fn a_store_without_records_opens_with_any_key() {
    let place = Place::new();
    place.open().await;
    let other = HostKeys::new(DataKey::generate().unwrap());
    let store = FileStore::open(place.folder(), other).await.unwrap();
    assert!(store.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_make_a_store_at_once_use_one_key_and_one_header() {
    for _ in 0..5 {
        let place = Place::new();
        let opening = (0..8).map(|_| {
            let place = place.clone();
            tokio::spawn(async move { place.open().await })
        });
        let handles: Vec<FileStore> = futures::future::join_all(opening)
            .await
            .into_iter()
            .map(|opened| opened.unwrap())
            .collect();
        for (number, store) in handles.iter().enumerate() {
            place.save(store, &format!("mail/{number}")).await;
        }
        for store in &handles {
            assert_eq!(store.list().await.unwrap().len(), handles.len());
        }
    }
}

#[tokio::test]
async fn promise_6_what_a_killed_rotation_left_beside_the_key_file_is_swept() {
    let place = Place::new();
    place.open().await;
    let beside = |name: &str, age: u64| {
        let path = place.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
        file.set_modified(then).unwrap();
        path
    };
    let left = beside(".tmp-keys-00000000000000aa", 120);
    let under_way = beside(".tmp-keys-00000000000000bb", 1);
    let theirs = beside(".tmp-other-00000000000000cc", 120);
    place.open().await;
    assert!(!left.exists());
    assert!(under_way.exists() && theirs.exists(), "another process's, and another file's");
}
