//! The stored budget: instructions per operation, by subject.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// Instructions per operation, by subject; in `budget.json` beside this crate's manifest.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Budget(BTreeMap<String, f64>);

impl Budget {
    /// Of these subjects.
    pub fn new(subjects: impl IntoIterator<Item = (String, f64)>) -> Self {
        let rounded = |(name, count): (String, f64)| (name, (count * 10.0).round() / 10.0);
        Self(subjects.into_iter().map(rounded).collect())
    }

    /// The one that is stored; empty if none is.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn load() -> io::Result<Self> {
        match fs::read(path()) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Stores this one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn store(&self) -> io::Result<()> {
        fs::write(path(), serde_json::to_string_pretty(self)? + "\n")
    }

    /// What a subject may use.
    #[must_use]
    pub fn of(&self, subject: &str) -> Option<f64> {
        self.0.get(subject).copied()
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("budget.json")
}
