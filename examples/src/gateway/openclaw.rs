//! A state folder as an OpenClaw of the years before SQLite leaves it, in small.
//!
//! `agents/main/agent/` has the profiles in one file and, beside it, their order and what was seen of
//! them.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::BuildHasher as _;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::narrator::MARK;

const PROFILES: &str = "auth-profiles.json";
const STATE: &str = "auth-state.json";

/// The folder.
pub struct StateFolder(PathBuf);

impl StateFolder {
    /// Makes it: two keys of one model in an order, and a token of another.
    ///
    /// # Errors
    /// The system's.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let state = Self(folder.join("openclaw"));
        DirBuilder::new().recursive(true).mode(0o700).create(state.agent())?;
        let end = SystemTime::now() + Duration::from_secs(3600);
        let end = end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        state.replace(
            PROFILES,
            &json!({ "version": 1, "profiles": {
                "openai:work": { "type": "api_key", "provider": "openai", "key": key() },
                "openai:backup": { "type": "api_key", "provider": "openai", "key": key() },
                "anthropic:team": {
                    "type": "token", "provider": "anthropic", "token": key(), "expires": end,
                },
            } }),
        )?;
        let order = json!({ "openai": ["openai:work", "openai:backup"] });
        state.replace(STATE, &json!({ "version": 1, "order": order }))?;
        Ok(state)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts another key into a profile, as OpenClaw or a person with an editor does.
    ///
    /// # Errors
    /// The system's; `NotFound` if there is no such profile.
    pub fn rotate(&self, profile: &str) -> io::Result<()> {
        let mut document: Value = serde_json::from_slice(&fs::read(self.agent().join(PROFILES))?)?;
        let stored = document.pointer_mut(&format!("/profiles/{profile}/key"));
        *stored.ok_or(io::ErrorKind::NotFound)? = key().into();
        self.replace(PROFILES, &document)
    }

    /// Why OpenClaw would pass a profile over, by its own books.
    #[must_use]
    pub fn cooldown(&self, profile: &str) -> Option<String> {
        let books = fs::read(self.agent().join(STATE)).ok()?;
        let books: Value = serde_json::from_slice(&books).ok()?;
        let reason = books.pointer(&format!("/usageStats/{profile}/cooldownReason"))?;
        reason.as_str().map(str::to_owned)
    }

    fn agent(&self) -> PathBuf {
        self.0.join("agents/main/agent")
    }

    /// Nobody sees half of it.
    fn replace(&self, name: &str, document: &Value) -> io::Result<()> {
        let beside = self.agent().join(format!("{name}.new"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(document.to_string().as_bytes())?;
        fs::rename(beside, self.agent().join(name))
    }
}

/// A key that nobody had before.
fn key() -> String {
    // Each of these is keyed anew.
    format!("sk-{MARK}-{:016x}", RandomState::new().hash_one(MARK))
}
