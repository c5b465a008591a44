//! [`Header`]: what the store is, in the clear.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::problem::{At as _, Outcome, Problem};
use crate::key::random;

const FORMAT: &str = "credential-store";
const VERSION: u32 = 1;
const MOST: u64 = 4096;

/// The file `store.json`. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    format: String,
    version: u32,
    /// Salt of the record names.
    pub(crate) id: String,
    /// Where it lies: a copy of the folder lies elsewhere.
    pub(crate) home: Home,
    /// Grows when the keys change, so that writers notice.
    pub(crate) generation: u64,
}

/// What every version has.
#[derive(Deserialize)]
struct AnyVersion {
    format: String,
    version: u32,
}

impl Header {
    pub(crate) fn new(records: &Path) -> Outcome<Self> {
        let mut id = [0; 16];
        random(&mut id)?;
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self::of(id, Home::of(records)?))
    }

    pub(crate) fn of(id: String, home: Home) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, id, home, generation: 1 }
    }

    pub(crate) fn read(disk: &Disk, path: &Path) -> Outcome<Option<Self>> {
        let Some(bytes) = disk.read(path, MOST)? else {
            return Ok(None);
        };
        Self::parse(&bytes).map(Some).map_err(|why| Problem::unreadable(path, why))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let foreign = |_| "is torn, or not of this library";
        let any: AnyVersion = serde_json::from_slice(bytes).map_err(foreign)?;
        if any.format != FORMAT || any.version == 0 {
            return Err("is not of this library");
        }
        if any.version > VERSION {
            return Err("was written by a newer version of this library");
        }
        serde_json::from_slice(bytes).map_err(foreign)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        // A struct of strings and numbers always encodes.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What tells a folder from a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Home {
    /// The inode of the folder of records.
    inode: u64,
    /// When that was made, in nanoseconds of the epoch, where the file system keeps it: a copy on
    /// another disk may have the same inode by chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<u64>,
}

impl Home {
    pub(crate) fn of(records: &Path) -> Outcome<Self> {
        let found = fs::metadata(records).reading(records)?;
        let made = found.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let made = made.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Ok(Self { inode: found.ino(), made })
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) const fn sample() -> Self {
        Self { inode: 42, made: Some(43) }
    }

    /// A file system that does not tell when a folder was made is believed by the inode.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let made = self.made.zip(other.made);
        self.inode == other.inode && made.is_none_or(|(one, other)| one == other)
    }
}
