//! What others do is told to everybody who follows, once, whatever happens to the journal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Place, key};
use credential_provider_api::{Change, Credential, Grant, GrantStore as _};
use credential_store::{Grants, MemoryStore};
use futures::StreamExt as _;

const SOON: Duration = Duration::from_secs(3);

fn login() -> (Option<Grant>, Option<Credential>) {
    (Some(Grant::from(b"rt-1".to_vec())), Some(Credential::oauth2("at-1".into())))
}

/// Two providers (or engines) on one `Grants`: each follows, as `CredentialProvider::changes` does.
#[tokio::test]
async fn a_sign_out_elsewhere_reaches_every_stream_of_one_grants() {
    let store = Arc::new(MemoryStore::new());
    let (here, there) = (Grants::new(store.clone()), Grants::new(store));
    let mail = key("idp/mail");
    let (grant, credential) = login();
    there.sign_in(&mail, grant, credential).await.unwrap();
    assert!(here.current(&mail).await.unwrap().is_some());
    let (mut one, mut two) = (here.changes(), here.clone().changes());
    there.sign_out(&mail).await.unwrap();
    let told = Some(Change::SignedOut(mail));
    let (one, two) = tokio::join!(
        tokio::time::timeout(SOON, one.next()),
        tokio::time::timeout(SOON, two.next())
    );
    assert_eq!(one.unwrap_or_default(), told, "the first stream");
    assert_eq!(two.unwrap_or_default(), told, "the second stream");
}

/// What this process knew is remembered (`Known`), but not compared when somebody begins to follow.
#[tokio::test]
async fn a_sign_out_before_the_stream_began_is_told_by_it() {
    let store = Arc::new(MemoryStore::new());
    let (here, there) = (Grants::new(store.clone()), Grants::new(store));
    let mail = key("idp/mail");
    let (grant, credential) = login();
    there.sign_in(&mail, grant, credential).await.unwrap();
    assert!(here.current(&mail).await.unwrap().is_some());
    there.sign_out(&mail).await.unwrap();
    let mut changes = here.changes();
    let told = tokio::time::timeout(SOON, changes.next()).await;
    assert_eq!(told.unwrap_or_default(), Some(Change::SignedOut(mail)));
}

/// The lock on `journal` stands for a process that was stopped (SIGSTOP, `docker pause`, a debugger),
/// or whose forked child lives on, while it told of a save of ANY other key.
fn stopped_in_the_journal(place: &Place) -> std::fs::File {
    let file = std::fs::File::open(place.folder().join("journal")).unwrap();
    file.lock().unwrap();
    file
}

#[tokio::test]
async fn a_process_stopped_while_it_tells_of_one_key_delays_no_other() {
    let place = Place::new();
    let store = place.open().await;
    let b = place.save(&store, "mail/b").await;
    let _stopped = stopped_in_the_journal(&place);
    let since = Instant::now();
    store.save(&b.key, Some(b.revision), common::record("2")).await.unwrap();
    let saved = since.elapsed();
    let since = Instant::now();
    store.load(&b.key).await.unwrap();
    let loaded = since.elapsed();
    assert!(saved < SOON && loaded < SOON, "save {saved:?}, load {loaded:?}");
}

#[tokio::test]
async fn a_sign_out_reaches_others_though_a_process_is_stopped_in_the_journal() {
    let place = Place::new();
    let (here, there) =
        (Grants::new(Arc::new(place.open().await)), Grants::new(Arc::new(place.open().await)));
    let mail = key("idp/mail");
    let (grant, credential) = login();
    there.sign_in(&mail, grant, credential).await.unwrap();
    assert!(here.current(&mail).await.unwrap().is_some());
    let mut changes = here.changes();
    let _stopped = stopped_in_the_journal(&place);
    // It returns Ok: "when `sign_out` has returned ... others follow within two seconds".
    there.sign_out(&mail).await.unwrap();
    let told = tokio::time::timeout(SOON, changes.next()).await;
    assert_eq!(told.unwrap_or_default(), Some(Change::SignedOut(mail)));
}
