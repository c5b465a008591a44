//! What the tests share.
#![allow(unreachable_pub, dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub mod fail;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use credential_provider_api::{
    Credential, CredentialError, CredentialRef, ErrorCode, Grant, GrantStore as _, Key, Record,
    Revision,
};
use credential_store::{FileStore, FileStoreBuilder, KeyFile};

/// A folder for one test, removed with its last clone.
#[derive(Clone)]
pub struct Place(Arc<Root>);

struct Root(PathBuf);

impl Place {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("credential-store-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&root).unwrap();
        Self(Arc::new(Root(root)))
    }

    pub fn path(&self) -> &Path {
        &self.0.0
    }

    pub fn folder(&self) -> PathBuf {
        self.path().join("store")
    }

    pub fn keys(&self) -> KeyFile {
        KeyFile::new(self.path().join("keys"))
    }

    pub fn builder(&self) -> FileStoreBuilder {
        FileStore::builder(self.folder(), self.keys())
    }

    pub async fn open(&self) -> FileStore {
        self.builder().open().await.unwrap()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn key(id: &str) -> Key {
    Key::gateway(&CredentialRef::parse(id).unwrap())
}

/// A record whose secrets hold `mark`.
pub fn record(mark: &str) -> Record {
    let grant = Grant::from(format!("grant-{mark}").into_bytes());
    Record::new(Some(grant), Some(Credential::oauth2(format!("token-{mark}").into())))
}

/// The grant of a record, as text.
pub fn grant(record: Option<&Record>) -> String {
    let grant = record.and_then(|record| record.grant.as_ref());
    grant.map_or_else(String::new, |grant| String::from_utf8_lossy(grant.expose()).into_owned())
}

/// A record that was saved, and where it lies.
pub struct Saved {
    pub key: Key,
    pub file: PathBuf,
    pub revision: Revision,
}

impl Place {
    /// The files of records, temporary ones too.
    pub fn records(&self) -> BTreeSet<PathBuf> {
        let folder = std::fs::read_dir(self.folder().join("records")).unwrap();
        folder.map(|entry| entry.unwrap().path()).collect()
    }

    /// Saves a new record of this key; its secrets hold the key's name.
    pub async fn save(&self, store: &FileStore, id: &str) -> Saved {
        let before = self.records();
        let key = key(id);
        let revision = store.save(&key, None, record(id)).await.unwrap();
        let file = self.records().difference(&before).next().cloned().unwrap();
        Saved { key, file, revision }
    }

    /// All that must stay as it is where something was refused: every path, its mode, and what it
    /// holds. Only locks and the journal are not looked at.
    pub fn kept(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut kept = BTreeMap::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let found = std::fs::symlink_metadata(&path).unwrap();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if name.ends_with(".lock") || name == "journal" {
                    continue;
                }
                let bytes = if found.is_file() {
                    std::fs::read(&path).unwrap()
                } else if found.is_symlink() {
                    std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                } else {
                    Vec::new()
                };
                if found.is_dir() {
                    folders.push(path.clone());
                }
                kept.insert(path, (found.mode(), bytes));
            }
        }
        kept
    }
}

/// An error that a person can act on: its code, the file it is about, what is wrong and what to do.
#[track_caller]
pub fn unreadable<T>(outcome: Result<T, CredentialError>, file: &Path, why: &str) {
    let error = outcome.err().unwrap();
    let shown = error.to_string();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable, "{shown}");
    assert!(error.detail().contains(why), "{why}: {shown}");
    assert!(error.detail().contains(file.to_str().unwrap()), "{}: {shown}", file.display());
    assert!(!error.next_step().is_empty());
}
