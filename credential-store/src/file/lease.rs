//! The lease: one kernel lock a key, and the rules by which it is waited for.
//!
//! The kernel frees the lock when its holder's process ends, by whatever death, and never before. A
//! waiter asks every [`EVERY`], with jitter, and leaves a mark in the file as long as it waits;
//! whoever comes to a marked lease that is free lets the waiters ask first. So a process that takes
//! a lease again and again does not starve the others.
//!
//! A child forked from the holder without an exec keeps a copy of the lock after the holder's death.
//! Its file names the holder, so a waiter in the same pid namespace sees that the holder is dead and
//! puts a new file in the place of the locked one. Everybody who locks a file looks whether it still
//! is the one at its path.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::Lease;
use tokio::sync::OwnedMutexGuard;

use super::disk::{Disk, Lock, Locked, still_at};
use super::holder::{Holder, Life};
use super::problem::{At as _, Outcome};
use crate::key::random;

/// How often a process that waits for a lease asks for it: every 20 to 25 ms.
pub(crate) const EVERY: Duration = Duration::from_millis(20);
const JITTER_MICROS: u64 = 5_000;
/// The file: the holder's line, padded, and the mark that somebody waits. Of one width, and written in
/// place: a file that is cut and grows again reaches the disk each time.
const LINE: usize = 512;
const WIDTH: usize = LINE + 1;
const MARK: u8 = b'.';

/// The files of all leases of a store. Everything here blocks, but never for a lease.
#[derive(Clone)]
pub(crate) struct Leases {
    disk: Disk,
    folder: PathBuf,
    here: Arc<Holder>,
}

/// What asking for a lease gave.
pub(crate) enum Asked {
    Have(HeldFile),
    /// Held by somebody, if that can be told.
    Wait(Option<Holder>),
}

/// Whether others go first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Just come: lets those who wait ask first.
    Come,
    /// Has waited.
    Waited,
}

impl Leases {
    pub(crate) fn new(disk: Disk, root: &Path) -> Self {
        Self { disk, folder: root.join("leases"), here: Arc::new(Holder::here()) }
    }

    /// Asks for the lease called `name`, once.
    pub(crate) fn ask(&self, name: &str, turn: Turn) -> Outcome<Asked> {
        let path = self.folder.join(format!("{name}.lock"));
        loop {
            let file = self.disk.lease_file(&path)?;
            let found = content(&file, &path)?;
            if turn == Turn::Come && found.last() == Some(&MARK) {
                return Ok(Asked::Wait(None));
            }
            match Locked::now(file, &path, Lock::Exclusive)? {
                Ok(locked) => {
                    if let Some(held) = self.enter(locked, &path, &found)? {
                        return Ok(Asked::Have(held));
                    }
                    // Somebody put another file in its place: that one counts.
                }
                Err(file) => {
                    let found = content(&file, &path)?;
                    let holder = holder(&found);
                    if holder.as_ref().is_some_and(|holder| holder.life() == Life::Dead) {
                        if let Some(held) = self.replace(&path, holder.as_ref())? {
                            return Ok(Asked::Have(held));
                        }
                        continue;
                    }
                    if found.last() != Some(&MARK) {
                        file.write_all_at(&[MARK], LINE as u64).writing(&path)?;
                    }
                    return Ok(Asked::Wait(holder));
                }
            }
        }
    }

    /// Signs the file that was locked; `None` if it is no longer the one at its path. Done under the
    /// lock that `replace` has for itself: no file is replaced between its locking and its signing.
    /// `found` is what stood in it.
    fn enter(&self, locked: Locked, path: &Path, found: &[u8]) -> Outcome<Option<HeldFile>> {
        let _guard = self.replacing(Lock::Shared)?;
        if !still_at(locked.file(), path)? {
            return Ok(None);
        }
        self.sign(locked, path, found).map(Some)
    }

    /// Puts a file of ours in the place of one whose holder is dead and whose lock lives on in a
    /// forked child.
    fn replace(&self, path: &Path, dead: Option<&Holder>) -> Outcome<Option<HeldFile>> {
        let _guard = self.replacing(Lock::Exclusive)?;
        let now = holder(&content(&self.disk.lease_file(path)?, path)?);
        if now.as_ref() != dead {
            return Ok(None);
        }
        let mut random_name = [0; 8];
        random(&mut random_name)?;
        let temporary = self.folder.join(format!(
            "{}{:016x}",
            super::disk::TEMPORARY,
            u64::from_be_bytes(random_name)
        ));
        let file = self.disk.lease_file(&temporary)?;
        let Ok(locked) = Locked::now(file, &temporary, Lock::Exclusive)? else {
            return Ok(None);
        };
        let mut held = self.sign(locked, &temporary, &[])?;
        fs::rename(&temporary, path).writing(path)?;
        held.path = path.to_owned();
        tracing::info!("took over a lease whose holder had ended and left its lock to a child");
        Ok(Some(held))
    }

    fn sign(&self, locked: Locked, path: &Path, found: &[u8]) -> Outcome<HeldFile> {
        // A child that goes on with a store its parent opened signs for itself.
        let here = if self.here.is_here() { self.here.clone() } else { Arc::new(Holder::here()) };
        let mut line = here.line().into_bytes();
        line.resize(WIDTH, b' ');
        if found != line {
            locked.file().write_all_at(&line, 0).writing(path)?;
        }
        Ok(HeldFile { locked, path: path.to_owned(), holder: here.to_string() })
    }

    fn replacing(&self, how: Lock) -> Outcome<Locked> {
        let path = self.folder.join("replace.lock");
        Locked::soon(self.disk.lock_file(&path)?, &path, how)
    }
}

/// A lease held, as far as the disk is concerned.
pub(crate) struct HeldFile {
    locked: Locked,
    path: PathBuf,
    holder: String,
}

/// A lease held. Fields drop in their order: the file is free before this process's next waiter asks.
pub(crate) struct FileLease {
    pub(crate) held: HeldFile,
    #[allow(dead_code, reason = "held for its drop")]
    pub(crate) turn: OwnedMutexGuard<()>,
}

impl Lease for FileLease {
    fn holder(&self) -> &str {
        &self.held.holder
    }

    /// Not if somebody removed the file, as cleaners of temporary folders do: the next one to come
    /// locks another.
    fn is_held(&self) -> bool {
        still_at(self.held.locked.file(), &self.held.path).unwrap_or(false)
    }
}

/// How long to wait before asking again.
pub(crate) fn pause() -> Duration {
    let mut bytes = [0; 8];
    // Without randomness all ask at one pace, which is slower to be fair and nothing worse.
    let _ = random(&mut bytes);
    EVERY + Duration::from_micros(u64::from_be_bytes(bytes) % JITTER_MICROS)
}

fn content(file: &fs::File, path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; WIDTH];
    let length = file.read_at(&mut bytes, 0).reading(path)?;
    bytes.truncate(length);
    Ok(bytes)
}

fn holder(content: &[u8]) -> Option<Holder> {
    Holder::parse(&String::from_utf8_lossy(content))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
