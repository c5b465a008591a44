//! [`FileStoreBuilder`]: how a folder is opened, and what is checked before it is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{CredentialError, Detail, ErrorCode};

use super::disk::{Disk, TEMPORARY};
use super::header::{Header, Home};
use super::journal::Journal;
use super::lease::Leases;
use super::network::{self, FileSystem};
use super::problem::{At as _, Outcome, Problem};
use super::records::{Keys, Records};
use super::store::{FileStore, Inner, blocking, no_keys};
use crate::faults::Probe;
use crate::key::{DataKey, KeyRing, KeySource};

/// What to do with a folder that is a copy of another, restored from a backup for instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Copied {
    /// Refuse it: two copies would each renew the same grants, and both logins would end.
    #[default]
    Refuse,
    /// The original is gone, and this one takes its place. Said once, it is remembered.
    TakesItsPlace,
}

/// Opens a [`FileStore`].
#[must_use = "a builder does nothing until `open`"]
pub struct FileStoreBuilder {
    folder: PathBuf,
    source: Arc<dyn KeySource>,
    lease_wait: Duration,
    copied: Copied,
    file_system: FileSystem,
    probe: Probe,
}

/// A call to the disk that takes longer has failed.
const DISK_LIMIT: Duration = Duration::from_secs(30);
const LEASE_WAIT: Duration = Duration::from_secs(120);

impl FileStoreBuilder {
    pub(crate) fn new(folder: PathBuf, source: Arc<dyn KeySource>) -> Self {
        Self {
            folder,
            source,
            lease_wait: LEASE_WAIT,
            copied: Copied::default(),
            file_system: FileSystem::default(),
            probe: Probe::default(),
        }
    }

    /// How long to wait for a lease before `store_locked`; 120 s without this.
    pub const fn lease_wait(mut self, limit: Duration) -> Self {
        self.lease_wait = limit;
        self
    }

    /// What to do with a copy of a store; it is refused without this.
    pub const fn copied(mut self, copied: Copied) -> Self {
        self.copied = copied;
        self
    }

    /// What the folder lies on; a file system over a network is refused without this.
    pub const fn file_system(mut self, file_system: FileSystem) -> Self {
        self.file_system = file_system;
        self
    }

    /// Stops the store where a test wants it.
    #[cfg(feature = "faults")]
    pub fn faults(mut self, faults: Arc<dyn crate::faults::Faults>) -> Self {
        self.probe = Probe::new(faults);
        self
    }

    /// Opens the folder, or makes it with mode 0700 if it is missing. A folder that others could
    /// read is repaired. Cancel-safe.
    ///
    /// # Errors
    /// - `store_unreadable` if the folder holds something else, belongs to another user, lies on a
    ///   network file system, is torn or of a newer version, or its key is missing; nothing in it is
    ///   changed then;
    /// - `store_copied` if it is a copy of another store;
    /// - `store_unwritable` if it cannot be made;
    /// - the key source's own.
    pub async fn open(self) -> Result<FileStore, CredentialError> {
        let disk = Disk::new(self.probe.clone());
        let (folder, trust) = (self.folder.clone(), self.file_system);
        let at = disk.clone();
        let header = blocking(DISK_LIMIT, move || look(&at, &folder, trust)).await?;

        let found = self.source.load().await?;
        let (header, ring) = match (header, found) {
            (Some(header), Some(ring)) => {
                let (at, folder) = (disk.clone(), self.folder.clone());
                match blocking(DISK_LIMIT, move || prepare(&at, &folder)).await {
                    // A folder that cannot be written can still be read.
                    Err(error) if error.code() != ErrorCode::StoreUnwritable => return Err(error),
                    _ => (header, ring),
                }
            }
            (Some(_), None) => return Err(no_keys(&*self.source)),
            // The key is durable before anything is encrypted with it.
            (None, found) => {
                let ring = match found {
                    Some(ring) => ring,
                    None => self.source.create(KeyRing::new(DataKey::generate()?)).await?,
                };
                let (at, folder) = (disk.clone(), self.folder.clone());
                (blocking(DISK_LIMIT, move || make(&at, &folder)).await?, ring)
            }
        };

        let journal = Journal::new(disk.clone(), self.folder.join("journal"));
        let salt = header.id.clone().into_bytes();
        let records =
            Records { disk: disk.clone(), probe: self.probe, root: self.folder, salt, journal };
        let leases = Leases::new(disk, &records.root);
        let keys = Keys { generation: header.generation, ring };
        let limits = (self.lease_wait, DISK_LIMIT);
        let inner = Arc::new(Inner::new(records, leases, self.source, keys, limits));

        // A wrong key is found now, not at the first request; and before anything is changed.
        inner.with_keys(|inner, keys| inner.records.known(&keys.ring)).await?;
        let (checked, copied) = (inner.clone(), self.copied);
        blocking(DISK_LIMIT, move || at_home(&checked.records, header, copied)).await?;
        let swept = inner.clone();
        // A folder that cannot be written can still be read.
        let _ = blocking(DISK_LIMIT, move || swept.records.sweep()).await;
        Ok(FileStore { inner })
    }
}

/// The header of the store in `folder`; `None` if there is no store yet, and could be one.
fn look(disk: &Disk, folder: &Path, trust: FileSystem) -> Outcome<Option<Header>> {
    disk.made(folder)?;
    network::check(folder, trust)?;
    let path = folder.join("store.json");
    let mut header = Header::read(disk, &path)?;
    let records = folder.join("records");
    if header.is_none()
        && let Err(problem) = nothing_else(folder)
    {
        // Another process may have made and used it since.
        header = Header::read(disk, &path)?;
        if header.is_none() {
            return Err(problem);
        }
    }
    if header.is_none() {
        return Ok(None);
    } else if !fs::exists(&records).reading(&records)? {
        return Err(Problem::unreadable(&records, "is missing beside its store.json"));
    }
    Ok(header)
}

/// Makes what is missing and repairs modes: a folder that is not ours, or whose keys are not there,
/// was refused before.
fn prepare(disk: &Disk, folder: &Path) -> Outcome<()> {
    disk.folder(folder)?;
    disk.folder(&folder.join("records"))?;
    disk.folder(&folder.join("leases"))
}

/// A folder without a header holds nothing but what another process, making the store at this
/// moment, may have put there.
fn nothing_else(folder: &Path) -> Outcome<()> {
    let records = folder.join("records");
    let kept = match fs::read_dir(&records) {
        Ok(mut found) => found.next().is_some(),
        Err(_) => false,
    };
    if kept {
        let why = "holds records, but its store.json is missing";
        return Err(Problem::unreadable(folder, why));
    }
    for entry in fs::read_dir(folder).reading(folder)? {
        let name = entry.reading(folder)?.file_name();
        let name = name.to_string_lossy();
        let ours = ["records", "leases", "store.json"].contains(&&*name);
        if !ours && !name.starts_with(TEMPORARY) {
            let why = "holds other files; a store needs a folder of its own";
            return Err(Problem::unreadable(folder, why));
        }
    }
    Ok(())
}

fn make(disk: &Disk, folder: &Path) -> Outcome<Header> {
    prepare(disk, folder)?;
    let path = folder.join("store.json");
    let header = Header::new(&folder.join("records"))?;
    if disk.create(&path, &header.bytes())? {
        return Ok(header);
    }
    // Another process was first: its header counts.
    Header::read(disk, &path)?.ok_or_else(|| Problem::unreadable(&path, "is missing"))
}

fn at_home(records: &Records, header: Header, copied: Copied) -> Outcome<()> {
    let home = Home::of(&records.folder())?;
    if header.home.is(&home) {
        return Ok(());
    }
    match copied {
        Copied::Refuse => {
            let detail = format!(
                "{} is a copy of a store: two copies would spend the same refresh tokens. If the \
                 original is gone, open it once with Copied::TakesItsPlace",
                records.root.display()
            );
            let detail = Detail::composed(detail);
            Err(CredentialError::new(ErrorCode::StoreCopied, detail).into())
        }
        Copied::TakesItsPlace => {
            let _alone = records.rotation(super::disk::Lock::Exclusive)?;
            let mut now = Header::read(&records.disk, &records.header())?.unwrap_or(header);
            now.home = home;
            records.disk.replace(&records.header(), &now.bytes())
        }
    }
}
