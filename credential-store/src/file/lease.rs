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
use std::io::Write as _;
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
/// What a waiter leaves in the file.
const MARK: &[u8] = b".";
/// A holder's line and the marks of a crowd are shorter than this.
const MOST: usize = 4096;

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
            let file = self.disk.lock_file(&path)?;
            if turn == Turn::Come && marks(&text(&file, &path)?) > 0 {
                return Ok(Asked::Wait(None));
            }
            match Locked::now(file, &path, Lock::Exclusive)? {
                Ok(locked) => {
                    if let Some(held) = self.enter(locked, &path)? {
                        return Ok(Asked::Have(held));
                    }
                    // Somebody put another file in its place: that one counts.
                }
                Err(file) => {
                    let found = text(&file, &path)?;
                    let holder = Holder::parse(&found);
                    if holder.as_ref().is_some_and(|holder| holder.life() == Life::Dead) {
                        if let Some(held) = self.replace(&path, &found)? {
                            return Ok(Asked::Have(held));
                        }
                        continue;
                    }
                    if marks(&found) == 0 {
                        (&file).write_all(MARK).writing(&path)?;
                    }
                    return Ok(Asked::Wait(holder));
                }
            }
        }
    }

    /// Signs the file that was locked; `None` if it is no longer the one at its path. Done under the
    /// lock that `replace` has for itself: no file is replaced between its locking and its signing.
    fn enter(&self, locked: Locked, path: &Path) -> Outcome<Option<HeldFile>> {
        let _guard = self.replacing(Lock::Shared)?;
        if !still_at(locked.file(), path)? {
            return Ok(None);
        }
        self.sign(locked, path).map(Some)
    }

    /// Puts a file of ours in the place of one whose holder is dead and whose lock lives on in a
    /// forked child. `found` is what stood in it when the holder was judged.
    fn replace(&self, path: &Path, found: &str) -> Outcome<Option<HeldFile>> {
        let _guard = self.replacing(Lock::Exclusive)?;
        let now = fs::read_to_string(path).reading(path)?;
        if Holder::parse(&now) != Holder::parse(found) {
            return Ok(None);
        }
        let mut random_name = [0; 8];
        random(&mut random_name)?;
        let temporary = self.folder.join(format!(
            "{}{:016x}",
            super::disk::TEMPORARY,
            u64::from_be_bytes(random_name)
        ));
        let file = self.disk.lock_file(&temporary)?;
        let Ok(locked) = Locked::now(file, &temporary, Lock::Exclusive)? else {
            return Ok(None);
        };
        let held = self.sign(locked, &temporary)?;
        fs::rename(&temporary, path).writing(path)?;
        tracing::info!("took over a lease whose holder had ended and left its lock to a child");
        Ok(Some(held))
    }

    fn sign(&self, locked: Locked, path: &Path) -> Outcome<HeldFile> {
        // A child that goes on with a store its parent opened signs for itself.
        let here = if self.here.is_here() { self.here.clone() } else { Arc::new(Holder::here()) };
        let mut file = locked.file();
        file.set_len(0).writing(path)?;
        file.write_all(here.line().as_bytes()).writing(path)?;
        Ok(HeldFile { locked, holder: here.to_string() })
    }

    fn replacing(&self, how: Lock) -> Outcome<Locked> {
        let path = self.folder.join("replace.lock");
        Locked::soon(self.disk.lock_file(&path)?, &path, how)
    }
}

/// A lease held, as far as the disk is concerned.
pub(crate) struct HeldFile {
    #[allow(dead_code, reason = "held for its drop")]
    locked: Locked,
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
}

/// How long to wait before asking again.
pub(crate) fn pause() -> Duration {
    let mut bytes = [0; 8];
    // Without randomness all ask at one pace, which is slower to be fair and nothing worse.
    let _ = random(&mut bytes);
    EVERY + Duration::from_micros(u64::from_be_bytes(bytes) % JITTER_MICROS)
}

fn text(file: &fs::File, path: &Path) -> Outcome<String> {
    let mut bytes = [0; MOST];
    let length = file.read_at(&mut bytes, 0).reading(path)?;
    Ok(String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned())
}

/// How many marks waiters have left since the holder signed.
fn marks(text: &str) -> usize {
    text.rsplit_once('\n').map_or(text, |(_, after)| after).len()
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
