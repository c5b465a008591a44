//! Where a file really is, what stands beside it, and so how it can be read without leaving a trace.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use authprofile_bridge::openclaw::{Mark, Stamp};
use credential_provider_api::CredentialError;

use crate::problem::{refused, unreadable};

/// How a file can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Somebody has it open, or was killed: through its `-wal` and `-shm`, as they are.
    Shared,
    /// All there is stands in the file itself.
    Still,
    /// It has a rollback journal.
    Journal,
    /// Its `-wal` cannot be read without making a `-shm`.
    Unfinished,
}

/// A file and what stands beside it, at one moment.
#[derive(Debug)]
pub(crate) struct Place {
    /// Without symbolic links.
    pub(crate) real: PathBuf,
    file: Stamp,
    wal: Option<Stamp>,
    journal: Option<Stamp>,
    shm: bool,
}

impl Place {
    /// Looks; `None` if there is no such file.
    pub(crate) fn look(file: &Path) -> Result<Option<Self>, CredentialError> {
        let found = fs::canonicalize(file).and_then(|real| {
            let about = fs::metadata(&real)?;
            Ok((real, about))
        });
        let (real, about) = match found {
            Ok(found) => found,
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(refused(file, &error)),
        };
        if !about.is_file() {
            return Err(unreadable(file, "is not a plain file"));
        }
        let beside = |ending| stamped(&with_ending(&real, ending));
        let refused = |error| refused(file, &error);
        Ok(Some(Self {
            file: stamp(&about),
            wal: beside("-wal").map_err(refused)?,
            journal: beside("-journal").map_err(refused)?,
            shm: beside("-shm").map_err(refused)?.is_some(),
            real,
        }))
    }

    /// How it can be read now.
    pub(crate) fn way(&self) -> Way {
        let has_content = |stamp: &Option<Stamp>| stamp.is_some_and(|stamp| stamp.length > 0);
        match (has_content(&self.wal), self.shm) {
            (true, true) => Way::Shared,
            (true, false) => Way::Unfinished,
            (false, _) if has_content(&self.journal) => Way::Journal,
            (false, _) => Way::Still,
        }
    }

    /// What changes when somebody writes. The `-shm` is none of it: it changes when somebody reads.
    pub(crate) fn mark(&self) -> Mark {
        Mark::new([Some(self.file), self.wal, self.journal])
    }
}

/// The mark of a file that does not exist.
pub(crate) fn no_mark() -> Mark {
    Mark::new([None, None, None])
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn stamped(file: &Path) -> io::Result<Option<Stamp>> {
    match fs::symlink_metadata(file) {
        Ok(about) => Ok(Some(stamp(&about))),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn stamp(about: &Metadata) -> Stamp {
    Stamp::new(about.len(), about.modified().unwrap_or(UNIX_EPOCH), identity(about))
}

#[cfg(unix)]
fn identity(about: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (about.dev(), about.ino())
}

#[cfg(not(unix))]
fn identity(about: &Metadata) -> (u64, u64) {
    let created = about.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let nanos = created.map_or(0, |since| since.as_nanos());
    (0, u64::try_from(nanos).unwrap_or(u64::MAX))
}
