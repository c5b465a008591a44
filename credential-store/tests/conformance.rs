//! Our stores keep what [`GrantStore`] promises.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use credential_provider_api::GrantStore;
use credential_provider_api::conformance::StoreSuite;
use credential_store::MemoryStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_store() {
    let store = MemoryStore::new();
    let suite = StoreSuite::new(move || {
        let store = store.clone();
        async move { Arc::new(store) as Arc<dyn GrantStore> }
    });
    suite.run().await.assert();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_store() {
    let place = common::Place::new();
    let (once, again) = (place.clone(), place.clone());
    let suite = StoreSuite::new(move || {
        let place = once.clone();
        async move { Arc::new(place.open().await) as Arc<dyn GrantStore> }
    });
    let suite = suite.reopen(move || {
        let place = again.clone();
        async move { Arc::new(place.open().await) as Arc<dyn GrantStore> }
    });
    suite.run().await.assert();
}
