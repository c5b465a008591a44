//! [`Records`]: one file a record, and the compare-and-swap on it. Everything here blocks.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use credential_provider_api::{CredentialError, ErrorCode, Key, Loaded, Record, Revision};

use super::disk::{Disk, Lock, Locked, TEMPORARY, read_all, still_at};
use super::header::Header;
use super::journal::Journal;
use super::name::Name;
use super::problem::{Access, At as _, Outcome, Problem};
use super::seal::{Opened, Sealed, open, seal, sealed_with};
use crate::faults::{Point, Probe};
use crate::key::KeyRing;

/// The largest record we write.
pub(crate) const MOST: u64 = 1 << 20;

/// The keys, and the generation of the header they were read at.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) generation: u64,
    pub(crate) ring: KeyRing,
}

pub(crate) struct Records {
    pub(crate) disk: Disk,
    pub(crate) probe: Probe,
    pub(crate) root: PathBuf,
    pub(crate) salt: Vec<u8>,
    pub(crate) journal: Journal,
}

impl Records {
    pub(crate) fn name(&self, key: &Key) -> Name {
        Name::of(key, &self.salt)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join("records")
    }

    pub(crate) fn header(&self) -> PathBuf {
        self.root.join("store.json")
    }

    pub(crate) fn path(&self, name: Name) -> PathBuf {
        self.folder().join(name.to_string())
    }

    /// What is kept under `key`.
    pub(crate) fn load(&self, ring: &KeyRing, key: &Key) -> Outcome<Loaded> {
        let name = self.name(key);
        match self.find(ring, name)? {
            None => Ok(Loaded::default()),
            Some(found) if found.key == *key => Ok(Loaded::new(Some(found.revision), found.record)),
            Some(_) => Err(Problem::unreadable(&self.path(name), "holds another key's record")),
        }
    }

    /// The record of this name.
    pub(crate) fn find(&self, ring: &KeyRing, name: Name) -> Outcome<Option<Opened>> {
        // Read before the record: the journal never runs ahead of it.
        let reached = self.journal.reached(name)?;
        let path = self.path(name);
        let Some(bytes) = self.disk.read(&path, MOST)? else {
            return self.nothing(&path, reached).map(|()| None);
        };
        let found = unseal(ring, &path, name, &bytes)?;
        if self.name(&found.key) != name {
            return Err(Problem::unreadable(&path, "belongs to another store"));
        }
        judge(&path, &found, reached)?;
        if reached.is_none_or(|reached| reached < found.revision) {
            self.tell(name, found.revision);
        }
        Ok(Some(found))
    }

    /// The names of all records, tombstones too.
    pub(crate) fn names(&self) -> Outcome<Vec<Name>> {
        let folder = self.folder();
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).reading(&folder)? {
            let entry = entry.reading(&folder)?;
            let text = entry.file_name();
            match text.to_str().map(|text| (Name::parse(text), text)) {
                Some((Some(name), _)) => names.push(name),
                Some((None, text)) if text.starts_with(TEMPORARY) => {}
                _ => return Err(Problem::unreadable(&entry.path(), "is not one of our files")),
            }
        }
        Ok(names)
    }

    /// Keeps `record` (`None`: a tombstone) if the revision is `expected`.
    pub(crate) fn swap(
        &self,
        keys: &Keys,
        key: &Key,
        expected: Option<Revision>,
        record: Option<&Record>,
    ) -> Outcome<Revision> {
        let _writing = self.writing(keys.generation)?;
        let name = self.name(key);
        let path = self.path(name);
        let reached = self.journal.reached(name)?;
        let seal = |revision| -> Outcome<Vec<u8>> {
            let bytes = seal(keys.ring.active(), name, key, revision, record)?;
            if bytes.len() as u64 > MOST {
                let detail = "a record of more than 1 MiB is not kept";
                return Err(CredentialError::new(ErrorCode::InvalidResponse, detail).into());
            }
            Ok(bytes)
        };
        let revision = match self.lock(&path)? {
            None => {
                self.nothing(&path, reached)?;
                if expected.is_some() || !self.disk.create(&path, &seal(Revision::FIRST)?)? {
                    return Err(Problem::Conflict);
                }
                Revision::FIRST
            }
            Some(locked) => {
                let found = read_all(locked.file(), &path, MOST)?;
                let found = unseal(&keys.ring, &path, name, &found)?;
                judge(&path, &found, reached)?;
                if found.key != *key {
                    return Err(Problem::unreadable(&path, "holds another key's record"));
                }
                if Some(found.revision) != expected {
                    return Err(Problem::Conflict);
                }
                let revision = found.revision.next();
                self.disk.replace(&path, &seal(revision)?)?;
                revision
            }
        };
        self.tell(name, revision);
        self.probe.at(Point::Journaled).writing(&path)?;
        Ok(revision)
    }

    /// Seals a record anew with the active key, if another sealed it. Its revision stays.
    pub(crate) fn reseal(&self, keys: &Keys, name: Name) -> Outcome<bool> {
        let _writing = self.writing(keys.generation)?;
        let path = self.path(name);
        let Some(locked) = self.lock(&path)? else {
            return Ok(false);
        };
        let bytes = read_all(locked.file(), &path, MOST)?;
        if sealed_with(&bytes) == Some(keys.ring.active().id()) {
            return Ok(false);
        }
        let found = unseal(&keys.ring, &path, name, &bytes)?;
        let record = found.record.as_ref();
        let bytes = seal(keys.ring.active(), name, &found.key, found.revision, record)?;
        self.disk.replace(&path, &bytes)?;
        Ok(true)
    }

    /// Fails if there are records and `ring` has the key of none of them.
    pub(crate) fn known(&self, ring: &KeyRing) -> Outcome<()> {
        let mut unknown = None;
        for name in self.names()? {
            let path = self.path(name);
            // One that cannot be read says so when it is loaded, and keeps nobody from the others.
            let Ok(Some(bytes)) = self.disk.read(&path, MOST) else {
                continue;
            };
            match sealed_with(&bytes) {
                Some(key) if ring.find(key).is_some() => return Ok(()),
                Some(key) => unknown = Some(Problem::UnknownKey { path, key }),
                None => {}
            }
        }
        unknown.map_or(Ok(()), Err)
    }

    /// Removes what processes that are gone have left half written.
    pub(crate) fn sweep(&self) -> Outcome<()> {
        for folder in [self.root.clone(), self.folder(), self.root.join("leases")] {
            self.disk.sweep(&folder, TEMPORARY)?;
        }
        Ok(())
    }

    /// Keeps the keys from being rotated while something is written with them.
    fn writing(&self, generation: u64) -> Outcome<Locked> {
        let locked = self.rotation(Lock::Shared)?;
        let path = self.header();
        match Header::read(&self.disk, &path)? {
            None => Err(Problem::unreadable(&path, "is missing")),
            Some(header) if header.generation != generation => Err(Problem::StaleKeys),
            Some(_) => Ok(locked),
        }
    }

    /// The lock that writers share and a rotation has for itself.
    pub(crate) fn rotation(&self, how: Lock) -> Outcome<Locked> {
        // Passed through by everybody, and shut by a rotation while it waits for the writers inside:
        // without it, writers who overlap would never let one in.
        let gate = self.root.join("gate.lock");
        let _gate = Locked::soon(self.disk.lock_file(&gate)?, &gate, how)?;
        let path = self.root.join("rotation.lock");
        Locked::soon(self.disk.lock_file(&path)?, &path, how)
    }

    /// The lock among rotations.
    pub(crate) fn rotating(&self) -> Outcome<Locked> {
        let path = self.root.join("rotating.lock");
        Locked::soon(self.disk.lock_file(&path)?, &path, Lock::Exclusive)
    }

    /// The file at `path`, locked as long as it is the one there.
    fn lock(&self, path: &Path) -> Outcome<Option<Locked>> {
        loop {
            let Some(file) = self.disk.open(path, Access::Read, OpenOptions::new().read(true))?
            else {
                return Ok(None);
            };
            let locked = Locked::soon(file, path, Lock::Exclusive)?;
            if still_at(locked.file(), path)? {
                return Ok(Some(locked));
            }
        }
    }

    /// Nothing is where a record could be: was it ever there?
    fn nothing(&self, path: &Path, reached: Option<Revision>) -> Outcome<()> {
        match reached {
            None => Ok(()),
            Some(_) => Err(Problem::unreadable(path, "is missing; it was kept before")),
        }
    }

    /// The record is kept already: that the others learn of it late is no reason to fail.
    fn tell(&self, name: Name, revision: Revision) {
        if let Err(problem) = self.journal.tell(name, revision) {
            tracing::warn!(?problem, "the journal was not written; others learn late");
        }
    }
}

fn unseal(ring: &KeyRing, path: &Path, name: Name, bytes: &[u8]) -> Outcome<Opened> {
    open(ring, name, bytes).map_err(|sealed| match sealed {
        Sealed::UnknownKey(key) => Problem::UnknownKey { path: path.to_owned(), key },
        other => Problem::unreadable(path, other.words()),
    })
}

fn judge(path: &Path, found: &Opened, reached: Option<Revision>) -> Outcome<()> {
    match reached {
        Some(reached) if found.revision < reached => {
            let why = format!("was rolled back from revision {reached} to {}", found.revision);
            Err(Problem::unreadable(path, why))
        }
        _ => Ok(()),
    }
}
