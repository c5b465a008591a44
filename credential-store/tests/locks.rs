//! Locks: who holds one delays nobody for long, and who lost one notices.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::time::Duration;

use common::{Place, key, record};
use credential_provider_api::{CredentialError, GrantStore as _, async_trait};
use credential_store::{FileStore, KeyFile, KeyRing, KeySource};

struct Slow(KeyFile);

#[async_trait]
impl KeySource for Slow {
    async fn load(&self) -> Result<Option<KeyRing>, CredentialError> {
        self.0.load().await
    }
    async fn create(&self, ring: KeyRing) -> Result<KeyRing, CredentialError> {
        self.0.create(ring).await
    }
    async fn replace(&self, ring: KeyRing) -> Result<(), CredentialError> {
        tokio::time::sleep(Duration::from_secs(11)).await;
        self.0.replace(ring).await
    }
    fn describe(&self) -> String {
        "a keychain that asks a person".into()
    }
}

/// `rotate_key`: "Others go on reading and writing meanwhile."
#[tokio::test]
async fn others_write_while_a_slow_key_source_is_rotated() {
    let place = Place::new();
    let writer = place.open().await;
    let rotating = FileStore::open(place.folder(), Slow(place.keys())).await.unwrap();
    let rotation = tokio::spawn(async move { rotating.rotate_key().await.map(drop) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let saved = writer.save(&key("mail/a"), None, record("1")).await;
    rotation.await.unwrap().unwrap();
    assert!(saved.is_ok(), "{}", saved.unwrap_err());
}

#[tokio::test]
async fn a_lease_whose_file_was_removed_is_no_longer_held() {
    let place = Place::new();
    let store = place.open().await;
    let lease = store.lease(&key("mail/a")).await.unwrap();
    assert!(lease.is_held());
    for entry in fs::read_dir(place.folder().join("leases")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert!(!lease.is_held());
}

/// A second process looks for the header, the first
/// makes it and saves at once, the second then finds "other files".
#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn all_who_make_a_store_and_use_it_at_once_succeed() {
    let mut failed = Vec::new();
    for _ in 0..20 {
        let place = Place::new();
        let opening = (0..16).map(|number| {
            let place = place.clone();
            tokio::spawn(async move {
                let store = place.builder().open().await?;
                store.save(&key(&format!("mail/{number}")), None, record("1")).await.map(drop)
            })
        });
        for done in futures::future::join_all(opening).await {
            failed.extend(done.unwrap().err().map(|error| error.to_string()));
        }
    }
    assert!(failed.is_empty(), "{}: {:?}", failed.len(), failed.first());
}
