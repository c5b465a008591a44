//! A store on disk: read in any era, edited under OpenClaw's own lock in the eras that are files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use credential_provider_api::{Clock, CredentialError, Detail, ErrorCode};
use secrecy::{ExposeSecret as _, SecretString};

use super::database::{Database, Row};
use super::era::{self, Era};
use super::home::{AgentId, Home};
use super::profiles::Profiles;
use crate::file::{self, Mark, blocking, malformed, read_settled, remove_leftovers, replace};
use crate::json::Object;
use crate::lock::{Held, Sidecar};

/// The auth profiles of one agent, where OpenClaw keeps them.
///
/// [`load`](Self::load) reads them in any [`Era`]. [`edit`](Self::edit) changes them in the eras that are
/// files, under OpenClaw's own lock, and writes only what was changed: unknown fields and entries stay
/// as the text they were.
#[derive(Clone)]
pub struct AuthProfileStore {
    folder: PathBuf,
    shared: Option<PathBuf>,
    main: Option<Arc<Self>>,
    database: Option<Arc<dyn Database>>,
    clock: Arc<dyn Clock>,
    access: Access,
}

/// Whether a store may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
}

/// Larger than any store; more is an accident.
const MOST: u64 = 16 << 20;
/// How often an edit begins anew because somebody wrote without the lock.
const ROUNDS: usize = 8;

impl AuthProfileStore {
    /// The store of an agent of an OpenClaw, with all it sees through and all that its places say.
    #[must_use]
    pub fn of(home: &Home, agent: &AgentId, clock: Arc<dyn Clock>) -> Self {
        let own = |agent: &AgentId| {
            let store = Self::new(home.agent(agent), Arc::clone(&clock));
            let store = store.with_shared_database(home.shared_database());
            if home.read_only { store.read_only() } else { store }
        };
        if agent.is_main() { own(agent) } else { own(agent).inheriting(own(&AgentId::main())) }
    }

    /// The store in an agent's folder, and nothing else: [`of`](Self::of) knows the rest.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let access = Access::ReadWrite;
        Self { folder: folder.into(), shared: None, main: None, database: None, clock, access }
    }

    /// Profiles of the main agent's store are seen through this one, unless it has its own.
    #[must_use]
    pub fn inheriting(mut self, main: Self) -> Self {
        self.main = Some(Arc::new(main));
        self
    }

    /// How to read SQLite, here and in what is inherited; without it, a database is an error.
    #[must_use]
    pub fn with_database(mut self, database: Arc<dyn Database>) -> Self {
        let main = self.main.map(|main| Arc::unwrap_or_clone(main).with_database(database.clone()));
        self.main = main.map(Arc::new);
        self.database = Some(database);
        self
    }

    /// The database that all agents share, era C.
    #[must_use]
    pub fn with_shared_database(mut self, file: impl Into<PathBuf>) -> Self {
        self.shared = Some(file.into());
        self
    }

    /// The store may only be read.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    /// The agent's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How the store is kept now.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub async fn era(&self) -> Result<Era, CredentialError> {
        let store = self.clone();
        blocking(move || Ok(store.read_now()?.1)).await
    }

    /// The profiles as they are now; none where there is no store. Inherited ones are seen through.
    ///
    /// A file that somebody is just writing is read again for up to 300 ms.
    ///
    /// # Errors
    /// `store_unreadable` for what is torn, corrupt or in a database that cannot be read; nothing was
    /// changed. `store_locked` for a database that stays locked.
    pub async fn load(&self) -> Result<Profiles, CredentialError> {
        let store = self.clone();
        blocking(move || store.load_now()).await
    }

    /// Changes the store by `change`, which gets what is there now, without what is inherited.
    ///
    /// The change may be tried more than once, if somebody writes without taking the lock. What it
    /// returns is returned once the change is durable. A change that changes nothing writes nothing.
    /// Dropping the future lets an edit that has begun end; the lock is released in any case.
    ///
    /// # Errors
    /// As for [`load`](Self::load); `store_locked` if a live process holds the lock for 10 s;
    /// `unsupported` for a store in SQLite and one opened read-only; `store_unwritable`. What is on disk is
    /// then as it was.
    pub async fn edit<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Profiles) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        if self.access == Access::ReadOnly {
            let detail = "the auth profiles were opened to be read only";
            return Err(CredentialError::new(ErrorCode::Unsupported, detail));
        }
        let lock = Sidecar::of(&self.profiles_file(), Arc::clone(&self.clock)).acquire().await?;
        let store = self.clone();
        blocking(move || store.edit_now(&lock, &change)).await
    }

    /// Fails where profiles cannot be written, before anything is done for it.
    ///
    /// # Errors
    /// `unsupported` for a store in SQLite and one opened read-only; as for [`load`](Self::load).
    pub async fn check_writable(&self) -> Result<(), CredentialError> {
        let detail = if self.access == Access::ReadOnly {
            "the auth profiles were opened to be read only; an exec resolver gives OpenClaw credentials without writing any"
        } else if self.era().await? == Era::C {
            "OpenClaw keeps these auth profiles in SQLite, which is only read; give it credentials through an exec resolver"
        } else {
            return Ok(());
        };
        Err(CredentialError::new(ErrorCode::Unsupported, detail))
    }

    /// The files whose change changes what [`load`](Self::load) returns.
    #[must_use]
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.profiles_file(), self.state_file(), self.database_file()];
        files.extend(self.shared.clone());
        files.extend(self.main.iter().flat_map(|main| main.files()));
        files
    }

    /// What tells one state of the store from another; it blocks.
    pub(crate) fn seen(&self) -> Seen {
        let mark = |path: &PathBuf| file::mark_of(path, MOST);
        let databases = [Some(self.database_file()), self.shared.clone()];
        let database = |path: Option<PathBuf>| self.database.as_ref()?.mark(&path?).ok();
        Seen {
            files: [self.profiles_file(), self.state_file()].iter().map(mark).collect(),
            databases: databases.into_iter().map(database).collect(),
            main: self.main.as_ref().map(|main| Box::new(main.seen())),
        }
    }

    pub(crate) fn load_now(&self) -> Result<Profiles, CredentialError> {
        let (own, _) = self.read_now()?;
        let own = own.unwrap_or_else(Profiles::empty);
        Ok(match &self.main {
            Some(main) => own.inheriting(main.load_now()?),
            None => own,
        })
    }

    fn read_now(&self) -> Result<(Option<Profiles>, Era), CredentialError> {
        if let Some(profiles) = self.read_databases()? {
            return Ok((Some(profiles), Era::C));
        }
        let found = self.read_files()?;
        Ok((found.map(|found| found.profiles), Era::of_files(&self.folder)))
    }

    /// The profiles in the databases, the shared ones seen through; none if there is no database.
    ///
    /// Where a database is, OpenClaw keeps its profiles there, or will: files beside it are retired.
    fn read_databases(&self) -> Result<Option<Profiles>, CredentialError> {
        let own_file = self.database_file();
        let files = [Some(&own_file), self.shared.as_ref()];
        let found = files.into_iter().flatten().find(|file| file.exists());
        let Some(database) = &self.database else {
            let why = "is a database, and this host cannot read SQLite: add authprofile-sqlite";
            return found.map_or(Ok(None), |file| Err(malformed(file, why)));
        };
        let own = rows(&**database, &own_file, &[Row::AgentProfiles, Row::AgentState])?;
        let shared = match &self.shared {
            Some(file) => rows(&**database, file, &[Row::SharedProfiles, Row::SharedState])?,
            None => None,
        };
        Ok(match (own, shared) {
            (None, None) => found.map(|_| Profiles::empty().of_era(Era::C)),
            (Some(one), None) | (None, Some(one)) => Some(one),
            (Some(own), Some(shared)) => Some(own.inheriting(shared)),
        })
    }

    fn read_files(&self) -> Result<Option<Found>, CredentialError> {
        let pauses = &|pause| thread::sleep(pause);
        let parse = |text: &str| Profiles::parse(text, None).map(|_| text.to_owned());
        let parse = |text: &str| parse(text).map(SecretString::from);
        let profiles = read_settled(&self.profiles_file(), MOST, pauses, parse)?;
        let state = |text: &str| Object::parse(text).map(|_| SecretString::from(text));
        let state = read_settled(&self.state_file(), MOST, pauses, state)?;
        if profiles.is_none() && state.is_none() {
            return Ok(None);
        }
        let (text, mark) = profiles.unzip();
        let (state, state_mark) = state.unzip();
        let empty = Profiles::empty().document().to_text(0);
        let text = text.as_ref().map_or(empty.as_str(), |text| text.expose_secret());
        let state = state.as_ref().map(|state| state.expose_secret());
        let parsed = Profiles::parse(text, state);
        let profiles = parsed.map_err(|why| malformed(&self.profiles_file(), &why.to_string()))?;
        Ok(Some(Found { profiles, mark, state_mark }))
    }

    fn edit_now<T>(
        &self,
        lock: &Held,
        change: &dyn Fn(&mut Profiles) -> Result<T, CredentialError>,
    ) -> Result<T, CredentialError> {
        if self.read_databases()?.is_some() {
            let detail = "OpenClaw keeps these auth profiles in SQLite, which is only read";
            return Err(CredentialError::new(ErrorCode::Unsupported, detail));
        }
        remove_leftovers(&self.profiles_file());
        remove_leftovers(&self.state_file());
        for _ in 0..ROUNDS {
            let found = self.read_files()?;
            let (before, mark, state_mark) = match found {
                Some(found) => (found.profiles, found.mark, found.state_mark),
                None => (Profiles::empty(), None, None),
            };
            let mut after = before.clone();
            let outcome = change(&mut after)?;
            if !lock.is_ours() {
                // It was taken by its age: whoever did may be writing.
                let detail = "the lock of the auth profiles was taken from us";
                return Err(CredentialError::new(ErrorCode::StoreLocked, detail));
            }
            let state_file = self.state_file();
            if self.seen_differs(mark, state_mark) {
                continue;
            }
            if after.document() != before.document() {
                write(&self.profiles_file(), after.document(), mark)?;
            }
            if let Some(state) = after.state_document()
                && before.state_document() != Some(state)
            {
                write(&state_file, state, state_mark)?;
            }
            return Ok(outcome);
        }
        let detail = "the auth profiles are written by others all the time, without their lock";
        Err(CredentialError::new(ErrorCode::StoreLocked, detail))
    }

    /// Whether somebody wrote without the lock since the files were read.
    fn seen_differs(&self, mark: Option<Mark>, state_mark: Option<Mark>) -> bool {
        file::mark_of(&self.profiles_file(), MOST) != mark
            || file::mark_of(&self.state_file(), MOST) != state_mark
    }

    fn profiles_file(&self) -> PathBuf {
        self.folder.join(era::PROFILES)
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join(era::STATE)
    }

    fn database_file(&self) -> PathBuf {
        self.folder.join(era::DATABASE)
    }
}

impl fmt::Debug for AuthProfileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthProfileStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

struct Found {
    profiles: Profiles,
    mark: Option<Mark>,
    state_mark: Option<Mark>,
}

/// What tells one state of a store from another.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    files: Vec<Option<Mark>>,
    databases: Vec<Option<super::database::Mark>>,
    main: Option<Box<Self>>,
}

fn rows(
    database: &dyn Database,
    file: &Path,
    rows: &[Row; 2],
) -> Result<Option<Profiles>, CredentialError> {
    let mut texts = database.read(file, rows)?.into_iter();
    let (profiles, state) = (texts.next().flatten(), texts.next().flatten());
    if profiles.is_none() && state.is_none() {
        return Ok(None);
    }
    let empty = Profiles::empty().document().to_text(0);
    let text = profiles.as_ref().map_or(empty.as_str(), |text| text.expose_secret());
    let state = state.as_ref().map(|state| state.expose_secret());
    let parsed = Profiles::parse(text, state);
    parsed
        .map(Some)
        .map_err(|why| malformed(file, &format!("holds auth profiles that are corrupt: {why}")))
}

fn write(path: &Path, document: &Object, before: Option<Mark>) -> Result<(), CredentialError> {
    let mut text = document.to_text(0);
    text.reserve_exact(1);
    text.push('\n');
    let before: Option<SystemTime> = before.map(|mark| mark.modified);
    replace(path, &text, before)
}

/// An error about one profile.
pub(crate) fn about(code: ErrorCode, id: &str, what: &str) -> CredentialError {
    CredentialError::new(code, Detail::composed(format!("the auth profile \"{id}\" {what}")))
}
