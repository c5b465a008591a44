//! What the store is held against: files of the same size, without keys, locks or promises.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bare files, in a folder of their own.
pub(super) struct Bare {
    folder: PathBuf,
    body: Vec<u8>,
    written: AtomicUsize,
}

impl Bare {
    /// Files of so many bytes.
    pub(super) fn under(parent: &Path, size: usize) -> Self {
        let bare = Self {
            folder: parent.join("bare"),
            body: vec![7; size],
            written: AtomicUsize::default(),
        };
        fs::create_dir(&bare.folder).expect("a folder that is not there");
        fs::write(bare.target(), &bare.body).expect("a file of ours");
        bare
    }

    /// Opens, reads and closes a file.
    pub(super) fn read(&self, times: u64) {
        let path = self.target();
        for _ in 0..times {
            black_box(fs::read(&path).expect("it is there"));
        }
    }

    /// Writes a new file and syncs it.
    pub(super) fn write(&self, times: u64) {
        for _ in 0..times {
            self.new_file();
        }
    }

    /// Replaces a file so that no reader sees a part of it and no crash takes it back: the least
    /// that a durable save costs.
    pub(super) fn replace(&self, times: u64) {
        for _ in 0..times {
            fs::rename(self.new_file(), self.target()).expect("both are ours");
            File::open(&self.folder).and_then(|folder| folder.sync_all()).expect("a folder");
        }
    }

    /// Opens a file, locks and unlocks it, and closes it.
    pub(super) fn lock(&self, times: u64) {
        let path = self.target();
        for _ in 0..times {
            let file = File::open(&path).expect("it is there");
            file.lock().expect("nobody else has it");
            file.unlock().expect("it is ours");
        }
    }

    fn new_file(&self) -> PathBuf {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(number.to_string());
        let mut file = File::create_new(&path).expect("a file that is not there");
        file.write_all(&self.body).and_then(|()| file.sync_all()).expect("room on the disk");
        path
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }
}
