//! [`Journal`]: which record has reached which revision, in the order in which it happened.
//!
//! Watchers follow it, and it is a lower bound: a record below it was rolled back. It is not the
//! truth: a record above it was saved by a process that ended before it could tell, and whoever
//! finds one tells. So it is not synced, and losing it loses no login.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::Revision;
use sha2::{Digest as _, Sha256};

use super::disk::{Disk, Lock, Locked, still_at};
use super::name::Name;
use super::problem::{Access, At as _, Outcome, Problem};

/// Name (16), revision (8), checksum (8).
const ENTRY: usize = 32;
/// The journal is written anew once it has this many entries, and four for each record.
const MANY: usize = 4096;
/// An entry is written without the lock after this: a process that is stopped delays nobody.
const PATIENCE: Duration = Duration::from_millis(250);

/// One line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Name,
    pub(crate) revision: Revision,
}

pub(crate) struct Journal {
    disk: Disk,
    path: PathBuf,
    view: Mutex<View>,
}

#[derive(Default)]
struct View {
    cursor: Cursor,
    highest: HashMap<Name, Revision>,
    entries: usize,
}

impl Journal {
    pub(crate) fn new(disk: Disk, path: PathBuf) -> Self {
        Self { disk, path, view: Mutex::default() }
    }

    /// The revision that `name` has reached, as far as everybody has told.
    pub(crate) fn reached(&self, name: Name) -> Outcome<Option<Revision>> {
        let mut view = self.view();
        self.refresh(&mut view)?;
        Ok(view.highest.get(&name).copied())
    }

    /// Tells that `name` has reached `revision`.
    pub(crate) fn tell(&self, name: Name, revision: Revision) -> Outcome<()> {
        let locked = match self.lock() {
            // Whoever holds it is stuck. One small write to the end of a file is whole by itself; the
            // lock only keeps it out of a rewriting.
            Err(Problem::Locked { .. }) => {
                let mut file = self.disk.lock_file(&self.path)?;
                return file.write_all(&Entry { name, revision }.bytes()).writing(&self.path);
            }
            locked => locked?,
        };
        let mut file = locked.file();
        let torn = file.metadata().reading(&self.path)?.len() % ENTRY as u64;
        if torn > 0 {
            // A power cut tore the last entry: what follows must begin at a boundary.
            let missing = ENTRY - usize::try_from(torn).unwrap_or_default();
            file.write_all(&vec![0; missing]).writing(&self.path)?;
        }
        file.write_all(&Entry { name, revision }.bytes()).writing(&self.path)?;
        let mut view = self.view();
        self.refresh(&mut view)?;
        if view.entries > MANY.max(4 * view.highest.len()) {
            self.shorten(&view)?;
        }
        Ok(())
    }

    /// A place to follow it from: its end now.
    pub(crate) fn cursor(&self) -> Cursor {
        // What cannot be read now says so when it is followed.
        let mut cursor = Cursor::open(&self.disk, &self.path).ok().flatten().unwrap_or_default();
        let found = cursor.file.as_ref().and_then(|file| file.metadata().ok());
        let length = found.map_or(0, |found| found.len());
        cursor.offset = length - length % ENTRY as u64;
        cursor
    }

    /// What was told since `cursor` was here last.
    pub(crate) fn since(&self, cursor: &mut Cursor) -> Outcome<News> {
        cursor.advance(&self.disk, &self.path)
    }

    fn refresh(&self, view: &mut View) -> Outcome<()> {
        let news = view.cursor.advance(&self.disk, &self.path)?;
        if news.anew {
            view.highest.clear();
            view.entries = 0;
        }
        view.entries += news.entries.len();
        for entry in news.entries {
            let highest = view.highest.entry(entry.name).or_insert(entry.revision);
            *highest = entry.revision.max(*highest);
        }
        Ok(())
    }

    /// Writes it anew with one entry a record. The caller holds the lock.
    fn shorten(&self, view: &View) -> Outcome<()> {
        let entry = |(name, revision): (&Name, &Revision)| {
            Entry { name: *name, revision: *revision }.bytes()
        };
        let bytes: Vec<u8> = view.highest.iter().flat_map(entry).collect();
        self.disk.replace(&self.path, &bytes)
    }

    fn lock(&self) -> Outcome<Locked> {
        loop {
            let file = self.disk.lock_file(&self.path)?;
            let locked = Locked::within(PATIENCE, file, &self.path, Lock::Exclusive)?;
            if still_at(locked.file(), &self.path)? {
                return Ok(locked);
            }
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far somebody has read.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    file: Option<File>,
    inode: u64,
    offset: u64,
}

/// What somebody has not read yet.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// It was written anew: these are all entries, old ones too.
    pub(crate) anew: bool,
    pub(crate) entries: Vec<Entry>,
}

impl Cursor {
    /// The beginning of the journal at `path`.
    fn open(disk: &Disk, path: &Path) -> Outcome<Option<Self>> {
        let Some(file) = disk.open(path, Access::Read, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        // Asked of the open file: the one at the path may be another by now.
        let inode = file.metadata().reading(path)?.ino();
        Ok(Some(Self { file: Some(file), inode, offset: 0 }))
    }

    fn advance(&mut self, disk: &Disk, path: &Path) -> Outcome<News> {
        let there = match fs::symlink_metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).reading(path),
        };
        // The file is kept open, so that no other gets its inode.
        let same = there
            .filter(|there| self.file.is_some() && there.ino() == self.inode)
            .filter(|there| there.len() >= self.offset);
        let anew = same.is_none() && self.file.is_some();
        if same.is_none() {
            *self = Self::open(disk, path)?.unwrap_or_default();
        }
        let Some(file) = &self.file else {
            return Ok(News { anew, entries: Vec::new() });
        };
        let length = match same {
            Some(there) => there.len(),
            None => file.metadata().reading(path)?.len(),
        };
        let waiting = length.saturating_sub(self.offset) / ENTRY as u64;
        if waiting == 0 {
            return Ok(News { anew, entries: Vec::new() });
        }
        let mut bytes = vec![0; usize::try_from(waiting).unwrap_or_default() * ENTRY];
        file.read_exact_at(&mut bytes, self.offset).reading(path)?;
        self.offset += waiting * ENTRY as u64;
        Ok(News { anew, entries: entries(&bytes) })
    }
}

/// The entries in `bytes`, without what a power cut left.
pub(crate) fn entries(bytes: &[u8]) -> Vec<Entry> {
    let (entries, _) = bytes.as_chunks::<ENTRY>();
    entries.iter().filter_map(Entry::parse).collect()
}

impl Entry {
    pub(crate) fn bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        let parts = self.name.0.into_iter().chain(self.revision.get().to_be_bytes());
        bytes.iter_mut().zip(parts.chain(self.checksum())).for_each(|(to, from)| *to = from);
        bytes
    }

    /// `None` for what a power cut left.
    fn parse(bytes: &[u8; ENTRY]) -> Option<Self> {
        let (name, rest) = bytes.split_first_chunk::<16>()?;
        let (revision, checksum) = rest.split_first_chunk::<8>()?;
        let revision = Revision::new(u64::from_be_bytes(*revision))?;
        let entry = Self { name: Name(*name), revision };
        (entry.checksum() == checksum).then_some(entry)
    }

    fn checksum(self) -> [u8; 8] {
        let digest = Sha256::new()
            .chain_update(self.name.0)
            .chain_update(self.revision.get().to_be_bytes())
            .finalize();
        let mut checksum = [0; 8];
        checksum.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        checksum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8) -> [u8; ENTRY] {
        Entry { name: Name([number; 16]), revision: Revision::FIRST }.bytes()
    }

    #[test]
    fn one_that_took_the_journals_place_and_inode_is_not_taken_for_it() {
        let path = std::env::temp_dir().join(format!("credential-store-j-{}", std::process::id()));
        for _ in 0..8 {
            fs::write(&path, [entry(1), entry(2)].concat()).unwrap();
            let journal = Journal::new(Disk::default(), path.clone());
            let mut cursor = journal.cursor();
            fs::remove_file(&path).unwrap();
            fs::write(&path, [entry(3), entry(4)].concat()).unwrap();
            let news = journal.since(&mut cursor).unwrap();
            assert!(news.anew);
            assert_eq!(
                news.entries.iter().map(|entry| entry.name.0[0]).collect::<Vec<_>>(),
                [3, 4]
            );
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn an_entry_with_one_bit_changed_is_none() {
        for at in 0..ENTRY * 8 {
            let mut bytes = entry(7);
            bytes[at / 8] ^= 1 << (at % 8);
            assert_eq!(Entry::parse(&bytes), None, "bit {at}");
        }
        assert!(Entry::parse(&entry(7)).is_some());
        assert_eq!(Entry::parse(&[0; ENTRY]), None);
    }
}
