//! A log to which every save appends, and an index in memory of where each record's latest is.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::record::{self, BODY, Name};
use crate::shape::{MISSING, Outcome, Shape};

/// An entry is a checksum, a name and a body.
pub struct Log {
    file: File,
    index: HashMap<Name, Latest>,
    // How far the index has come.
    seen: u64,
}

struct Latest {
    body_at: u64,
    generation: u64,
}

const HEAD: usize = size_of::<u32>() + size_of::<Name>();
const ENTRY: usize = HEAD + BODY;
/// How many entries are read at once: 1 MB.
const READ: usize = 512;

impl Shape for Log {
    const NAME: &'static str = "log";

    fn fill(folder: &Path, records: usize) -> Outcome<()> {
        let mut file = File::create(folder.join("log"))?;
        let entries = (0..records).map(|nth| entry(&record::name(nth), &record::body(nth, 0)));
        file.write_all(&entries.collect::<Vec<_>>().concat())?;
        file.sync_all()?;
        Ok(File::open(folder)?.sync_all()?)
    }

    fn open(folder: &Path) -> Outcome<Self> {
        let file = OpenOptions::new().read(true).append(true).open(folder.join("log"))?;
        let mut log = Self { file, index: HashMap::new(), seen: 0 };
        log.catch_up()?;
        Ok(log)
    }

    fn save(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        self.file.lock()?;
        let saved = self.append(name, before, body);
        self.file.unlock()?;
        saved
    }

    fn load(&mut self, name: &Name) -> Outcome<Vec<u8>> {
        self.catch_up()?;
        let mut body = vec![0; BODY];
        self.file.read_exact_at(&mut body, self.index.get(name).ok_or(MISSING)?.body_at)?;
        Ok(body)
    }

    fn names(&mut self) -> Outcome<Vec<Name>> {
        self.catch_up()?;
        Ok(self.index.keys().copied().collect())
    }
}

impl Log {
    /// Replays what was appended since, up to an entry that is not whole: another process may be
    /// writing it.
    fn catch_up(&mut self) -> Outcome<()> {
        let mut behind = self.file.metadata()?.len().saturating_sub(self.seen) as usize;
        let mut buffer = vec![0; behind.min(READ * ENTRY)];
        while behind >= ENTRY {
            let part = &mut buffer[..(behind / ENTRY).min(READ) * ENTRY];
            self.file.read_exact_at(part, self.seen)?;
            behind -= part.len();
            for entry in part.chunks_exact(ENTRY) {
                let Some((name, body)) = whole(entry) else { return Ok(()) };
                let body_at = self.seen + HEAD as u64;
                let generation = record::generation(body)?;
                self.index.insert(name, Latest { body_at, generation });
                self.seen += ENTRY as u64;
            }
        }
        Ok(())
    }

    fn append(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        self.catch_up()?;
        if self.index.get(name).ok_or(MISSING)?.generation != before {
            return Ok(false);
        }
        if self.file.metadata()?.len() > self.seen {
            // We hold the lock, so whoever wrote this is gone and did not finish.
            self.file.set_len(self.seen)?;
        }
        self.file.write_all(&entry(name, body))?;
        // The length is synced too: without it what was written could not be read.
        self.file.sync_data()?;
        self.catch_up()?;
        Ok(true)
    }
}

fn entry(name: &Name, body: &[u8]) -> Vec<u8> {
    let checked = [name, body].concat();
    [&crc32fast::hash(&checked).to_be_bytes(), &checked[..]].concat()
}

fn whole(entry: &[u8]) -> Option<(Name, &[u8])> {
    let (checksum, checked) = entry.split_first_chunk()?;
    let (name, body) = checked.split_first_chunk()?;
    (u32::from_be_bytes(*checksum) == crc32fast::hash(checked)).then_some((*name, body))
}
