//! One file a record, replaced by renaming over it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::record::{self, Name};
use crate::shape::{Outcome, Shape};

/// Records in one folder, named by their name in hexadecimal digits.
pub struct FileEach {
    path: PathBuf,
    folder: File,
    // A rename compares nothing. A lock for each record would double the number of files.
    locks: Vec<File>,
}

const LOCKS: usize = 64;

impl Shape for FileEach {
    const NAME: &'static str = "file_each";

    fn fill(folder: &Path, records: usize) -> Outcome<()> {
        let path = folder.join("records");
        fs::create_dir(&path)?;
        fs::create_dir(folder.join("locks"))?;
        let path_of = |nth| path.join(digits(&record::name(nth)));
        for nth in 0..records {
            fs::write(path_of(nth), record::body(nth, 0))?;
        }
        // Once all are written, because one commit of the journal then does for many.
        for nth in 0..records {
            File::open(path_of(nth))?.sync_all()?;
        }
        Ok(File::open(&path)?.sync_all()?)
    }

    fn open(folder: &Path) -> Outcome<Self> {
        let path = folder.join("records");
        let lock = |nth: usize| {
            let path = folder.join("locks").join(nth.to_string());
            OpenOptions::new().create(true).append(true).open(path)
        };
        let locks = (0..LOCKS).map(lock).collect::<Result<_, _>>()?;
        Ok(Self { folder: File::open(&path)?, path, locks })
    }

    fn save(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        let lock = &self.locks[usize::from(name[0]) % LOCKS];
        lock.lock()?;
        let saved = self.replace(name, before, body);
        lock.unlock()?;
        saved
    }

    fn load(&mut self, name: &Name) -> Outcome<Vec<u8>> {
        Ok(fs::read(self.path.join(digits(name)))?)
    }

    fn names(&mut self) -> Outcome<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // Others are temporary files.
            names.extend(name_of(&entry?.file_name().to_string_lossy()));
        }
        Ok(names)
    }
}

impl FileEach {
    fn replace(&self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        let path = self.path.join(digits(name));
        let mut generation = [0; 8];
        File::open(&path)?.read_exact(&mut generation)?;
        if record::generation(&generation)? != before {
            return Ok(false);
        }
        let temporary = path.with_extension("new");
        let mut file = File::create(&temporary)?;
        file.write_all(body)?;
        file.sync_all()?;
        fs::rename(temporary, path)?;
        self.folder.sync_all()?;
        Ok(true)
    }
}

fn digits(name: &Name) -> String {
    format!("{:032x}", u128::from_be_bytes(*name))
}

fn name_of(digits: &str) -> Option<Name> {
    let number = u128::from_str_radix(digits, 16).ok()?;
    Some(number.to_be_bytes())
}
