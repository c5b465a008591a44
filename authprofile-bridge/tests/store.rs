//! The store on disk: what is theirs stays theirs, byte for byte.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use authprofile_bridge::json::{Object, Raw};
use authprofile_bridge::openclaw::{
    AgentId, AuthProfileStore, Config, Database, Era, FailureReason, For, Home, Mark, Profile,
    ProfileKind, Profiles, Row, order,
};
use common::{Folder, WallClock};
use credential_provider_api::{CredentialError, ErrorCode, SecretString, Timestamp};

const MAIN: &str = "agents/main/agent";

fn store(folder: &Folder) -> AuthProfileStore {
    AuthProfileStore::new(folder.path(MAIN), Arc::new(WallClock))
}

fn token(text: &str) -> Profile {
    let mut profile = Profile::new(ProfileKind::Token, "openai");
    profile.edit(|entry| entry.set("token", Raw::from_text(text)));
    profile
}

#[tokio::test]
async fn what_openclaw_wrote_is_read_with_its_order() {
    let folder = Folder::of_openclaw("2026.5.28");
    let store = store(&folder);
    assert_eq!(store.era().await.unwrap(), Era::B);
    let profiles = store.load().await.unwrap();
    let now = Timestamp::from_millis(1_800_000_000_000);
    let choices = order(&profiles, &Config::default(), "OpenAI", For::default(), now);
    let ids: Vec<_> = choices.iter().map(|choice| choice.id.as_str()).collect();
    assert_eq!(ids, ["openai:work", "openai:manual"]);
    assert_eq!(profiles.profiles().count(), 6);
}

#[tokio::test]
async fn another_agent_sees_the_main_agents_profiles_through_its_own() {
    let folder = Folder::of_openclaw("2026.5.28");
    let home = Home::at(folder.root());
    let agent =
        |id: &str| AuthProfileStore::new(home.agent(&AgentId::new(id)), Arc::new(WallClock));
    let research = agent("research").inheriting(agent("main"));
    let profiles = research.load().await.unwrap();
    assert!(profiles.profile("groq:manual").is_some());
    assert!(profiles.is_inherited("groq:manual"));
    // Its own hides the main agent's of the same name.
    let own = profiles.profile("openai:manual").unwrap();
    assert_eq!(own.text("key").unwrap().as_str(), "sk-test-research-openai");
    assert!(!profiles.is_inherited("openai:manual"));
    // What is inherited is never copied: an edit writes its own entries only.
    let edited = research.edit(|own| {
        own.put("x:1", &token("t"));
        Ok(())
    });
    edited.await.unwrap();
    let text = fs::read_to_string(home.agent(&AgentId::new("research")).join("auth-profiles.json"));
    let text = text.unwrap();
    assert!(text.contains("x:1") && !text.contains("groq:manual"), "{text}");
}

#[tokio::test]
async fn promise_10_an_edit_keeps_every_byte_it_does_not_mean() {
    let folder = Folder::new();
    let text = "{\n  \"version\": 7,\n  \"future\": {\"a\": [1,  2.50, \"\\u00e9\"]},\n  \"profiles\": {\n    \"x:1\": {\n      \"type\": \"api_key\",\n      \"provider\": \"x\",\n      \"key\": \"k\",\n      \"unknown\": 1e400\n    },\n    \"odd\": 7,\n    \"x:2\": {\"type\":\"magic\"}\n  },\n  \"usageStats\": {\n    \"x:1\": {\n      \"lastUsed\": 5,\n      \"zeta\": null\n    }\n  }\n}\n";
    let file = folder.write(&format!("{MAIN}/auth-profiles.json"), text);
    let store = store(&folder);
    store.edit(|_| Ok(())).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "nothing meant, nothing written");
    let edited = store.edit(|profiles| {
        profiles.put("x:3", &token("t"));
        Ok(())
    });
    edited.await.unwrap();
    let after = fs::read_to_string(&file).unwrap();
    let added = ",\n    \"x:3\": {\n      \"type\": \"token\",\n      \"provider\": \"openai\",\n      \"token\": \"t\"\n    }";
    assert_eq!(
        after,
        text.replace("{\"type\":\"magic\"}", &format!("{{\"type\":\"magic\"}}{added}"))
    );
    store
        .edit(|profiles| {
            profiles.remove("x:3");
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(store.load().await.unwrap().skipped().len(), 2);
}

#[tokio::test]
async fn order_and_use_go_where_the_era_keeps_them() {
    let folder = Folder::of_openclaw("2026.5.28");
    let profiles_file = folder.path(&format!("{MAIN}/auth-profiles.json"));
    let before = fs::read(&profiles_file).unwrap();
    let store = store(&folder);
    let edited = store.edit(|profiles| {
        let mut usage = profiles.usage("groq:manual");
        let now = Timestamp::from_millis(1_800_000_000_000);
        usage.failed(FailureReason::Auth, None, &Config::default().cooldowns(Era::B, "groq"), now);
        profiles.set_usage("groq:manual", &usage);
        profiles.set_last_good("openai", "openai:work");
        Ok(())
    });
    edited.await.unwrap();
    assert_eq!(
        fs::read(&profiles_file).unwrap(),
        before,
        "era B keeps them in a file of their own"
    );
    let state = fs::read_to_string(folder.path(&format!("{MAIN}/auth-state.json"))).unwrap();
    let state = Object::parse(&state).unwrap();
    let usage = state.object("usageStats").unwrap().object("groq:manual").unwrap();
    assert_eq!(usage.number("cooldownUntil"), Some(1_800_000_030_000.0));
    assert_eq!(state.object("lastGood").unwrap().text("openai").unwrap().as_str(), "openai:work");
    assert!(state.object("order").is_some());
}

#[tokio::test]
async fn a_corrupt_store_is_an_error_and_stays_as_it_is() {
    let folder = Folder::new();
    for text in ["", "{", "[]", "{\"profiles\":[]}", "not json sk-marked"] {
        let file = folder.write(&format!("{MAIN}/auth-profiles.json"), text);
        let store = store(&folder);
        let error = store.load().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnreadable, "{text}");
        assert!(!error.to_string().contains("sk-marked"), "{error}");
        let error = store
            .edit(|profiles| {
                profiles.put("x", &token("t"));
                Ok(())
            })
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnreadable, "{text}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    assert!(fs::read_dir(folder.path(MAIN)).unwrap().count() == 1, "no lock is left behind");
}

#[tokio::test]
async fn a_failed_change_writes_nothing_and_leaves_no_lock() {
    let folder = Folder::of_openclaw("2026.5.28");
    let file = folder.path(&format!("{MAIN}/auth-profiles.json"));
    let before = fs::read(&file).unwrap();
    let store = store(&folder);
    let failed = store.edit(|profiles| -> Result<(), _> {
        profiles.remove("groq:manual");
        Err(credential_provider_api::CredentialError::new(ErrorCode::Conflict, "no"))
    });
    assert_eq!(failed.await.unwrap_err().code(), ErrorCode::Conflict);
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!folder.path(&format!("{MAIN}/auth-profiles.json.lock")).exists());
}

#[tokio::test]
async fn a_store_that_is_read_only_is_not_edited() {
    let folder = Folder::of_openclaw("2026.5.28");
    let store = store(&folder).read_only();
    assert_eq!(store.edit(|_| Ok(())).await.unwrap_err().code(), ErrorCode::Unsupported);
    assert_eq!(store.load().await.unwrap().profiles().count(), 6);
}

#[tokio::test]
async fn a_database_that_nobody_can_read_is_an_error_whatever_lies_beside_it() {
    for database in [format!("{MAIN}/openclaw-agent.sqlite"), "state/openclaw.sqlite".to_owned()] {
        // The file is retired: its keys are old.
        let folder = Folder::of_openclaw("2026.5.28");
        folder.write(&database, "SQLite format 3");
        let store =
            AuthProfileStore::of(&Home::at(folder.root()), &AgentId::main(), Arc::new(WallClock));
        for error in [store.load().await.unwrap_err(), store.edit(|_| Ok(())).await.unwrap_err()] {
            assert_eq!(error.code(), ErrorCode::StoreUnreadable);
            assert!(error.to_string().contains("authprofile-sqlite"), "{error}");
        }
    }
}

/// A database without a row yet.
#[derive(Debug)]
struct Rowless;

impl Database for Rowless {
    fn read(&self, _: &Path, rows: &[Row]) -> Result<Vec<Option<SecretString>>, CredentialError> {
        Ok(rows.iter().map(|_| None).collect())
    }
    fn mark(&self, _: &Path) -> Result<Mark, CredentialError> {
        Ok(Mark::new([]))
    }
}

#[tokio::test]
async fn where_openclaw_has_a_database_no_file_is_read_and_none_is_written() {
    let folder = Folder::of_openclaw("2026.5.28");
    folder.write("state/openclaw.sqlite", "SQLite format 3");
    let store =
        AuthProfileStore::of(&Home::at(folder.root()), &AgentId::main(), Arc::new(WallClock))
            .with_database(Arc::new(Rowless));
    assert_eq!(store.era().await.unwrap(), Era::C);
    assert_eq!(store.load().await.unwrap().profiles().count(), 0);
    for refused in [store.check_writable().await, store.edit(|_| Ok(())).await] {
        assert_eq!(refused.unwrap_err().code(), ErrorCode::Unsupported);
    }
}

#[tokio::test]
async fn what_is_inherited_is_seen_through_every_generation() {
    let profiles = |id: &str| {
        let text = format!(
            "{{\"profiles\":{{\"{id}\":{{\"type\":\"api_key\",\"provider\":\"x\",\"key\":\"k\"}}}}}}"
        );
        Profiles::parse(&text, None).unwrap()
    };
    let all = profiles("x:1").inheriting(profiles("x:2").inheriting(profiles("x:3")));
    let ids: Vec<String> = all.profiles().map(|(id, _)| id).collect();
    assert_eq!(ids, ["x:3", "x:2", "x:1"]);
    let now = Timestamp::from_millis(1_800_000_000_000);
    assert_eq!(order(&all, &Config::default(), "x", For::default(), now).len(), 3);
}

#[tokio::test]
async fn a_write_by_somebody_without_the_lock_is_not_lost() {
    let folder = Folder::of_openclaw("2026.5.28");
    let file = folder.path(&format!("{MAIN}/auth-profiles.json"));
    let rounds = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&rounds);
    let theirs = file.clone();
    let store = store(&folder);
    let edited = store.edit(move |profiles| {
        if counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            let text = fs::read_to_string(&theirs).unwrap();
            fs::write(&theirs, text.replace("sk-test-main-groq", "sk-test-changed")).unwrap();
        }
        profiles.put("x:1", &token("t"));
        Ok(())
    });
    edited.await.unwrap();
    assert_eq!(rounds.load(std::sync::atomic::Ordering::Relaxed), 2);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("sk-test-changed") && text.contains("x:1"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_is_private_after_an_edit_and_a_new_one_is_made_whole() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let store = store(&folder);
    store
        .edit(|profiles| {
            profiles.put("x:1", &token("t"));
            Ok(())
        })
        .await
        .unwrap();
    let file = folder.path(&format!("{MAIN}/auth-profiles.json"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("{\n  \"version\": 1,\n  \"profiles\": {") && text.ends_with("}\n"),
        "{text}"
    );
    assert_eq!(store.era().await.unwrap(), Era::A);
}
