//! What OpenClaw 2026.9.6 wrote.

use std::fs;
use std::path::{Path, PathBuf};

use authprofile_bridge::openclaw::{Database as _, Row};
use authprofile_sqlite::SqliteFiles;
use rusqlite::Connection;
use secrecy::ExposeSecret as _;

use crate::folder::Folder;

fn made(folder: &Folder, fixture: &str) -> PathBuf {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(fixture);
    let file = folder.path("made.sqlite");
    Connection::open(&file).unwrap().execute_batch(&fs::read_to_string(text).unwrap()).unwrap();
    file
}

fn read(file: &Path, rows: &[Row]) -> Vec<Option<String>> {
    let found = SqliteFiles::new().read(file, rows).unwrap().into_iter();
    found.map(|text| text.map(|text| text.expose_secret().to_owned())).collect()
}

#[test]
fn the_shared_file_of_2026_9_6() {
    let folder = Folder::new("shared");
    let file = made(&folder, "openclaw-2026.9.6/state/state/openclaw.sqlite.sql");
    let found = read(&file, &[Row::SharedOwner, Row::SharedProfiles, Row::SharedState]);
    assert_eq!(found[0].as_deref(), Some(r#"{"location":"state-db"}"#));
    assert!(found[1].as_ref().unwrap().contains("sk-test-shared-openai-work"), "{found:?}");
    assert_eq!(found[2], None);
    // An agent's tables are not in it.
    assert_eq!(read(&file, &[Row::AgentProfiles, Row::AgentState]), [None, None]);
}

#[test]
fn a_value_of_the_teams_store_with_its_hosts_unless_it_was_removed() {
    let folder = Folder::new("team");
    let file = made(&folder, "openclaw-2026.9.6/state/state/openclaw.sqlite.sql");
    let value = |name: &str| Row::SecretValue(name.into());
    let hosts = |name: &str| Row::SecretHosts(name.into());
    assert_eq!(
        read(&file, &[value("TEST_STORE_KEY"), hosts("TEST_STORE_KEY")]),
        [Some("sk-test-store-value".into()), Some(r#"["api.example.com"]"#.into())]
    );
    assert_eq!(
        read(&file, &[value("TEST_STORE_PLAIN"), hosts("TEST_STORE_PLAIN")]),
        [Some("plain".into()), None]
    );
    assert_eq!(read(&file, &[value("TEST_STORE_GONE"), value("TEST_STORE_NEVER")]), [None, None]);
    assert_eq!(read(&file, &[value("' OR 1 = 1 --")]), [None]);
}

#[test]
fn a_value_of_one_person_is_not_the_teams() {
    let folder = Folder::new("person");
    let file = made(&folder, "openclaw-2026.9.6/state/state/openclaw.sqlite.sql");
    Connection::open(&file)
        .unwrap()
        .execute_batch(
            "INSERT INTO secret_store_entries VALUES('identity', 'somebody', 'THEIRS', 'x', 'secret', 1, 1, NULL, NULL, NULL)",
        )
        .unwrap();
    assert_eq!(read(&file, &[Row::SecretValue("THEIRS".into())]), [None]);
}

#[test]
fn the_agents_file_of_2026_9_6() {
    let folder = Folder::new("agent");
    let file = made(
        &folder,
        "openclaw-2026.9.6-imported/state/agents/research/agent/openclaw-agent.sqlite.sql",
    );
    let found = read(&file, &[Row::AgentState, Row::AgentProfiles, Row::SharedProfiles]);
    assert_eq!(found[0], None);
    assert!(found[1].as_ref().unwrap().contains("sk-test-research-openai"), "{found:?}");
    assert_eq!(found[2], None);
}
