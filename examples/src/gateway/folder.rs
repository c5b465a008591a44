//! Where the gateway keeps what it writes: a folder of its own, for one run.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use credential_provider_api::CredentialError;
use credential_store::{FileStore, Grants, KeyFile};

/// A folder among the temporary ones, removed when it is dropped. A real host has one that stays.
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder that only this user can enter.
    ///
    /// # Errors
    /// The system's, if there is no room for it.
    pub fn new() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("credential-gateway-{}-{number}", process::id());
            let path = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                // An earlier process of this number was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether `text` stands readable in any file of `folder`.
///
/// # Errors
/// The system's.
pub fn shows(folder: &Path, text: &str) -> io::Result<bool> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(path)?.windows(text.len()).any(|part| part == text.as_bytes()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The grants in `folder`. Each call opens the store anew, as each process does.
///
/// # Errors
/// The store's.
pub async fn grants_in(folder: &Path) -> Result<Grants, CredentialError> {
    // A backup of the store's folder does not have the key beside it.
    let key = KeyFile::new(folder.join("grants.key"));
    let store = FileStore::open(folder.join("grants"), key).await?;
    Ok(Grants::new(Arc::new(store)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_is_private_and_goes_with_its_owner() {
        let folder = Folder::new().unwrap();
        let path = folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::create_dir(path.join("inner")).unwrap();
        fs::write(path.join("inner/file"), "a secret here").unwrap();
        assert!(shows(&path, "secret").unwrap() && !shows(&path, "other").unwrap());
        let failed = std::panic::catch_unwind(move || {
            let _folder = folder;
            panic!("as told");
        });
        assert!(failed.is_err() && !path.exists());
    }
}
