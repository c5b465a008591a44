//! [`SyntheticProfiles`]: the task, as its host holds it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, CredentialRef, ErrorCode, Scope, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hold::Hold;
use super::ledger::LEDGER;
use super::said::SyntheticProfile;
use super::worker::{NOT_THE_GATEWAYS, Room, Worker};
use crate::authority::Authority;
use crate::file::blocking;
use crate::openclaw::AuthProfileStore;

/// Keeps credentials as profiles in OpenClaw's store until it is shut down.
///
/// Dropping it ends the task soon; [`shutdown`](Self::shutdown) waits for its end.
pub struct SyntheticProfiles {
    room: Arc<Room>,
    status: watch::Receiver<Vec<SyntheticStatus>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// How it is with one synthetic profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyntheticStatus {
    /// Its id.
    pub profile: String,
    /// The credential it is made of.
    pub credential: CredentialRef,
    /// What stands in the store.
    pub standing: SyntheticStanding,
    /// Why it is not as it should be.
    pub error: Option<CredentialError>,
}

/// What stands in the store for a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntheticStanding {
    /// Not looked at yet, or the store could not be edited.
    Unknown,
    /// Our profile.
    Written {
        /// When OpenClaw stops using it, before its true end; `None` if never.
        until: Option<Timestamp>,
    },
    /// Nothing of ours.
    Absent,
}

/// Puts [`SyntheticProfiles`] together.
#[must_use = "call start"]
pub struct SyntheticProfilesBuilder {
    room: Room,
    profiles: Vec<SyntheticProfile>,
}

/// How long before its true end OpenClaw is told that a credential ends.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// How often what is written is compared with what should be.
const EVERY: Duration = Duration::from_secs(5 * 60);

impl SyntheticProfiles {
    /// Starts putting it together: the store to write, whom to ask, the clock.
    pub fn builder(
        store: AuthProfileStore,
        authority: Arc<dyn Authority>,
        clock: Arc<dyn Clock>,
    ) -> SyntheticProfilesBuilder {
        let ledger = store.folder().join(LEDGER);
        let (margin, every, hold) = (MARGIN, EVERY, None);
        let room = Room { store, authority, clock, ledger, margin, every, hold };
        SyntheticProfilesBuilder { room, profiles: Vec::new() }
    }

    /// How it is with each profile, in the order of the configuration.
    #[must_use]
    pub fn status(&self) -> Vec<SyntheticStatus> {
        self.status.borrow().clone()
    }

    /// Waits until [`status`](Self::status) is another than when this was last awaited, or the task
    /// has ended. Cancel-safe.
    pub async fn changed(&mut self) {
        // An error is the end of the task.
        let _ = self.status.changed().await;
    }

    /// Ends the task and waits for it. The profiles stay. Dropping the future ends it all the same.
    pub async fn shutdown(self) {
        self.end().await;
    }

    /// Ends the task, waits for it, and removes every profile of ours.
    ///
    /// # Errors
    /// As for [`AuthProfileStore::edit`]; the profiles are then still there.
    pub async fn withdraw(self) -> Result<(), CredentialError> {
        self.end().await;
        self.room.forget(|_| true).await
    }

    async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for SyntheticProfiles {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl SyntheticProfilesBuilder {
    /// Keeps this one.
    pub fn profile(mut self, profile: SyntheticProfile) -> Self {
        self.profiles.push(profile);
        self
    }

    /// How long before its true end OpenClaw is told that a credential ends; 5 minutes unless set,
    /// and never more than a fifth of its life. OpenClaw uses a token to the very end it is told.
    pub const fn margin(mut self, margin: Duration) -> Self {
        self.room.margin = margin;
        self
    }

    /// How often the store is compared with what it should hold, whatever happens; 5 minutes unless
    /// set, a second at least.
    pub fn reconcile_every(mut self, every: Duration) -> Self {
        self.room.every = every.max(Duration::from_secs(1));
        self
    }

    /// Where to write down which profiles are ours; `auth-profiles.bridge.json` beside them unless
    /// set. Two hosts that write into one store each need their own: the second one does not start
    /// without it.
    pub fn ledger(mut self, file: impl Into<PathBuf>) -> Self {
        self.room.ledger = file.into();
        self
    }

    /// Checks the configuration and starts the task on the current runtime.
    ///
    /// # Errors
    /// `configuration_invalid` for a profile that is named twice, a credential that is a session's, or a
    /// ledger by which somebody keeps profiles already, until that one's
    /// [`shutdown`](SyntheticProfiles::shutdown) has returned; `store_unwritable` for a ledger that
    /// cannot be locked;
    /// `unsupported` for a store that cannot be written, in favour of the exec resolver; as for
    /// [`AuthProfileStore::load`].
    pub async fn start(self) -> Result<SyntheticProfiles, CredentialError> {
        let mut ids = std::collections::BTreeSet::new();
        for said in &self.profiles {
            said.check()?;
            let wrong = |detail| {
                let error = CredentialError::new(ErrorCode::ConfigurationInvalid, detail);
                Err(error.about(said.credential()))
            };
            if !ids.insert(said.profile_id()) {
                return wrong("two credentials would be one synthetic profile");
            }
            // A provider that is not there yet is judged once it is.
            if self.room.authority.scope(said.credential()).is_some_and(|it| it != Scope::Gateway) {
                return wrong(NOT_THE_GATEWAYS);
            }
        }
        self.room.store.check_writable().await?;
        let ledger = self.room.ledger.clone();
        let hold = blocking(move || Hold::take(&ledger)).await?;
        let status = |said: &SyntheticProfile| SyntheticStatus {
            profile: said.profile_id(),
            credential: said.credential().clone(),
            standing: SyntheticStanding::Unknown,
            error: None,
        };
        let (sender, status) = watch::channel(self.profiles.iter().map(status).collect());
        let room = Arc::new(Room { hold: Some(hold), ..self.room });
        // Before the first look: what happens meanwhile is heard.
        let news = room.authority.news();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let worker = Worker::new(Arc::clone(&room), self.profiles, sender);
        tasks.spawn(worker.run(news, stop.clone()));
        Ok(SyntheticProfiles { room, status, stop, tasks })
    }
}

impl fmt::Debug for SyntheticProfiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyntheticProfiles").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl fmt::Debug for SyntheticProfilesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyntheticProfilesBuilder")
            .field("profiles", &self.profiles)
            .finish_non_exhaustive()
    }
}
