//! A folder of the test's own, and files in it as OpenClaw makes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use std::time::Duration;

use authprofile_bridge::openclaw::{Database as _, Row};
use authprofile_sqlite::SqliteFiles;
use credential_provider_api::CredentialError;
use rusqlite::Connection;
use secrecy::ExposeSecret as _;

pub struct Folder(PathBuf);

/// The tables of an agent's file, as OpenClaw makes them.
pub const AGENT: &str = "
    CREATE TABLE auth_profile_store (store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
    CREATE TABLE auth_profile_state (state_key TEXT NOT NULL PRIMARY KEY, state_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;";

impl Folder {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir()
            .join(format!("authprofile-sqlite-{name}-{}-{next}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Everything in it: names, bytes, and when each was last written.
    pub fn all(&self) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| {
            let entry = entry.unwrap();
            let written = entry.metadata().unwrap().modified().unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, (fs::read(entry.path()).unwrap(), written))
        });
        entries.collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.all().into_keys().collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A connection as OpenClaw's: WAL, its tables.
pub fn writer(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 20;").unwrap();
    connection.execute_batch(&AGENT.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")).unwrap();
    connection
}

pub fn put(connection: &Connection, profiles: &str, state: &str) {
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
        .execute("INSERT OR REPLACE INTO auth_profile_store VALUES('primary', ?1, 1)", [profiles])
        .unwrap();
    connection
        .execute("INSERT OR REPLACE INTO auth_profile_state VALUES('primary', ?1, 1)", [state])
        .unwrap();
    connection.execute_batch("COMMIT").unwrap();
}

/// Profiles and state.
pub type Both = (Option<String>, Option<String>);

pub fn both(file: &Path) -> Result<Both, CredentialError> {
    both_by(&SqliteFiles::new(), file)
}

pub fn both_by(files: &SqliteFiles, file: &Path) -> Result<Both, CredentialError> {
    let mut found = files.read(file, &[Row::AgentProfiles, Row::AgentState])?.into_iter();
    let mut next = || found.next().unwrap().map(|text| text.expose_secret().to_owned());
    Ok((next(), next()))
}

pub fn texts(profiles: &str, state: &str) -> Both {
    (Some(profiles.into()), Some(state.into()))
}
