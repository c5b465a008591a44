//! The store suite: a good store passes it, and each wrong one breaks the rule that names its fault,
//! and no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod memory;
mod wrong;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::GrantStore;
use credential_provider_api::conformance::StoreSuite;

use common::holds;
use memory::Memory;

fn suite<S: GrantStore + Clone + 'static>(store: S) -> StoreSuite {
    StoreSuite::new(move || {
        let handle: Arc<dyn GrantStore> = Arc::new(store.clone());
        async { handle }
    })
    .slow_holder(Duration::from_millis(20))
}

#[tokio::test]
async fn a_store_in_memory_keeps_the_promises_of_one_process() {
    let suite = suite(Memory::default()).slow_holder(Duration::from_millis(800));
    holds(&suite.run().await, &["data-outlives-its-handles"]);
}

#[tokio::test]
async fn a_store_that_is_opened_again_skips_nothing() {
    let memory = Memory::default();
    let reopened = memory.clone();
    let suite = suite(memory).reopen(move || {
        let handle: Arc<dyn GrantStore> = Arc::new(reopened.clone());
        async { handle }
    });
    holds(&suite.run().await, &[]);
}

#[tokio::test]
async fn a_store_that_forgets_is_found() {
    let suite = suite(Memory::default()).reopen(|| async {
        let handle: Arc<dyn GrantStore> = Arc::new(Memory::default());
        handle
    });
    common::breaks(&suite.run().await, "data-outlives-its-handles");
}

#[tokio::test]
async fn every_rule_is_documented() {
    let page = include_str!("../../src/conformance/store/mod.rs");
    for (rule, _) in suite(Memory::default()).run().await.rules() {
        assert!(page.contains(&format!("/// | `{rule}` |")), "{rule}");
    }
}

#[test]
fn a_suite_runs_on_any_executor() {
    fn sendable<T: Send>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
        future
    }
    drop(sendable(suite(Memory::default()).run()));
}
