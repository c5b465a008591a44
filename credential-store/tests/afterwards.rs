//! What a call that failed, or was given up, has done.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use common::fail::{EIO, Fail};
use common::{Place, grant, key};
use credential_provider_api::{Grant, GrantStore, OwnRecords, ProviderId};
use credential_store::Grants;
use credential_store::faults::Point;

fn rt(text: &str) -> Option<Grant> {
    Some(Grant::from(text.as_bytes().to_vec()))
}

/// `sign_out`: "# Errors: the store's; the grant is still there then." Else nobody can revoke it.
#[tokio::test]
async fn a_sign_out_that_fails_has_not_thrown_the_grant_away() {
    let place = Place::new();
    let fail = Fail::new();
    let store = place.builder().faults(fail.clone()).open().await.unwrap();
    let grants = Grants::new(Arc::new(store));
    let mail = key("idp/mail");
    grants.sign_in(&mail, rt("rt-1"), None).await.unwrap();
    // It has happened by then: made durable by a second try, it hands the grant over.
    fail.arm(Point::Replaced, 0, EIO);
    let grant = grants.sign_out(&mail).await.unwrap();
    assert!(!fail.disarm());
    assert!(grant.is_some(), "the grant is gone from the store, and was given to nobody");
}

/// `sign_in`: "# Errors: the store's; nothing counts then".
#[tokio::test]
async fn a_sign_in_that_fails_after_it_counts_is_made_durable() {
    let place = Place::new();
    let fail = Fail::new();
    let store = place.builder().faults(fail.clone()).open().await.unwrap();
    let grants = Grants::new(Arc::new(store.clone()));
    let mail = key("idp/mail");
    grants.sign_in(&mail, rt("rt-1"), None).await.unwrap();
    fail.arm(Point::FolderSynced, 0, EIO);
    let done = grants.sign_in(&mail, rt("rt-2"), None).await.unwrap();
    assert!(!fail.disarm());
    assert_eq!(done.replaced.unwrap().expose(), b"rt-1", "given to somebody who can revoke it");
    // One that failed before has not happened.
    fail.arm(Point::Written, 0, EIO);
    grants.sign_in(&mail, rt("rt-3"), None).await.unwrap_err();
    let found = store.load(&mail).await.unwrap();
    assert_eq!(grant(found.record.as_ref()), "rt-2");
}

/// Promise 4: when `sign_out` has returned, no late answer puts it back.
#[tokio::test]
async fn a_sign_in_that_was_given_up_does_not_come_back_after_a_sign_out() {
    let place = Place::new();
    let store = place.open().await;
    place.save(&store, "other/key").await;
    let grants = Grants::new(Arc::new(store));
    let mail = key("idp/mail");
    // Another process rotates the keys, or is stopped in a save.
    let gate = File::open(place.folder().join("gate.lock")).unwrap();
    gate.lock().unwrap();
    // "Cancel-safe: dropped, it has happened or not."
    let sign_in = grants.sign_in(&mail, rt("rt-1"), None);
    tokio::time::timeout(Duration::from_millis(300), sign_in).await.unwrap_err();
    // Nothing is there; the person signs out all the same, to be safe.
    let signed_out = tokio::spawn({
        let grants = grants.clone();
        async move { grants.sign_out(&key("idp/mail")).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    gate.unlock().unwrap();
    signed_out.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let found = place.open().await.load(&mail).await.unwrap();
    assert_eq!(grant(found.record.as_ref()), "", "signed out is signed out");
}

/// `open`: "or its key is missing; nothing in it is changed then".
#[tokio::test]
async fn a_store_whose_key_is_missing_keeps_its_modes() {
    let place = Place::new();
    let saved = place.save(&place.open().await, "mail/a").await;
    drop(saved);
    fs::remove_file(place.path().join("keys")).unwrap();
    fs::set_permissions(place.folder(), Permissions::from_mode(0o750)).unwrap();
    let before = place.kept();
    place.builder().open().await.unwrap_err();
    assert_eq!(place.kept(), before);
}

/// "Each provider gets a view limited to its own id."
#[tokio::test]
async fn a_torn_record_of_one_provider_keeps_no_other_from_its_list() {
    let place = Place::new();
    let store = place.open().await;
    let torn = place.save(&store, "foreign/a").await;
    place.save(&store, "mine/b").await;
    fs::write(&torn.file, b"CREDREC").unwrap();
    let mine = OwnRecords::new(ProviderId::new("mine").unwrap(), Arc::new(store));
    assert_eq!(mine.list().await.unwrap(), vec![key("mine/b")]);
}
