//! [`Disk`]: the few things we do with files, each checked and each durable.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::OFlags;

use super::problem::{Access, At as _, Outcome, Problem};
use crate::faults::{Point, Probe};
use crate::key::random;

/// Begins the name of every temporary file; the name of the file it is to replace follows.
pub(crate) const TEMPORARY: &str = ".tmp-";
/// A temporary file this old was left behind by a process that is gone.
const ABANDONED: Duration = Duration::from_secs(60);
/// How long to wait for a lock that is only ever held for a moment.
const MOMENT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

/// Reads and writes files that are ours alone. Everything here blocks.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    probe: Probe,
}

impl Disk {
    pub(crate) const fn new(probe: Probe) -> Self {
        Self { probe }
    }

    /// A folder of ours: made if missing, its mode repaired; another's or a link is refused.
    pub(crate) fn folder(&self, path: &Path) -> Outcome<()> {
        let found = self.made(path)?;
        repair(path, &found, 0o700)
    }

    /// A folder that may be ours: made if missing, those above it too; its mode left as it is.
    pub(crate) fn made(&self, path: &Path) -> Outcome<Metadata> {
        if fs::symlink_metadata(path).is_err() {
            self.folders(path)?;
        }
        let found = fs::symlink_metadata(path).reading(path)?;
        if !found.is_dir() {
            return Err(Problem::Refused { path: path.to_owned(), why: "is not a folder" });
        }
        owned(path, &found)?;
        Ok(found)
    }

    /// Makes the folder at `path` and those above it that are missing, for their owner alone.
    pub(crate) fn folders(&self, path: &Path) -> Outcome<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).writing(path)?;
        self.sync_folder(path.parent().unwrap_or(path))
    }

    /// A file of ours, opened as `options` say for this `access`; `None` if there is none.
    pub(crate) fn open(
        &self,
        path: &Path,
        access: Access,
        options: &mut OpenOptions,
    ) -> Outcome<Option<File>> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = match options.custom_flags(flags).mode(0o600).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return match fs::symlink_metadata(path) {
                    Ok(found) if found.is_symlink() => {
                        Err(Problem::Refused { path: path.to_owned(), why: "is a symbolic link" })
                    }
                    _ => Err(Problem::Io { access, path: path.to_owned(), error }),
                };
            }
        };
        let found = file.metadata().reading(path)?;
        let kind = found.file_type();
        if !kind.is_file() || kind.is_fifo() {
            return Err(Problem::Refused { path: path.to_owned(), why: "is not a plain file" });
        }
        owned(path, &found)?;
        repair(path, &found, 0o600)?;
        Ok(Some(file))
    }

    /// What a file of ours holds; `None` if there is none, an error above `most` bytes.
    pub(crate) fn read(&self, path: &Path, most: u64) -> Outcome<Option<Vec<u8>>> {
        let Some(file) = self.open(path, Access::Read, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        read_all(&file, path, most).map(Some)
    }

    /// Replaces the file at `path` by one of these bytes. Readers see the old or the new one; when
    /// this has returned, a crash does not undo it.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Outcome<()> {
        let temporary = self.temporary(path, bytes)?;
        fs::rename(&temporary.0, path).writing(path)?;
        temporary.renamed();
        self.settle(path)
    }

    /// Makes the file at `path`, of these bytes, unless there is one: then `false`.
    pub(crate) fn create(&self, path: &Path, bytes: &[u8]) -> Outcome<bool> {
        let temporary = self.temporary(path, bytes)?;
        match fs::hard_link(&temporary.0, path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error).writing(path),
        }
        drop(temporary);
        self.settle(path)?;
        Ok(true)
    }

    fn settle(&self, path: &Path) -> Outcome<()> {
        self.probe.at(Point::Replaced).writing(path)?;
        self.sync_folder(path.parent().unwrap_or(path))?;
        self.probe.at(Point::FolderSynced).writing(path)
    }

    fn temporary(&self, beside: &Path, bytes: &[u8]) -> Outcome<Temporary> {
        let mut name = [0; 8];
        random(&mut name)?;
        let own = beside.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{TEMPORARY}{own}-{:016x}", u64::from_be_bytes(name));
        let path = beside.with_file_name(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .writing(&path)?;
        let temporary = Temporary(path);
        let path = &temporary.0;
        self.probe.at(Point::TemporaryCreated).writing(path)?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first).writing(path)?;
        self.probe.at(Point::HalfWritten).writing(path)?;
        file.write_all(second).writing(path)?;
        self.probe.at(Point::Written).writing(path)?;
        file.sync_all().writing(path)?;
        self.probe.at(Point::Synced).writing(path)?;
        Ok(temporary)
    }

    pub(crate) fn sync_folder(&self, path: &Path) -> Outcome<()> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        File::open(path).and_then(|folder| folder.sync_all()).writing(path)
    }

    /// Removes what processes that are gone have left half written in `folder`, under names that begin
    /// so.
    pub(crate) fn sweep(&self, folder: &Path, begin: &str) -> Outcome<()> {
        for entry in fs::read_dir(folder).reading(folder)?.flatten() {
            let temporary = entry.file_name().to_str().is_some_and(|name| name.starts_with(begin));
            let changed = entry.metadata().and_then(|found| found.modified());
            let old = changed.is_ok_and(|changed| {
                SystemTime::now().duration_since(changed).is_ok_and(|age| age > ABANDONED)
            });
            if temporary && old {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// The file of a lease, made if missing; written in place.
    pub(crate) fn lease_file(&self, path: &Path) -> Outcome<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let missing = || io::Error::from(ErrorKind::NotFound);
        self.open(path, Access::Write, &mut options)?.ok_or_else(missing).writing(path)
    }

    /// The lock file at `path`, made if missing.
    pub(crate) fn lock_file(&self, path: &Path) -> Outcome<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let missing = || io::Error::from(ErrorKind::NotFound);
        self.open(path, Access::Write, &mut options)?.ok_or_else(missing).writing(path)
    }
}

/// Removed when dropped, unless it has taken another's place.
struct Temporary(PathBuf);

impl Temporary {
    fn renamed(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        // What is left behind is encrypted, and swept when the store is next opened.
        let _ = fs::remove_file(&self.0);
    }
}

/// All of a file, if it is no larger than `most`.
pub(crate) fn read_all(mut file: &File, path: &Path, most: u64) -> Outcome<Vec<u8>> {
    let length = file.metadata().reading(path)?.len().min(most);
    // Sized at once: a buffer that grows leaves copies of keys and plaintext behind.
    let mut bytes = Vec::with_capacity(usize::try_from(length + 1).unwrap_or_default());
    (&mut file).take(most + 1).read_to_end(&mut bytes).reading(path)?;
    if bytes.len() as u64 > most {
        return Err(Problem::unreadable(path, "is larger than anything we write"));
    }
    Ok(bytes)
}

/// Whether `file` is the one now found at `path`.
pub(crate) fn still_at(file: &File, path: &Path) -> Outcome<bool> {
    let ours = file.metadata().reading(path)?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).reading(path),
    }
}

/// A kernel lock on an open file. Dropping it releases it, also if a forked child has a copy of the
/// descriptor; a copy dropped in that child releases nothing.
#[derive(Debug)]
pub(crate) struct Locked {
    file: File,
    process: u32,
}

/// How a file is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    Shared,
    Exclusive,
}

impl Locked {
    /// Locks `file` if nobody else has.
    pub(crate) fn now(file: File, path: &Path, how: Lock) -> Outcome<Result<Self, File>> {
        let tried = match how {
            Lock::Shared => file.try_lock_shared(),
            Lock::Exclusive => file.try_lock(),
        };
        match tried {
            Ok(()) => Ok(Ok(Self { file, process: std::process::id() })),
            Err(TryLockError::WouldBlock) => Ok(Err(file)),
            Err(TryLockError::Error(error)) => Err(error).writing(path),
        }
    }

    /// Locks `file`, waiting for those who hold it for a moment.
    pub(crate) fn soon(file: File, path: &Path, how: Lock) -> Outcome<Self> {
        Self::within(MOMENT, file, path, how)
    }

    /// Locks `file` if it is free within `patience`.
    pub(crate) fn within(
        patience: Duration,
        mut file: File,
        path: &Path,
        how: Lock,
    ) -> Outcome<Self> {
        let since = Instant::now();
        loop {
            file = match Self::now(file, path, how)? {
                Ok(locked) => return Ok(locked),
                Err(file) => file,
            };
            if since.elapsed() > patience {
                return Err(Problem::Locked { path: path.to_owned() });
            }
            std::thread::sleep(PAUSE);
        }
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if std::process::id() == self.process {
            let _ = self.file.unlock();
        }
    }
}

fn owned(path: &Path, found: &Metadata) -> Outcome<()> {
    if found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(Problem::Refused { path: path.to_owned(), why: "belongs to another user" })
}

/// Takes away what others may do with it.
fn repair(path: &Path, found: &Metadata, mode: u32) -> Outcome<()> {
    if found.mode() & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "others could read this; its mode is repaired");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).writing(path)
}
