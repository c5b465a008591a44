//! [`KeyFile`]: keys in a file that only its owner can read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use credential_provider_api::CredentialError;
use zeroize::Zeroizing;

use super::ring::KeyRing;
use super::source::KeySource;
use super::text::{parse, text};
use crate::file::{Disk, Problem, TEMPORARY, blocking};

const MOST: u64 = 64 << 10;
const LIMIT: Duration = Duration::from_secs(30);

/// Keys in a file of mode 0600, made when a store is first opened with it.
///
/// Keep it apart from the store's folder: who has both has the logins, and a backup that holds only
/// the folder gives nothing away. Text: a first line that names the format, then a line a key in
/// hexadecimal, the active one first.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at `path`. Its folder is made with it, if missing.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl KeySource for KeyFile {
    async fn load(&self) -> Result<Option<KeyRing>, CredentialError> {
        let path = self.path.clone();
        let read = move || {
            sweep(&path);
            let Some(bytes) = Disk::default().read(&path, MOST)? else {
                return Ok(None);
            };
            let bytes = Zeroizing::new(bytes);
            parse(&bytes).map(Some).map_err(|why| Problem::unreadable(&path, why))
        };
        blocking(LIMIT, read).await
    }

    async fn create(&self, ring: KeyRing) -> Result<KeyRing, CredentialError> {
        let path = self.path.clone();
        let text = text(&ring);
        let make = move || {
            let disk = Disk::default();
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                disk.folders(folder)?;
            }
            disk.create(&path, text.as_bytes())
        };
        let made = blocking(LIMIT, make).await?;
        if made {
            return Ok(ring);
        }
        self.load().await?.ok_or_else(|| gone(&self.path).into())
    }

    async fn replace(&self, ring: KeyRing) -> Result<(), CredentialError> {
        let path = self.path.clone();
        let text = text(&ring);
        blocking(LIMIT, move || Disk::default().replace(&path, text.as_bytes())).await
    }

    fn describe(&self) -> String {
        format!("the key file {}", self.path.display())
    }
}

/// A process killed while it replaced the file has left keys beside it.
fn sweep(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    // A folder that cannot be read, or does not exist yet, holds nothing we could remove.
    let _ = Disk::default()
        .sweep(folder.unwrap_or_else(|| Path::new(".")), &format!("{TEMPORARY}{own}-"));
}

fn gone(path: &Path) -> Problem {
    Problem::unreadable(path, "was removed as it was made")
}
