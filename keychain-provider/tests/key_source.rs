//! The keys of a store in a keychain.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use common::{Fake, Prompted};
use credential_provider_api::{
    CredentialRef, ErrorCode, Grant, GrantStore as _, Key, ManualClock, Record, Timestamp,
};
use credential_store::{DataKey, FileStore, KeyRing, KeySource as _};
use keychain_provider::{Item, KeychainKeySource, OwnItem};

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("keychain-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn source(&self, fake: &Fake) -> KeychainKeySource {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1)));
        KeychainKeySource::new(Arc::new(fake.clone()), clock, item(), self.0.join("keys/lock"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn item() -> OwnItem {
    OwnItem::new("my-gateway", "data-key").unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(DataKey::generate().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_7_a_store_opens_again_with_the_key_in_the_keychain() {
    let (place, fake) = (Place::new("keys-again"), Fake::default());
    let key = Key::gateway(&CredentialRef::parse("idp/mail").unwrap());
    let folder = place.0.join("grants");
    let store = FileStore::open(&folder, place.source(&fake)).await.unwrap();
    let record = Record::new(Some(Grant::from(b"refresh-1".to_vec())), None);
    store.save(&key, None, record).await.unwrap();
    store.rotate_key().await.unwrap();
    drop(store);
    let store = FileStore::open(&folder, place.source(&fake)).await.unwrap();
    let grant = store.load(&key).await.unwrap().record.unwrap().grant.unwrap();
    assert_eq!(grant.expose(), b"refresh-1");
    drop(store);
    fake.state().items.clear();
    let lost = FileStore::open(&folder, place.source(&fake)).await.unwrap_err();
    assert_eq!(lost.code(), ErrorCode::StoreUnreadable);
    assert!(fake.state().items.is_empty(), "no other key is made up in its place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_7_whoever_comes_first_makes_the_key_and_all_get_it() {
    let (place, fake) = (Place::new("keys-first"), Fake::default());
    let made = futures::future::join_all(
        (0..8).map(|_| async { place.source(&fake).create(ring()).await.unwrap().active().id() }),
    );
    let made = made.await;
    assert!(made.iter().all(|id| Some(id) == made.first()), "{made:?}");
    let kept = place.source(&fake).load().await.unwrap().unwrap();
    assert_eq!(Some(&kept.active().id()), made.first());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_item_is_the_text_of_a_key_file() {
    let (place, fake) = (Place::new("keys-text"), Fake::default());
    assert!(place.source(&fake).load().await.unwrap().is_none());
    let made = place.source(&fake).create(ring()).await.unwrap();
    let text = fake.state().items.values().next().unwrap().clone();
    let file = place.0.join("exported.key");
    std::fs::write(&file, text).unwrap();
    let read = credential_store::KeyFile::new(&file).load().await.unwrap().unwrap();
    assert_eq!(read.active().id(), made.active().id());
    fake.put(&Item::Own(item()), "something else");
    let error = place.source(&fake).load().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_keychain_is_unlocked_only_if_a_person_may_be_asked() {
    let (place, fake) = (Place::new("keys-locked"), Fake::default());
    place.source(&fake).create(ring()).await.unwrap();
    fake.state().locked = true;
    let error = place.source(&fake).load().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    assert_eq!(fake.state().prompts, 0);
    fake.state().prompt = Some(Prompted::Unlocked);
    assert!(place.source(&fake).interactive().load().await.unwrap().is_some());
    assert_eq!(fake.state().prompts, 1);
}
