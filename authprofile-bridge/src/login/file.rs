//! Files of others: bounded, whole, never written, never locked.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use credential_provider_api::Timestamp;
use zeroize::Zeroizing;

/// No login is larger.
pub(super) const LARGEST: u64 = 1 << 20;
/// A file written this short a while ago may be written again within the clock's grain.
const GRAIN: Duration = Duration::from_secs(2);

/// A file as it was read.
pub(super) struct Read {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) written: Option<Timestamp>,
    pub(super) access: Access,
}

/// Who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Its owner alone, as far as can be told.
    Owner,
    /// Others of this machine, too.
    Others,
}

/// Why a file that is there was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileProblem {
    NotAFile,
    TooLarge,
    Denied,
    /// It changed while it was read.
    Changing,
    Failed,
}

/// Two states of the same stamp are the same file, unless it was written twice in one grain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Device, inode, and when its attributes changed.
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let identity = (0, 0, 0, 0);
        Self { modified: metadata.modified().ok(), length: metadata.len(), identity }
    }

    #[cfg(test)]
    pub(super) fn written(at: Timestamp) -> Self {
        Self { modified: Some(at.into()), length: 0, identity: (0, 0, 0, 0) }
    }

    /// Whether a later write is sure to have another stamp.
    pub(super) fn is_settled(&self, now: Timestamp) -> bool {
        self.modified.is_some_and(|modified| Timestamp::from(modified).plus(GRAIN) < now)
    }
}

/// The stamp of a file; `None` if it is not there or cannot be looked at.
pub(super) async fn stamp(path: PathBuf) -> Option<Stamp> {
    let looked = tokio::task::spawn_blocking(move || std::fs::metadata(path).ok()).await;
    looked.ok().flatten().as_ref().map(Stamp::of)
}

/// The whole of a file; `None` if it is not there. Links are followed, as the tools do. May block.
pub(super) fn read(path: &Path) -> Result<Option<Read>, FileProblem> {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) => {
            return match error.kind() {
                // A part of the path that is no folder leaves no room for the file either.
                ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
                ErrorKind::PermissionDenied => Err(FileProblem::Denied),
                _ => Err(FileProblem::Failed),
            };
        }
    };
    let before = file.metadata().map_err(|_| FileProblem::Failed)?;
    if !before.is_file() {
        return Err(FileProblem::NotAFile);
    }
    if before.len() > LARGEST {
        return Err(FileProblem::TooLarge);
    }
    // One byte more than there is: a buffer that grows leaves copies of secrets behind.
    let room = before.len() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or(0) + 64));
    (&mut file).take(room).read_to_end(&mut bytes).map_err(|_| FileProblem::Failed)?;
    let after = file.metadata().map_err(|_| FileProblem::Failed)?;
    let whole = u64::try_from(bytes.len()).is_ok_and(|length| length == before.len());
    if !whole || Stamp::of(&before) != Stamp::of(&after) {
        return Err(FileProblem::Changing);
    }
    let written = before.modified().ok().map(Timestamp::from);
    Ok(Some(Read { bytes, written, access: Access::of(&before) }))
}

/// A pipe must not hold us up, nor a terminal become ours.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

impl Access {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            if metadata.permissions().mode() & 0o077 != 0 {
                return Self::Others;
            }
        }
        #[cfg(not(unix))]
        let _ = metadata;
        Self::Owner
    }
}
