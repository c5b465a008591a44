//! The lock file beside a file, as OpenClaw takes it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use credential_provider_api::{Clock, CredentialError, Detail, ErrorCode};

use super::liveness::{Processes, System, is_gone, ourselves};
use super::payload::{MOST, Owner};
use crate::file::{blocking, make_folder, unreadable, unwritable};

/// A lock of theirs: a plain file that exists while somebody holds it and says who.
///
/// A live holder is waited for, however long it takes; one that is dead, or whose process id is
/// another process's by now, is taken over. A lock that names nobody is taken over once it is older
/// than [`stale`](Self::with_stale). Older versions of OpenClaw take any lock after 30 s: hold it
/// for moments only, and ask [`Held::is_ours`] before the last step.
#[derive(Clone)]
pub(crate) struct Sidecar {
    path: PathBuf,
    stale: Duration,
    patience: Duration,
    clock: Arc<dyn Clock>,
    processes: Arc<dyn Processes>,
}

/// Shortest and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(160));

impl Sidecar {
    /// The lock of a file: its name and `.lock`, in the folder behind all links.
    pub(crate) fn of(file: &Path, clock: Arc<dyn Clock>) -> Self {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        Self {
            path: folder.join(name),
            stale: Duration::from_secs(30),
            patience: Duration::from_secs(10),
            clock,
            processes: Arc::new(System),
        }
    }

    /// How old a lock that names nobody must be to count as left behind; 30 s unless set.
    pub(crate) const fn with_stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// How long to wait for a live holder; 10 s unless set.
    pub(crate) const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    #[cfg(test)]
    fn with_processes(mut self, processes: Arc<dyn Processes>) -> Self {
        self.processes = processes;
        self
    }

    /// Takes the lock, waiting for whoever has it. Dropping the future leaves no lock behind.
    ///
    /// # Errors
    /// `store_locked`, with the holder's process id, once [`patience`](Self::with_patience) has run
    /// out, or at once if a folder stands where the lock should; `store_unwritable` if no lock can be
    /// made.
    pub(crate) async fn acquire(&self) -> Result<Held, CredentialError> {
        let until = self.clock.now().plus(self.patience);
        let mut pause = PAUSE.0;
        loop {
            let sidecar = self.clone();
            let holder = match blocking(move || sidecar.attempt()).await? {
                Attempt::Held(held) => return Ok(held),
                Attempt::Taken(holder) => holder,
            };
            let now = self.clock.now();
            if now >= until {
                return Err(self.locked(holder));
            }
            self.clock.sleep_until(now.plus(pause).min(until)).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Whether a lock stands there that nobody holds any more; it blocks. Whoever takes it next
    /// removes it.
    pub(crate) fn is_abandoned(&self) -> bool {
        let look = || -> io::Result<bool> {
            let file = File::open(&self.path)?;
            Ok(self.is_left_behind(read(&file)?.as_ref(), &file.metadata()?))
        };
        look().unwrap_or(false)
    }

    fn attempt(&self) -> Result<Attempt, CredentialError> {
        if let Some(folder) = self.path.parent() {
            make_folder(folder)?;
        }
        // Each turn either takes the lock, finds a holder, or removes one lock that was left behind.
        for _ in 0..16 {
            match self.create() {
                Ok(held) => return Ok(Attempt::Held(held)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unwritable(&self.path, &error)),
            }
            match self.take_over() {
                Ok(None) => {}
                Ok(Some(holder)) => return Ok(Attempt::Taken(holder)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&self.path, &error)),
            }
        }
        Ok(Attempt::Taken(None))
    }

    fn create(&self) -> io::Result<Held> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        let payload = ourselves(&*self.processes, self.clock.now()).to_text();
        if let Err(error) = file.write_all(payload.as_bytes()) {
            // A lock that names nobody would keep others waiting.
            let _ = fs::remove_file(&self.path);
            return Err(error);
        }
        Ok(Held { path: self.path.clone(), file })
    }

    /// Removes the lock if it was left behind; otherwise says who holds it.
    fn take_over(&self) -> io::Result<Option<Option<Owner>>> {
        let found = fs::symlink_metadata(&self.path)?;
        if !found.is_file() {
            return Err(io::Error::from(ErrorKind::IsADirectory));
        }
        let file = File::open(&self.path)?;
        let owner = read(&file)?;
        if !self.is_left_behind(owner.as_ref(), &file.metadata()?) {
            return Ok(Some(owner));
        }
        // Of several processes of ours that see a dead lock one removes it, and only that very file:
        // the others find another one at its place, or none.
        if file.try_lock().is_err() {
            return Ok(Some(owner));
        }
        if same(&file.metadata()?, &fs::symlink_metadata(&self.path)?) && read(&file)? == owner {
            fs::remove_file(&self.path)?;
            tracing::info!(lock = %self.path.display(), "removed a lock that was left behind");
        }
        Ok(None)
    }

    fn is_left_behind(&self, owner: Option<&Owner>, found: &Metadata) -> bool {
        let now: SystemTime = self.clock.now().into();
        let old = found
            .modified()
            .is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > self.stale));
        match owner {
            Some(owner) if cfg!(unix) => is_gone(owner, &*self.processes),
            // Where nothing is known of the holder, its age decides, as it does for the others.
            _ => old,
        }
    }

    fn locked(&self, holder: Option<Owner>) -> CredentialError {
        let path = self.path.display();
        let detail = holder.map_or_else(
            || format!("{path} is held by somebody it does not name"),
            |owner| format!("{path} is held by process {}", owner.pid),
        );
        CredentialError::new(ErrorCode::StoreLocked, Detail::composed(detail))
    }
}

enum Attempt {
    Held(Held),
    Taken(Option<Owner>),
}

/// A lock that is ours until it is dropped.
#[must_use = "the lock is released when this is dropped"]
pub(crate) struct Held {
    path: PathBuf,
    /// Kept open, so that no other file can get its number.
    file: File,
}

impl Held {
    /// Whether the lock is still ours: somebody may have taken it, by its age.
    pub(crate) fn is_ours(&self) -> bool {
        match (self.file.metadata(), fs::symlink_metadata(&self.path)) {
            (Ok(ours), Ok(there)) => same(&ours, &there),
            _ => false,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_ours() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn read(mut file: &File) -> io::Result<Option<Owner>> {
    use std::io::Seek as _;
    file.rewind()?;
    let mut text = String::new();
    match file.take(MOST).read_to_string(&mut text) {
        Ok(_) => Ok(Owner::parse(&text)),
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok() && one.len() == other.len()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use credential_provider_api::{ManualClock, Timestamp};

    use super::super::liveness::Process;
    use super::*;
    use crate::testing::Folder;

    /// Process 7 lives, everybody else but us is dead.
    struct Seven;

    impl Processes for Seven {
        fn find(&self, pid: u32) -> Option<Process> {
            (pid == 7 || pid == self.own())
                .then_some(Process { start_time: Some(70), began: Some(Timestamp::from_secs(1)) })
        }
        fn own(&self) -> u32 {
            1
        }
    }

    fn setting() -> (Folder, ManualClock, Sidecar) {
        let folder = Folder::new();
        let clock = ManualClock::new(SystemTime::now().into());
        let sidecar = Sidecar::of(&folder.path("auth-profiles.json"), Arc::new(clock.clone()));
        let sidecar = sidecar.with_processes(Arc::new(Seven));
        (folder, clock, sidecar)
    }

    fn lock(pid: u32, start: u64) -> String {
        let since = Some(Timestamp::from_secs(1_770_000_000));
        Owner { pid, since, start_time: Some(start) }.to_text()
    }

    #[tokio::test]
    async fn a_lock_says_who_we_are_and_is_gone_afterwards() {
        let (folder, _, sidecar) = setting();
        let held = sidecar.acquire().await.unwrap();
        let text = fs::read_to_string(folder.path("auth-profiles.json.lock")).unwrap();
        assert_eq!(Owner::parse(&text).unwrap().pid, 1);
        assert!(held.is_ours());
        drop(held);
        assert!(folder.names().is_empty());
    }

    #[tokio::test]
    async fn a_live_holder_is_waited_for_and_named_whatever_the_age_of_its_lock() {
        let (folder, clock, sidecar) = setting();
        let text = lock(7, 70);
        let file = folder.write("auth-profiles.json.lock", &text);
        let waiting = sidecar.acquire();
        tokio::pin!(waiting);
        let error = loop {
            tokio::select! {
                biased;
                outcome = &mut waiting => break outcome.err().unwrap(),
                () = tokio::task::yield_now() => if clock.next_sleeper().is_some() {
                    clock.advance(Duration::from_secs(3));
                },
            }
        };
        assert_eq!(error.code(), ErrorCode::StoreLocked);
        assert!(error.detail().contains("process 7"), "{error}");
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }

    #[tokio::test]
    async fn a_dead_holder_and_a_reused_id_are_taken_over() {
        for text in [lock(8, 70), lock(7, 71)] {
            let (folder, _, sidecar) = setting();
            folder.write("auth-profiles.json.lock", &text);
            drop(sidecar.acquire().await.unwrap());
            assert!(folder.names().is_empty());
        }
    }

    #[tokio::test]
    async fn a_lock_that_names_nobody_is_taken_over_by_age_only() {
        let (folder, clock, sidecar) = setting();
        let sidecar = sidecar.with_patience(Duration::ZERO);
        folder.write("auth-profiles.json.lock", "not json");
        assert_eq!(sidecar.acquire().await.err().unwrap().code(), ErrorCode::StoreLocked);
        clock.advance(Duration::from_secs(31));
        drop(sidecar.acquire().await.unwrap());
        assert!(folder.names().is_empty());
    }

    #[tokio::test]
    async fn a_folder_in_its_place_is_an_error_at_once() {
        let (folder, _, sidecar) = setting();
        fs::create_dir(folder.path("auth-profiles.json.lock")).unwrap();
        assert_eq!(sidecar.acquire().await.err().unwrap().code(), ErrorCode::StoreUnreadable);
    }

    #[tokio::test]
    async fn a_lock_that_was_robbed_is_not_removed() {
        let (folder, _, sidecar) = setting();
        let held = sidecar.acquire().await.unwrap();
        let file = folder.path("auth-profiles.json.lock");
        fs::remove_file(&file).unwrap();
        folder.write("auth-profiles.json.lock", &lock(7, 70));
        assert!(!held.is_ours());
        drop(held);
        assert!(file.exists());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_that_find_a_dead_lock_one_at_a_time_goes_on() {
        let folder = Folder::new();
        let file = folder.path("a");
        let clock: Arc<dyn Clock> = Arc::new(crate::testing::WallClock);
        for _ in 0..6 {
            folder.write("a.lock", &lock(u32::MAX - 1, 1));
            let inside = Arc::new(std::sync::atomic::AtomicU32::new(0));
            let runs = (0..8).map(|_| {
                let sidecar = Sidecar::of(&file, Arc::clone(&clock));
                let inside = Arc::clone(&inside);
                tokio::spawn(async move {
                    let held = sidecar.acquire().await.unwrap();
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(held);
                })
            });
            for run in runs.collect::<Vec<_>>() {
                run.await.unwrap();
            }
        }
    }
}
