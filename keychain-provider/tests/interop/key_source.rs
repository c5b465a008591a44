//! The data key in the keyring, the grants in the encrypted folder.

use std::sync::Arc;

use credential_provider_api::{CredentialRef, ErrorCode, Grant, GrantStore as _, Key, Record};
use credential_store::{FileStore, KeySource as _};
use keychain_provider::{KeychainKeySource, OwnItem, Platform};
use resolution_engine::SystemClock;

use crate::session::Session;

fn source(session: &Session) -> KeychainKeySource {
    let clock = Arc::new(SystemClock::new());
    let platform = Arc::new(Platform::new(session.environment()));
    let item = OwnItem::new("my-gateway", "data-key").unwrap();
    KeychainKeySource::new(platform, clock, item, session.home.join("data-key.lock"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn promise_7_the_key_in_the_keyring_opens_the_folder_again() {
    let session = Session::unlocked("key-source");
    let folder = session.home.join("grants");
    let key = Key::gateway(&CredentialRef::parse("idp/mail").unwrap());
    let store = FileStore::open(&folder, source(&session)).await.unwrap();
    let record = Record::new(Some(Grant::from(b"refresh-canary".to_vec())), None);
    store.save(&key, None, record).await.unwrap();
    store.rotate_key().await.unwrap();
    drop(store);

    let item = ["service", "my-gateway", "account", "data-key"];
    let text = session.lookup(&item).unwrap();
    assert!(text.starts_with("credential-store keys 1\n"), "the text of a key file");

    let store = FileStore::open(&folder, source(&session)).await.unwrap();
    let loaded = store.load(&key).await.unwrap().record.unwrap();
    assert_eq!(loaded.grant.unwrap().expose(), b"refresh-canary");
    drop(store);

    session.lock();
    let locked = FileStore::open(&folder, source(&session)).await.unwrap_err();
    assert_eq!(locked.code(), ErrorCode::InteractionRequired, "{locked}");
    crate::prompter::unlock_otherwise(&session).await;

    // Without the key nothing is made up in its place, and the folder stays as it is.
    session.clear(&item);
    let lost = FileStore::open(&folder, source(&session)).await.unwrap_err();
    assert_eq!(lost.code(), ErrorCode::StoreUnreadable, "{lost}");
    assert!(lost.detail().contains("keychain"), "{lost}");
    session.store(&item, &text);
    let store = FileStore::open(&folder, source(&session)).await.unwrap();
    assert!(store.load(&key).await.unwrap().record.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn whoever_makes_the_first_key_all_get_the_same() {
    let session = Session::unlocked("first-key");
    let made = futures::future::join_all((0..8).map(|_| async {
        let source = source(&session);
        let ring = credential_store::KeyRing::new(credential_store::DataKey::generate().unwrap());
        source.create(ring).await.unwrap().active().id()
    }));
    let made = made.await;
    assert!(made.iter().all(|id| *id == made[0]), "{made:?}");
}
