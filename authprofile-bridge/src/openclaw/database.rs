//! How the bridge reads the SQLite files that OpenClaw keeps its profiles in since 2026.6.5, without
//! depending on SQLite.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use credential_provider_api::CredentialError;
use secrecy::SecretString;

/// One text in one of OpenClaw's SQLite files.
///
/// Which file has which: an agent's is `<agent folder>/openclaw-agent.sqlite`, the shared one
/// `<state folder>/state/openclaw.sqlite`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Row {
    /// An agent's own profiles: table `auth_profile_store`, row `primary`.
    AgentProfiles,
    /// An agent's own order, last good profiles and usage: `auth_profile_state`, row `primary`.
    AgentState,
    /// The profiles that all agents share: `config_machine_state`, row `authProfiles.store`.
    SharedProfiles,
    /// Their order, last good profiles and usage: `config_machine_state`, row `authProfiles.state`.
    SharedState,
    /// Where the shared profiles are kept, `{"location":"state-db"|"legacy-main"}`:
    /// `config_machine_state`, row `auth.sharedStore`.
    SharedOwner,
    /// The value of this name in the team's store of secrets (`secret_store_entries`, scope `team`),
    /// unless it was removed: the text itself, not JSON.
    SecretValue(String),
    /// The hosts that a value of the team's store may be sent to: a JSON array of names. `None` also
    /// where the entry is without such a list.
    SecretHosts(String),
}

/// What a file and those beside it looked like: two marks that differ mean that something was
/// written between them.
///
/// Equal marks mean that nothing was written, but for two changes within one tick of the file
/// system's clock (4 ms on most) that leave the same length: who follows a file looks at its rows once
/// more a tick after a mark has changed.
#[derive(Clone, PartialEq, Eq)]
pub struct Mark(Vec<Option<Stamp>>);

/// What the file system says of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stamp {
    /// Bytes.
    pub length: u64,
    /// When its content was last written.
    pub modified: SystemTime,
    /// What tells it from another file of the same name: device and inode, where there are such.
    pub identity: (u64, u64),
}

impl Stamp {
    /// Of this length, written at this time, and who it is.
    #[must_use]
    pub const fn new(length: u64, modified: SystemTime, identity: (u64, u64)) -> Self {
        Self { length, modified, identity }
    }
}

impl Mark {
    /// From the file and those beside it, always in the same order; `None` stands for one that does
    /// not exist.
    #[must_use]
    pub fn new(stamps: impl IntoIterator<Item = Option<Stamp>>) -> Self {
        Self(stamps.into_iter().collect())
    }

    /// Whether the file itself, the first, exists.
    #[must_use]
    pub fn exists(&self) -> bool {
        matches!(self.0.first(), Some(Some(_)))
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

/// Reads rows of OpenClaw's SQLite files. The crate `authprofile-sqlite` implements it.
///
/// Calls block for as long as the file is locked, up to a limit of the implementation's: an async
/// caller makes them on a thread of its own.
pub trait Database: fmt::Debug + Send + Sync {
    /// The texts of `rows` in `file`, in their order, all as they were at one moment. A file, table or
    /// row that does not exist is `None`.
    ///
    /// # Errors
    /// `store_locked` if the file stays locked or keeps changing, `store_unreadable` if it is no
    /// SQLite file, is damaged, may not be read, has a row larger than the limit or of another type
    /// than text. The file is as it was.
    fn read(&self, file: &Path, rows: &[Row])
    -> Result<Vec<Option<SecretString>>, CredentialError>;

    /// What `file` looks like now, at the price of a few calls of the file system and without opening
    /// it. A file that does not exist has a mark as well.
    ///
    /// # Errors
    /// `store_unreadable` if the file system does not say.
    fn mark(&self, file: &Path) -> Result<Mark, CredentialError>;
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn marks_differ_by_every_part_of_a_stamp() {
        let then = UNIX_EPOCH + Duration::from_secs(1);
        let first = Mark::new([Some(Stamp::new(1, then, (1, 1))), None]);
        assert_eq!(first, first.clone());
        assert!(first.exists());
        for other in [
            Mark::new([Some(Stamp::new(2, then, (1, 1))), None]),
            Mark::new([Some(Stamp::new(1, UNIX_EPOCH, (1, 1))), None]),
            Mark::new([Some(Stamp::new(1, then, (1, 2))), None]),
            Mark::new([Some(Stamp::new(1, then, (1, 1))), Some(Stamp::new(0, then, (1, 3)))]),
        ] {
            assert_ne!(first, other);
        }
        assert!(!Mark::new([None, Some(Stamp::new(1, then, (1, 1)))]).exists());
    }
}
