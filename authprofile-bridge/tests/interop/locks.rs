//! Locks that OpenClaw's own code takes are where, and what, we take them to be.

use std::fs;

use serde_json::Value;

use crate::openclaw::{BOTH, OpenClaw, Version};

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn their_lock_of_a_store_file_is_a_file_beside_it_that_names_its_owner() {
    for version in BOTH {
        let claw = OpenClaw::new(version, "store-lock");
        let store = claw.state("auth-profiles.json");
        fs::create_dir_all(store.parent().unwrap()).unwrap();
        let mut lock = claw.lock(&["store", store.to_str().unwrap()]).await;
        let held = lock.held().await;
        assert_eq!(held, claw.state("auth-profiles.json.lock"));
        let owner: Value = serde_json::from_slice(&fs::read(&held).unwrap()).unwrap();
        assert_eq!(owner["pid"], lock.running.id(), "{version:?}");
        assert!(
            owner["createdAt"].is_string() && owner["starttime"].is_u64(),
            "{version:?}: {owner}"
        );
        assert_eq!(lock.order("release").await, "RELEASED");
        assert!(!held.exists());
    }
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn their_lock_of_a_renewal_has_the_name_of_its_version() {
    for (version, name) in [
        (
            Version::V2026_5_28,
            "sha256-5745659ffbfd6177a09e335e5c3da5e6bc0c2ed19b67af51f537ea171e03ccd0.lock",
        ),
        (Version::V2026_9_6, "lock-5440fa0b86d2697ef1152f7cb32a8157.lock"),
    ] {
        let claw = OpenClaw::new(version, "refresh-lock");
        let mut lock = claw.lock(&["refresh", "openai", "openai:default"]).await;
        assert_eq!(lock.held().await, claw.state("locks/oauth-refresh").join(name));
        assert_eq!(lock.order("release").await, "RELEASED");
    }
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn they_wait_for_each_other_and_take_over_from_the_dead() {
    for version in BOTH {
        let claw = OpenClaw::new(version, "takeover");
        let mut first = claw.lock(&["refresh", "openai", "openai:default"]).await;
        let held = first.held().await;
        assert_eq!(first.order("hang").await, "HANGING");
        let mut second = claw.lock(&["refresh", "openai", "openai:default"]).await;
        first.running.kill().await;
        assert!(held.exists(), "nobody was left to remove it");
        assert_eq!(second.held().await, held);
        let owner: Value = serde_json::from_slice(&fs::read(&held).unwrap()).unwrap();
        assert_eq!(owner["pid"], second.running.id(), "{version:?}");
        assert_eq!(second.order("release").await, "RELEASED");
    }
}
