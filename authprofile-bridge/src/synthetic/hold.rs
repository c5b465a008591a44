//! One host at a time keeps what is written down in one ledger.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use credential_provider_api::{CredentialError, Detail, ErrorCode};

use crate::file::{make_folder, unwritable};

/// Held while a host keeps its profiles. The system lets go of it when the process ends, however.
#[derive(Debug)]
pub(super) struct Hold {
    _file: File,
}

impl Hold {
    /// Takes hold of a ledger, or fails at once. It blocks.
    ///
    /// The file beside the ledger is empty and stays: whoever removed it could hold another one than
    /// the next host finds.
    ///
    /// # Errors
    /// `configuration_invalid` if somebody holds it; `store_unwritable`, also where the file system
    /// knows no locks.
    pub(super) fn take(ledger: &Path) -> Result<Self, CredentialError> {
        let path = beside(ledger);
        // A new agent has no folder yet.
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&path).map_err(|why| unwritable(&path, &why))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(taken(ledger)),
            Err(TryLockError::Error(why)) => Err(unwritable(&path, &why)),
        }
    }
}

fn beside(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(".lock");
    PathBuf::from(name)
}

fn taken(ledger: &Path) -> CredentialError {
    let detail = format!(
        "another host, or another part of this one, keeps synthetic profiles by {}; \
         give each a ledger of its own, or shut the other down first",
        ledger.display()
    );
    CredentialError::new(ErrorCode::ConfigurationInvalid, Detail::composed(detail))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn a_new_agents_folder_is_made_and_a_second_host_is_refused() {
        let folder = Folder::new();
        let ledger = folder.path("agents/main/agent/ledger.json");
        let held = Hold::take(&ledger).unwrap();
        let refused = Hold::take(&ledger).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ConfigurationInvalid);
        drop(held);
        Hold::take(&ledger).unwrap();
    }
}
