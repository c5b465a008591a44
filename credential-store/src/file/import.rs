//! Taking over a plaintext file that an older program kept.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

use credential_provider_api::{CredentialError, GrantStore as _, Key, Record};
use zeroize::Zeroizing;

use super::disk::{Disk, read_all};
use super::problem::{Access, At as _, Outcome, Problem};
use super::store::{FileStore, blocking};

/// Larger plaintext files are not what older versions wrote.
const MOST: u64 = 16 << 20;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Records that are in the store now and were not before.
    pub records: usize,
    /// Records whose key the store knew already: what it keeps, a removal too, is newer.
    pub known: usize,
}

impl FileStore {
    /// Takes the records over that `read` finds in the plaintext file at `path`, then overwrites and
    /// removes it. A file that is not there is nothing to import.
    ///
    /// The file goes only once all its records are durable in the store. If the process ends in
    /// between, the next import goes on where it was.
    ///
    /// Overwriting reaches the file's blocks where the file system writes in place; a journal, a
    /// snapshot or a flash disk may keep older ones. Sign in anew if that matters.
    ///
    /// # Errors
    /// What `read` says, and `store_unreadable` for a file of another user or a symbolic link: the
    /// file is untouched then.
    pub async fn import<R>(&self, path: &Path, read: R) -> Result<Imported, CredentialError>
    where
        R: FnOnce(&[u8]) -> Result<Vec<(Key, Record)>, CredentialError>,
    {
        let (disk, limit) = (self.inner.records.disk.clone(), self.inner.limit);
        let (at, from) = (disk.clone(), path.to_owned());
        let bytes = blocking(limit, move || {
            // All of it is in the store already if it got this name.
            scrub(&at, &scrubbing(&from))?;
            let Some(file) = at.open(&from, Access::Read, OpenOptions::new().read(true))? else {
                return Ok(None);
            };
            read_all(&file, &from, MOST).map(Zeroizing::new).map(Some)
        });
        let Some(bytes) = bytes.await? else {
            return Ok(Imported::default());
        };
        let mut imported = Imported::default();
        for (key, record) in read(&bytes)? {
            if self.load(&key).await?.revision.is_some() {
                imported.known += 1;
            } else {
                self.save(&key, None, record).await?;
                imported.records += 1;
            }
        }
        let from = path.to_owned();
        let gone = move || {
            let to = scrubbing(&from);
            fs::rename(&from, &to).writing(&from)?;
            scrub(&disk, &to)
        };
        blocking(limit, gone).await?;
        Ok(imported)
    }
}

fn scrubbing(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".scrubbing");
    name.into()
}

/// Overwrites and removes the file at `path`, if there is one.
fn scrub(disk: &Disk, path: &Path) -> Outcome<()> {
    let Some(file) = disk.open(path, Access::Write, OpenOptions::new().write(true))? else {
        return Ok(());
    };
    let length = file.metadata().reading(path)?.len();
    if length > MOST {
        return Err(Problem::unreadable(path, "is larger than anything we import"));
    }
    overwrite(&file, length).writing(path)?;
    fs::remove_file(path).writing(path)?;
    disk.sync_folder(path.parent().unwrap_or(path))
}

fn overwrite(mut file: &File, length: u64) -> std::io::Result<()> {
    file.rewind()?;
    file.write_all(&vec![0; usize::try_from(length).unwrap_or_default()])?;
    file.sync_all()
}
