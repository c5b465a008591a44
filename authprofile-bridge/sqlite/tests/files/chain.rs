//! The bridge on files that OpenClaw 2026.9.6 wrote: stores, agents, the team's secrets.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use authprofile_bridge::openclaw::{
    AgentId, AuthProfileStore, Config, Era, For, Home, NoSecret, ProfileSecret, TeamSecrets, order,
};
use authprofile_bridge::secret_ref::SecretStore as _;
use authprofile_sqlite::SqliteFiles;
use credential_provider_api::{ErrorCode, ManualClock, Timestamp};
use rusqlite::Connection;
use secrecy::ExposeSecret as _;

use crate::folder::Folder;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A state folder with the databases of a fixture.
fn state(folder: &Folder, fixture: &str) -> Home {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(fixture).join("state");
    let agents = ["main", "research"].map(|id| format!("agents/{id}/agent/openclaw-agent.sqlite"));
    for file in agents.into_iter().chain(["state/openclaw.sqlite".to_owned()]) {
        let Ok(text) = fs::read_to_string(fixture.join(format!("{file}.sql"))) else { continue };
        let made = folder.path(&file);
        fs::create_dir_all(made.parent().unwrap()).unwrap();
        Connection::open(&made).unwrap().execute_batch(&text).unwrap();
    }
    Home::at(&folder.path(""))
}

fn store(home: &Home, agent: &str) -> AuthProfileStore {
    AuthProfileStore::new(home.agent(&AgentId::new(agent)), Arc::new(ManualClock::new(NOW)))
        .with_database(Arc::new(SqliteFiles::new()))
        .with_shared_database(home.shared_database())
}

#[tokio::test]
async fn the_shared_profiles_are_chosen_by_an_agents_own_order() {
    let folder = Folder::new("chain");
    let home = state(&folder, "openclaw-2026.9.6");
    for (agent, expected) in
        [("main", vec!["openai:work", "openai:manual"]), ("research", vec!["openai:manual"])]
    {
        let store = store(&home, agent);
        assert_eq!(store.era().await.unwrap(), Era::C);
        let profiles = store.load().await.unwrap();
        let choices = order(&profiles, &Config::default(), "openai", For::default(), NOW);
        let ids: Vec<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
        assert_eq!(ids, expected, "{agent}");
        assert!(profiles.is_inherited("openai:work"));
    }
}

#[tokio::test]
async fn an_agents_own_profile_hides_the_shared_one() {
    let folder = Folder::new("own");
    let home = state(&folder, "openclaw-2026.9.6-imported");
    let profiles = store(&home, "research").load().await.unwrap();
    let key = |id: &str| match profiles.profile(id).unwrap().secret().unwrap() {
        ProfileSecret::Inline(secret) => secret.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(key("openai:manual"), "sk-test-research-openai");
    assert_eq!(key("openai:work"), "sk-test-main-openai-work");
}

#[tokio::test]
async fn promise_10_a_fenced_login_is_seen_as_fenced_and_never_chosen() {
    let folder = Folder::new("fence");
    let home = state(&folder, "openclaw-2026.9.6-imported");
    let fence = |kind: &str| {
        format!("openclaw-oauth-refresh-fence:v1:{}:{kind}:{}", "a".repeat(32), "b".repeat(64))
    };
    let database = Connection::open(home.shared_database()).unwrap();
    let row = "SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store'";
    let text: String = database.query_row(row, [], |row| row.get(0)).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let profiles = json["profiles"].as_object_mut().unwrap();
    let (id, login) = profiles.iter_mut().find(|(_, entry)| entry["type"] == "oauth").unwrap();
    let id = id.clone();
    login["access"] = fence("access").into();
    login["refresh"] = fence("refresh").into();
    login["expires"] = 1.into();
    let provider = login["provider"].as_str().unwrap().to_owned();
    let update =
        "UPDATE config_machine_state SET value_json = ?1 WHERE state_key = 'authProfiles.store'";
    database.execute(update, [json.to_string()]).unwrap();
    drop(database);
    let profiles = store(&home, "research").load().await.unwrap();
    let profile = profiles.profile(&id).unwrap();
    assert!(profile.is_fenced());
    let Some(ProfileSecret::Inline(secret)) = profile.secret() else { panic!("a fence") };
    assert_eq!(NoSecret::of(secret.expose_secret()), Some(NoSecret::Fence));
    let choices = order(&profiles, &Config::default(), &provider, For::default(), NOW);
    assert!(choices.iter().all(|choice| choice.id != id), "{choices:?}");
}

#[tokio::test]
async fn a_store_in_a_database_is_not_edited() {
    let folder = Folder::new("edit");
    let home = state(&folder, "openclaw-2026.9.6");
    let error = store(&home, "research").edit(|_| Ok(())).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
}

#[test]
fn the_teams_secrets_answer_references() {
    let folder = Folder::new("secrets");
    let home = state(&folder, "openclaw-2026.9.6");
    let secrets = TeamSecrets::new(Arc::new(SqliteFiles::new()), home.shared_database());
    let names = ["TEST_STORE_KEY", "TEST_STORE_GONE"].map(str::to_owned);
    let found = secrets.read(&names).unwrap();
    assert_eq!(found[0].as_ref().unwrap().expose_secret(), "sk-test-store-value");
    assert!(found[1].is_none());
}
