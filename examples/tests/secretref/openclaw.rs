//! What a gateway beside an OpenClaw has in its configuration is answered here too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use authprofile_bridge::secret_ref::{SecretRefs, SecretsConfiguration};
use credential_provider_api::{ExposeSecret as _, SecretString};
use resolution_engine::SystemClock;
use rusqlite::Connection;
use serde_json::json;

use super::common::{Folder, PROGRAM, exec};

const FIXTURES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../authprofile-bridge/tests/fixtures/");

#[tokio::test]
async fn profiles_logins_and_the_teams_secrets_are_answered() {
    let folder = Folder::new();
    // A state folder of 2026.9.6, with a reference into its own store.
    let profiles = json!({"version": 1, "profiles": {
        "openai:work": {"type": "api_key", "provider": "openai", "key": "sk-profile"},
        "groq:team": {"type": "api_key", "provider": "groq",
            "keyRef": {"source": "store", "provider": "default", "id": "TEST_STORE_KEY"}},
    }});
    let team = "state/state/openclaw.sqlite";
    database(&folder, "2026.9.6/state/state/openclaw.sqlite.sql", team);
    let team = Connection::open(folder.path(team)).unwrap();
    let put =
        "UPDATE config_machine_state SET value_json = ?1 WHERE state_key = 'authProfiles.store'";
    assert_eq!(team.execute(put, [profiles.to_string()]).unwrap(), 1);
    drop(team);
    // And another, as it was.
    let (all, agent) = ("2026.9.6", "agents/main/agent/openclaw-agent.sqlite");
    for name in ["state/openclaw.sqlite", agent] {
        database(&folder, &format!("{all}/state/{name}.sql"), &format!("newest/{name}"));
    }
    fs::create_dir(folder.path("home")).unwrap();
    fs::create_dir(folder.path("home/.codex")).unwrap();
    folder.file("home/.codex/auth.json", r#"{"OPENAI_API_KEY": "sk-codex"}"#);

    let whole = json!({
        "credentialProviders": {
            "profiles": {"type": "auth-profiles",
                "modelProviders": {"openai": {"issuer": "the gateway's"}}},
            "newest": {"type": "auth-profiles", "stateFolder": folder.path("newest")},
            "logins": {"type": "tool-logins", "credentials": {"codex-api-key": {}}},
        },
        "credentialAccess": [{"consumer": credential_host::resolver::CONSUMER, "credential": "*"}],
    });
    let configuration = folder.file("credentials.json", &whole.to_string());
    let secrets = asked(&folder, &configuration);
    for (id, secret) in [
        ("profiles/openai:work", "sk-profile"),
        ("profiles/groq:team", "sk-test-store-value"),
        ("newest/openai:work", "sk-test-shared-openai-work"),
        ("logins/codex-api-key", "sk-codex"),
    ] {
        let found = secrets.resolve_all(&[exec("ours", id)]).await.remove(0);
        assert_eq!(found.unwrap().expose_secret(), secret, "{id}");
    }
}

fn database(folder: &Folder, fixture: &str, name: &str) {
    let text = fs::read_to_string(format!("{FIXTURES}openclaw-{fixture}")).unwrap();
    let file = folder.path(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    Connection::open(&file).unwrap().execute_batch(&text).unwrap();
}

fn asked(folder: &Folder, configuration: &Path) -> SecretRefs {
    let source = json!({"source": "exec", "command": PROGRAM, "allowInsecurePath": true,
        "args": ["--config", configuration], "passEnv": ["HOME", "OPENCLAW_STATE_DIR"]});
    let section = json!({"providers": {"ours": source}});
    let section = SecretsConfiguration::read("secrets", &section).unwrap();
    let place = |name: &str| SecretString::from(folder.path(name).to_str().unwrap());
    let environment = BTreeMap::from([
        ("HOME".to_owned(), place("home")),
        ("OPENCLAW_STATE_DIR".to_owned(), place("state")),
    ]);
    SecretRefs::new(section, Arc::new(environment), Arc::new(SystemClock::new()))
}
