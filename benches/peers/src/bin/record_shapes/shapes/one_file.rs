//! One file for all records, written anew on each save.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::record::{self, BODY, Name};
use crate::shape::{MISSING, Outcome, Shape};

/// All records in memory, as they were in the file last seen.
pub struct OneFile {
    path: PathBuf,
    folder: File,
    lock: File,
    // Kept open, so that its inode's number is not given to another while we compare by it.
    seen: File,
    inode: u64,
    records: HashMap<Name, Vec<u8>>,
}

impl Shape for OneFile {
    const NAME: &'static str = "one_file";

    fn fill(folder: &Path, records: usize) -> Outcome<()> {
        let all = (0..records).map(|nth| (record::name(nth), record::body(nth, 0))).collect();
        File::create(folder.join("lock"))?;
        write(&folder.join("records"), &File::open(folder)?, &all)?;
        Ok(())
    }

    fn open(folder: &Path) -> Outcome<Self> {
        let path = folder.join("records");
        let (seen, inode, records) = read(&path)?;
        let lock = File::open(folder.join("lock"))?;
        Ok(Self { path, folder: File::open(folder)?, lock, seen, inode, records })
    }

    fn save(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        self.lock.lock()?;
        let saved = self.replace(name, before, body);
        self.lock.unlock()?;
        saved
    }

    fn load(&mut self, name: &Name) -> Outcome<Vec<u8>> {
        self.catch_up()?;
        Ok(self.records.get(name).ok_or(MISSING)?.clone())
    }

    fn names(&mut self) -> Outcome<Vec<Name>> {
        self.catch_up()?;
        Ok(self.records.keys().copied().collect())
    }
}

impl OneFile {
    fn catch_up(&mut self) -> Outcome<()> {
        if fs::metadata(&self.path)?.ino() != self.inode {
            (self.seen, self.inode, self.records) = read(&self.path)?;
        }
        Ok(())
    }

    fn replace(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        self.catch_up()?;
        let stored = self.records.get_mut(name).ok_or(MISSING)?;
        if record::generation(stored)? != before {
            return Ok(false);
        }
        let old = std::mem::replace(stored, body.to_vec());
        match write(&self.path, &self.folder, &self.records) {
            Ok(file) => (self.seen, self.inode) = file,
            Err(error) => {
                self.records.insert(*name, old);
                return Err(error);
            }
        }
        Ok(true)
    }
}

/// Replaces the file, and returns the new one.
fn write(path: &Path, folder: &File, all: &HashMap<Name, Vec<u8>>) -> Outcome<(File, u64)> {
    let mut bytes = Vec::with_capacity(all.len() * (size_of::<Name>() + BODY));
    for (name, body) in all {
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(body);
    }
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    folder.sync_all()?;
    let inode = file.metadata()?.ino();
    Ok((file, inode))
}

fn read(path: &Path) -> Outcome<(File, u64, HashMap<Name, Vec<u8>>)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.read_to_end(&mut bytes)?;
    let records = bytes.chunks_exact(size_of::<Name>() + BODY);
    let records = records.filter_map(|record| {
        let (name, body) = record.split_first_chunk()?;
        Some((*name, body.to_vec()))
    });
    Ok((file, metadata.ino(), records.collect()))
}
