//! Against OpenClaw itself. `.ci/interop bridge` installs it.
#![cfg(unix)]
#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; what drives OpenClaw is shared with another package's tests"
)]

#[path = "../../../tests/interop/openclaw.rs"]
mod openclaw;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use authprofile_bridge::openclaw::{
    AgentId, AuthProfileStore, Config, Database as _, Era, For, Home, Row, order,
};
use authprofile_sqlite::SqliteFiles;
use credential_provider_api::{Clock as _, ManualClock};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::openclaw::{OpenClaw, Version};

fn clock() -> ManualClock {
    ManualClock::new(std::time::SystemTime::now().into())
}

fn read(file: &Path, row: Row) -> Option<String> {
    let mut found = SqliteFiles::new().read(file, &[row]).unwrap();
    found.remove(0).map(|text| text.expose_secret().to_owned())
}

fn json(file: &Path, row: Row) -> Value {
    serde_json::from_str(&read(file, row).unwrap()).unwrap()
}

fn shared(claw: &OpenClaw) -> PathBuf {
    claw.state("state/openclaw.sqlite")
}

fn agent(claw: &OpenClaw, name: &str) -> PathBuf {
    claw.state(&format!("agents/{name}/agent/openclaw-agent.sqlite"))
}

/// The names beside a file.
fn names(file: &Path) -> Vec<String> {
    let entries = fs::read_dir(file.parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn what_2026_9_6_pastes_and_stores_is_read_while_its_gateway_runs() {
    let claw = OpenClaw::new(Version::V2026_9_6, "read");
    claw.run_with("models auth paste-api-key --provider openai", "sk-test-first\n").await.ok();
    let before = names(&shared(&claw));
    let profiles = json(&shared(&claw), Row::SharedProfiles);
    assert_eq!(profiles["profiles"]["openai:manual"]["key"], "sk-test-first");
    assert_eq!(json(&shared(&claw), Row::SharedOwner)["location"], "state-db");
    assert_eq!(names(&shared(&claw)), before, "nothing of ours is left");

    let mut gateway = claw.gateway().await;
    let files = SqliteFiles::new();
    let mark = files.mark(&shared(&claw)).unwrap();
    claw.run_with(
        "models auth paste-api-key --provider openai --profile-id openai:work",
        "sk-test-second\n",
    )
    .await
    .ok();
    assert_ne!(files.mark(&shared(&claw)).unwrap(), mark, "the change shows");
    let profiles = json(&shared(&claw), Row::SharedProfiles);
    assert_eq!(profiles["profiles"]["openai:manual"]["key"], "sk-test-first");
    assert_eq!(profiles["profiles"]["openai:work"]["key"], "sk-test-second");
    claw.run_with("secrets store set TEST_KEY --kind secret --value-file -", "sk-test-stored")
        .await
        .ok();
    assert_eq!(
        read(&shared(&claw), Row::SecretValue("TEST_KEY".into())).as_deref(),
        Some("sk-test-stored")
    );
    // The bridge's own view, of an agent that has nothing of its own.
    let home = Home::at(&claw.state(""));
    let store = AuthProfileStore::of(&home, &AgentId::new("research"), Arc::new(clock()))
        .with_database(Arc::new(SqliteFiles::new()));
    assert_eq!(store.era().await.unwrap(), Era::C);
    let profiles = store.load().await.unwrap();
    let choices = order(&profiles, &Config::default(), "openai", For::default(), clock().now());
    let ids: Vec<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
    assert_eq!(ids, ["openai:manual", "openai:work"]);
    gateway.kill().await;

    // What a killed gateway left is read as it is, and OpenClaw goes on with it.
    let left = names(&shared(&claw));
    let profiles = json(&shared(&claw), Row::SharedProfiles);
    assert_eq!(profiles["profiles"]["openai:work"]["key"], "sk-test-second");
    assert_eq!(names(&shared(&claw)), left);
    claw.run_with(
        "models auth paste-api-key --provider openai --profile-id openai:work",
        "sk-test-third\n",
    )
    .await
    .ok();
    let profiles = json(&shared(&claw), Row::SharedProfiles);
    assert_eq!(profiles["profiles"]["openai:work"]["key"], "sk-test-third");
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn an_agents_own_profiles_and_order_are_read_from_its_own_file() {
    let claw = OpenClaw::new(Version::V2026_9_6, "agents");
    // The one way to have profiles of an agent's own: the import of what an older version left.
    for (name, key) in [("main", "sk-test-main"), ("research", "sk-test-research")] {
        let folder = claw.state(&format!("agents/{name}/agent"));
        fs::create_dir_all(&folder).unwrap();
        let profile = serde_json::json!({"type": "api_key", "provider": "openai", "key": key});
        let store = serde_json::json!({"version": 1, "profiles": {"openai:manual": profile}});
        fs::write(folder.join("auth-profiles.json"), store.to_string()).unwrap();
    }
    claw.run("doctor --fix --non-interactive").await.ok();
    let own = json(&agent(&claw, "research"), Row::AgentProfiles);
    assert_eq!(own["profiles"]["openai:manual"]["key"], "sk-test-research");
    let all = json(&shared(&claw), Row::SharedProfiles);
    assert_eq!(all["profiles"]["openai:manual"]["key"], "sk-test-main");

    claw.run("models auth --agent main order set --provider openai openai:manual").await.ok();
    let state = json(&agent(&claw, "main"), Row::AgentState);
    assert_eq!(state["order"]["openai"][0], "openai:manual");
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn which_files_a_version_leaves_tells_where_its_profiles_are() {
    let old = OpenClaw::new(Version::V2026_5_28, "old");
    old.run_with("models auth paste-api-key --provider openai", "sk-test-of-a-version\n")
        .await
        .ok();
    assert!(old.state("agents/main/agent/auth-profiles.json").exists());
    assert!(!shared(&old).exists() && !agent(&old, "main").exists());

    let new = OpenClaw::new(Version::V2026_9_6, "new");
    new.run_with("models auth paste-api-key --provider openai", "sk-test-of-a-version\n")
        .await
        .ok();
    assert!(!new.state("agents/main/agent/auth-profiles.json").exists());
    assert!(shared(&new).exists());
    assert!(!agent(&new, "main").exists(), "an agent without an own profile or order has no file");
}
