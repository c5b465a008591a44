//! The folder to work in.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder that nobody else has, removed when dropped.
pub struct Fresh(PathBuf);

impl Fresh {
    /// Makes one.
    pub fn under(parent: &Path) -> io::Result<Self> {
        let path = parent.join(format!("record_shapes-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}

/// Bytes of the blocks a folder and all in it take.
pub fn bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = fs::metadata(folder)?.blocks() * 512;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let metadata = fs::symlink_metadata(&path)?;
        bytes += if metadata.is_dir() { self::bytes(&path)? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}
