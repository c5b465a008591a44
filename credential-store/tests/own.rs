//! A provider sees its own records and no others.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::{grant, key, record};
use credential_provider_api::{
    CredentialError, ErrorCode, GrantStore, OwnRecords, ProviderId, StoreChange,
};
use credential_store::MemoryStore;
use futures::StreamExt as _;

fn denied<T>(answer: Result<T, CredentialError>) {
    assert_eq!(answer.err().unwrap().code(), ErrorCode::AccessDenied);
}

#[tokio::test]
async fn promise_5_a_provider_reaches_its_own_records_only() {
    let store = MemoryStore::new();
    let own = OwnRecords::new(ProviderId::new("idp").unwrap(), Arc::new(store.clone()));
    let (mine, theirs) = (key("idp/mail"), key("other/mail"));
    let mut told = own.watch();
    let revision = store.save(&theirs, None, record("theirs")).await.unwrap();
    own.save(&mine, None, record("mine")).await.unwrap();

    denied(own.load(&theirs).await);
    denied(own.save(&theirs, Some(revision), record("stolen")).await);
    denied(own.remove(&theirs, Some(revision)).await);
    denied(own.lease(&theirs).await);
    assert_eq!(own.list().await.unwrap(), vec![mine.clone()]);
    assert_eq!(told.next().await, Some(StoreChange::Key(mine.clone())), "and not of theirs");

    let kept = store.load(&theirs).await.unwrap();
    assert_eq!(grant(kept.record.as_ref()), "grant-theirs");
    let mine_now = own.load(&mine).await.unwrap();
    assert_eq!(grant(mine_now.record.as_ref()), "grant-mine");
    own.lease(&mine).await.unwrap();
    own.remove(&mine, mine_now.revision).await.unwrap();
}
