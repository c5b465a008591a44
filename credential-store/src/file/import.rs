//! Taking over a plaintext file that an older program kept.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use credential_provider_api::{CredentialError, ErrorCode, GrantStore as _, Key, Record};
use zeroize::Zeroizing;

use super::disk::{Disk, Lock, Locked, read_all, still_at};
use super::problem::{Access, At as _, Outcome, Problem};
use super::store::{FileStore, blocking};

/// Larger plaintext files are not what older versions wrote.
const MOST: u64 = 16 << 20;
/// A program that writes the file again and again is left alone after this.
const ROUNDS: usize = 8;

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
    /// It is moved aside first (`NAME.importing`), so that a program that still writes it loses
    /// nothing: what appears at its place meanwhile is imported too, now or next time. It goes only
    /// once all its records are durable in the store. If the process ends in between, the next import
    /// goes on where it was; if another process imports it, that one does.
    ///
    /// Overwriting reaches the file's blocks where the file system writes in place; a journal, a
    /// snapshot or a flash disk may keep older ones. Sign in anew if that matters.
    ///
    /// # Errors
    /// What `read` says, `store_unreadable` for a file of another user or a symbolic link, and the
    /// store's: the file is at its place and untouched then.
    pub async fn import<R>(&self, path: &Path, read: R) -> Result<Imported, CredentialError>
    where
        R: Fn(&[u8]) -> Result<Vec<(Key, Record)>, CredentialError>,
    {
        let mut imported = Imported::default();
        for _ in 0..ROUNDS {
            let (disk, from) = (self.inner.records.disk.clone(), path.to_owned());
            let taken = blocking(self.inner.limit, move || take(&disk, &from)).await?;
            let Some((lock, bytes)) = taken else {
                break;
            };
            let done = self.keep(&read, &bytes, &mut imported).await;
            let (disk, from) = (self.inner.records.disk.clone(), path.to_owned());
            let kept = done.is_ok();
            let end = move || {
                let _lock = lock;
                if kept { forget(&disk, &from) } else { put_back(&from) }
            };
            blocking(self.inner.limit, end).await?;
            done?;
        }
        Ok(imported)
    }

    async fn keep<R>(
        &self,
        read: &R,
        bytes: &[u8],
        imported: &mut Imported,
    ) -> Result<(), CredentialError>
    where
        R: Fn(&[u8]) -> Result<Vec<(Key, Record)>, CredentialError>,
    {
        for (key, record) in read(bytes)? {
            let known = self.load(&key).await?.revision.is_some();
            match if known { None } else { Some(self.save(&key, None, record).await) } {
                Some(Ok(_)) => imported.records += 1,
                Some(Err(error)) if error.code() != ErrorCode::Conflict => return Err(error),
                _ => imported.known += 1,
            }
        }
        Ok(())
    }
}

/// Moves the file aside and reads it; `None` if there is none, or another process has it.
fn take(disk: &Disk, path: &Path) -> Outcome<Option<(Locked, Zeroizing<Vec<u8>>)>> {
    // All of it is in the store already if it got this name.
    scrub(disk, &beside(path, "scrubbing"))?;
    let aside = beside(path, "importing");
    let mut reading = OpenOptions::new();
    reading.read(true);
    if disk.open(&aside, Access::Read, &mut reading)?.is_none() {
        if disk.open(path, Access::Read, &mut reading)?.is_none() {
            return Ok(None);
        }
        match fs::rename(path, &aside) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            renamed => renamed.writing(path)?,
        }
    }
    let Some(file) = disk.open(&aside, Access::Read, &mut reading)? else {
        return Ok(None);
    };
    let Ok(lock) = Locked::now(file, &aside, Lock::Exclusive)? else {
        return Ok(None);
    };
    if !still_at(lock.file(), &aside)? {
        return Ok(None);
    }
    let bytes = match read_all(lock.file(), &aside, MOST) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(problem) => {
            put_back(path)?;
            return Err(problem);
        }
    };
    Ok(Some((lock, bytes)))
}

/// Puts an unread file back, unless there is a newer one by now.
fn put_back(path: &Path) -> Outcome<()> {
    let aside = beside(path, "importing");
    match fs::hard_link(&aside, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        linked => linked.writing(path)?,
    }
    fs::remove_file(&aside).writing(&aside)
}

fn forget(disk: &Disk, path: &Path) -> Outcome<()> {
    let (aside, to) = (beside(path, "importing"), beside(path, "scrubbing"));
    fs::rename(&aside, &to).writing(&aside)?;
    scrub(disk, &to)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
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
    match fs::remove_file(path) {
        // Another process did the same.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        removed => removed.writing(path)?,
    }
    disk.sync_folder(path.parent().unwrap_or(path))
}

fn overwrite(mut file: &File, length: u64) -> std::io::Result<()> {
    file.rewind()?;
    file.write_all(&vec![0; usize::try_from(length).unwrap_or_default()])?;
    file.sync_all()
}
