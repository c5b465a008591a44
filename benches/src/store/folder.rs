//! The folder to work in.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A folder that nobody else has, removed when dropped.
pub(super) struct Fresh(PathBuf);

impl Fresh {
    pub(super) fn under(parent: &Path) -> Self {
        let path = parent.join(format!("promises-{}", std::process::id()));
        fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
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

/// What a folder and all in it take.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    /// Bytes in its files: the same on every disk.
    pub(super) bytes: u64,
    /// Bytes of the blocks under its files and folders.
    pub(super) on_disk: u64,
}

impl Size {
    pub(super) fn of(folder: &Path) -> Self {
        let mut size = Self { bytes: 0, on_disk: blocks(folder) };
        for entry in fs::read_dir(folder).expect("a folder of ours") {
            let path = entry.expect("a folder of ours").path();
            let inner = if path.is_dir() {
                Self::of(&path)
            } else {
                Self { bytes: fs::metadata(&path).expect("our file").len(), on_disk: blocks(&path) }
            };
            size.bytes += inner.bytes;
            size.on_disk += inner.on_disk;
        }
        size
    }
}

fn blocks(path: &Path) -> u64 {
    fs::metadata(path).expect("it is ours").blocks() * 512
}
