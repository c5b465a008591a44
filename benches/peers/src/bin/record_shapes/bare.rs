//! What shapes are held against: one file of 2 KiB, without names, locks or promises.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::record;
use crate::shape::Outcome;
use crate::turns::timed;

/// How many loads are timed at once: one alone is too short for the clock.
pub const LOADS: usize = 64;

/// Bare files, in a folder of their own.
pub struct Bare {
    folder: PathBuf,
    read: PathBuf,
    body: Vec<u8>,
    written: usize,
}

impl Bare {
    /// Makes the folder, and the file that is read.
    pub fn under(parent: &Path) -> Outcome<Self> {
        let folder = parent.join("bare");
        fs::create_dir(&folder)?;
        let (read, body) = (folder.join("read"), record::body(0, 0));
        fs::write(&read, &body)?;
        Ok(Self { folder, read, body, written: 0 })
    }

    /// Nanoseconds of a write to a new file and its fsync.
    pub fn write(&mut self) -> Outcome<f64> {
        // The first sync pays for what the subject left behind, such as the blocks it freed.
        self.one_write()?;
        self.one_write()
    }

    fn one_write(&mut self) -> Outcome<f64> {
        self.written += 1;
        let path = self.folder.join(self.written.to_string());
        let (nanos, ()) = timed(|| {
            let mut file = File::create(&path)?;
            file.write_all(&self.body)?;
            Ok(file.sync_all()?)
        })?;
        Ok(nanos)
    }

    /// Nanoseconds of an open, a read and a close.
    pub fn read(&self) -> Outcome<f64> {
        let (nanos, ()) = timed(|| {
            for _ in 0..LOADS {
                black_box(fs::read(&self.read)?);
            }
            Ok(())
        })?;
        Ok(nanos / LOADS as f64)
    }
}
