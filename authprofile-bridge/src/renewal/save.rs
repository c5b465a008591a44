//! Saving what an issuer gave, however long it takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, SecretString, Timestamp};
use tokio_util::task::TaskTracker;

use super::answer::{digest, put_in_place, same_person};
use super::issuer::RenewedLogin;
use crate::lock::Held;
use crate::openclaw::{AuthProfileStore, Profile, ProfileKind, Profiles};

/// How often saving is tried again in the background.
pub const AGAIN: Duration = Duration::from_secs(5);
/// The pauses between the tries that the request waits for.
const AT_ONCE: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1500)];
/// How long the refresh lock is kept while nothing can be saved. OpenClaw takes it after 180 s, of which
/// the exchange may have used 120.
const KEEP: Duration = Duration::from_secs(45);

/// What is to be saved.
#[derive(Clone)]
pub(super) struct Unsaved {
    pub(super) id: String,
    pub(super) store: AuthProfileStore,
    /// The main agent's store, if the login is not in it.
    pub(super) main: Option<AuthProfileStore>,
    /// What the spent refresh token is recognised by.
    pub(super) spent: [u8; 32],
    pub(super) renewed: Arc<RenewedLogin>,
    pub(super) received: Timestamp,
}

/// What stands in the store after saving.
#[derive(Clone)]
pub(super) enum Stands {
    /// What was saved.
    Ours(Profile),
    /// What somebody else stored meanwhile.
    Theirs(Profile),
    /// Nothing: it was removed meanwhile.
    Nothing,
}

/// The entries that we wrote, by profile: a change that is ours is no news.
#[derive(Debug, Default)]
pub(crate) struct Ours(Mutex<HashMap<String, [u8; 32]>>);

/// What could not be saved yet, by profile.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<String, Unsaved>>);

impl Ours {
    pub(super) fn expect(&self, id: &str, entry: [u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), entry);
    }

    /// Whether we wrote this entry last.
    pub(crate) fn wrote(&self, id: &str, entry: &[u8; 32]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id) == Some(entry)
    }

    /// What an entry is recognised by.
    pub(crate) fn print(profile: &Profile) -> [u8; 32] {
        digest(&SecretString::from(profile.entry().to_text(0).as_str()))
    }
}

impl Pending {
    pub(super) fn get(&self, id: &str) -> Option<Unsaved> {
        self.all().get(id).cloned()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Unsaved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unsaved {
    /// One try. The store's lock is held for moments.
    pub(super) async fn save(&self, ours: &Arc<Ours>) -> Result<Stands, CredentialError> {
        let stands = self.save_in(&self.store, ours).await?;
        if let (Stands::Ours(_), Some(main)) = (&stands, &self.main) {
            // The main agent's copy of the token that was spent is worthless otherwise.
            if let Err(error) = self.save_in(main, ours).await {
                tracing::warn!(profile = %self.id, %error, "the main agent's copy of a login was not renewed");
            }
        }
        Ok(stands)
    }

    async fn save_in(
        &self,
        store: &AuthProfileStore,
        ours: &Arc<Ours>,
    ) -> Result<Stands, CredentialError> {
        let (this, ours) = (self.clone(), Arc::clone(ours));
        store.edit(move |profiles| Ok(this.put(profiles, &ours))).await
    }

    fn put(&self, profiles: &mut Profiles, ours: &Ours) -> Stands {
        let Some(mut stored) = profiles.profile(&self.id) else { return Stands::Nothing };
        let spent = stored.refresh_token().is_some_and(|token| digest(&token) == self.spent);
        let access = stored.text("access").map(|text| digest(&text.as_str().into()));
        if !spent && access == Some(digest(&self.renewed.access)) {
            // Saved before, by the other of two tries.
            return Stands::Ours(stored);
        }
        let other = same_person(&stored, &self.renewed).is_err();
        if stored.kind() != ProfileKind::OAuth || !spent || other {
            return Stands::Theirs(stored);
        }
        put_in_place(&mut stored, &self.renewed, self.received);
        ours.expect(&self.id, Ours::print(&stored));
        profiles.put(&self.id, &stored);
        Stands::Ours(stored)
    }

    /// Saves it, trying again for two seconds, and after that in the background.
    ///
    /// # Errors
    /// The store's. What is to be saved is then in `pending`.
    pub(super) async fn keep(
        self,
        ours: &Arc<Ours>,
        pending: &Arc<Pending>,
        lease: Held,
        clock: &Arc<dyn Clock>,
        tasks: &TaskTracker,
    ) -> Result<Stands, CredentialError> {
        let mut outcome = self.save(ours).await;
        for pause in AT_ONCE {
            if outcome.is_ok() {
                return outcome;
            }
            clock.sleep_until(clock.now().plus(pause)).await;
            outcome = self.save(ours).await;
        }
        if let Err(error) = &outcome {
            tracing::error!(
                profile = %self.id, %error,
                "a login was renewed and cannot be saved; it is kept in memory, and lost if the process ends first"
            );
            pending.all().insert(self.id.clone(), self.clone());
            let later = Later { unsaved: self, ours: Arc::clone(ours), clock: Arc::clone(clock) };
            tasks.spawn(later.run(Arc::clone(pending), lease));
        }
        outcome
    }
}

struct Later {
    unsaved: Unsaved,
    ours: Arc<Ours>,
    clock: Arc<dyn Clock>,
}

impl Later {
    /// Until it is saved, by this or by a request. The provider may be gone by then: what came is the
    /// only good token, whoever reads the store next.
    async fn run(self, pending: Arc<Pending>, lease: Held) {
        let until = self.clock.now().plus(KEEP);
        let mut lease = Some(lease);
        loop {
            self.clock.sleep_until(self.clock.now().plus(AGAIN)).await;
            if self.clock.now() >= until {
                lease = None;
            }
            if !pending.all().contains_key(&self.unsaved.id) {
                return;
            }
            if self.unsaved.save(&self.ours).await.is_ok() {
                pending.saved(&self.unsaved.id);
                drop(lease);
                tracing::info!(profile = %self.unsaved.id, "a renewed login is saved at last");
                return;
            }
        }
    }
}

impl Pending {
    pub(super) fn saved(&self, id: &str) {
        self.all().remove(id);
    }
}
