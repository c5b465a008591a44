//! Which of OpenClaw's ways of storing profiles a folder is kept in.

use std::path::Path;

/// The name of the file with the profiles, eras A and B.
pub(crate) const PROFILES: &str = "auth-profiles.json";
/// The name of the file with order and use, era B.
pub(crate) const STATE: &str = "auth-state.json";
/// The name of an agent's database, era C.
pub(crate) const DATABASE: &str = "openclaw-agent.sqlite";

/// How a folder is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Era {
    /// One JSON file, written in place (2026.4.1).
    A,
    /// Profiles in one JSON file, order and use in another (2026.4.26 to 2026.6.1).
    B,
    /// SQLite (2026.6.5 and later). Read only.
    C,
}

impl Era {
    /// How an agent's folder without a database is kept. It blocks.
    ///
    /// A folder of era B in which nothing was ever recorded looks like era A, whose stricter rules are
    /// safe for both.
    #[must_use]
    pub(crate) fn of_files(folder: &Path) -> Self {
        if folder.join(STATE).is_file() { Self::B } else { Self::A }
    }
}
