//! [`Migration`]: the plan, and carrying it out.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use credential_provider_api::{CredentialError, CredentialRef, ErrorCode, ProviderId};
use secrecy::{ExposeSecret as _, SecretString};

use super::journal::{Entry, Fresh, Journal, Stage};
use super::place;
use super::plan::{Action, Plan, Reason, Replacement, Step};
use super::sink::SecretSink;
use crate::delegation::Delegations;
use crate::file::blocking;
use crate::openclaw::{AuthProfileStore, Profiles, about};
use crate::synthetic::{LEDGER, Ledger};

/// Moves the static secrets of one agent's profiles to a sink, and back.
pub struct Migration {
    pub(super) store: AuthProfileStore,
    pub(super) sink: Arc<dyn SecretSink>,
    pub(super) journal: PathBuf,
    ledger: PathBuf,
    provider: ProviderId,
    prefix: String,
    replacement: Replacement,
    delegations: Delegations,
    only: Option<BTreeSet<String>>,
    equal: Equal,
}

/// What becomes of a secret that somebody else keeps under a profile's name already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Equal {
    Refused,
    Shared,
}

/// What became of each profile that was to be moved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied {
    /// In the plan's order.
    pub profiles: Vec<(String, Outcome)>,
    /// What was found, before anything was moved.
    pub plan: Plan,
}

/// What became of one profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Its secret is there now, and no longer in the profile.
    Moved(CredentialRef),
    /// It is as it was.
    Failed(CredentialError),
}

const JOURNAL: &str = "auth-profiles.migration.json";

impl Migration {
    /// Moves secrets of a store to a sink, from which a provider of this id gives them out.
    #[must_use]
    pub fn new(
        store: AuthProfileStore,
        sink: Arc<dyn SecretSink>,
        provider: ProviderId,
        replacement: Replacement,
    ) -> Self {
        let journal = store.folder().join(JOURNAL);
        let ledger = store.folder().join(LEDGER);
        let prefix = place::agent(store.folder()).map(|agent| format!("{agent}."));
        Self {
            store,
            sink,
            journal,
            ledger,
            provider,
            prefix: prefix.unwrap_or_default(),
            replacement,
            delegations: Delegations::none(),
            only: None,
            equal: Equal::Refused,
        }
    }

    /// Begins the names in the sink, so that those of several agents are apart: `<agent>.` unless set,
    /// nothing for a store that is not in a folder `agents/<agent>/agent`. Where several OpenClaws
    /// share a sink, each needs its own; without it, the second is refused.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Takes for the profile's own what somebody else keeps under its name already, if it is the same
    /// secret; refused unless set. Undoing leaves it there, and whoever put it there may remove it.
    #[must_use]
    pub const fn sharing(mut self) -> Self {
        self.equal = Equal::Shared;
        self
    }

    /// The profiles that are delegated already; they are named in the plan.
    #[must_use]
    pub fn delegations(mut self, delegations: Delegations) -> Self {
        self.delegations = delegations;
        self
    }

    /// Where synthetic profiles are written down, which are not moved, if not at its usual place.
    #[must_use]
    pub fn ledger(mut self, file: impl Into<PathBuf>) -> Self {
        self.ledger = file.into();
        self
    }

    /// Only these profiles.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, profiles: impl IntoIterator<Item = S>) -> Self {
        self.only = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    /// What would be done. Nothing is changed.
    ///
    /// # Errors
    /// As for [`AuthProfileStore::load`]; `configuration_invalid` for a prefix that makes no names.
    pub async fn plan(&self) -> Result<Plan, CredentialError> {
        let file = self.ledger.clone();
        let ledger = blocking(move || Ledger::read(&file)).await?;
        self.plan_of(&self.store.load().await?, &ledger)
    }

    /// Does what [`plan`](Self::plan) says of the store as it is now. One profile that fails keeps no
    /// other from being moved.
    ///
    /// Dropping the future leaves each profile as it was or moved; applying again goes on.
    ///
    /// # Errors
    /// As for [`plan`](Self::plan); `unsupported` for a store that cannot be written. What one profile
    /// failed for is in the answer.
    pub async fn apply(&self) -> Result<Applied, CredentialError> {
        self.store.check_writable().await?;
        let plan = self.plan().await?;
        let mut profiles = Vec::new();
        for (step, to) in plan.moves() {
            let outcome = match self.move_one(&step.profile, to).await {
                Ok(()) => Outcome::Moved(to.clone()),
                Err(error) => Outcome::Failed(error),
            };
            profiles.push((step.profile.clone(), outcome));
        }
        Ok(Applied { profiles, plan })
    }

    fn plan_of(&self, profiles: &Profiles, ledger: &Ledger) -> Result<Plan, CredentialError> {
        let mut steps = Vec::new();
        for (id, profile) in profiles.profiles() {
            let action = if profiles.is_inherited(&id) {
                Action::Leave(Reason::Inherited)
            } else if self.only.as_ref().is_some_and(|only| !only.contains(&id)) {
                Action::Leave(Reason::NotChosen)
            } else if ledger.knows(&id, &profile) {
                Action::Leave(Reason::Synthetic)
            } else {
                match (place::find(&profile), self.delegations.of(&id)) {
                    (Ok(found), _) => {
                        let to = place::name(&self.provider, &self.prefix, &id)?;
                        Action::Move { field: found.field, to }
                    }
                    (Err(Reason::Login), Some(delegation)) => {
                        Action::Leave(Reason::Delegated(delegation.credential.clone()))
                    }
                    (Err(reason), _) => Action::Leave(reason),
                }
            };
            let about = Some((profile.provider().to_owned(), profile.kind()));
            steps.push(Step { profile: id, about, action });
        }
        for (profile, why) in profiles.skipped() {
            let action = Action::Leave(Reason::NotUnderstood(why));
            steps.push(Step { profile, about: None, action });
        }
        Ok(Plan { steps, replacement: self.replacement.clone() })
    }

    async fn move_one(&self, id: &str, to: &CredentialRef) -> Result<(), CredentialError> {
        let failed = |code, detail: &'static str| CredentialError::new(code, detail).about(to);
        let profiles = self.store.load().await?;
        let profile = profiles.profile(id).filter(|_| !profiles.is_inherited(id));
        let Some(Ok(found)) = profile.as_ref().map(place::find) else {
            return Err(about(ErrorCode::Conflict, id, CHANGED));
        };
        let kept = self.sink.read(to).await?;
        let is_same = kept.as_ref().is_some_and(|kept| same(kept, &found.secret));
        let (file, own) = (self.journal.clone(), id.to_owned());
        let before = blocking(move || Journal::read(&file)?.get(&own)).await?;
        let before = before.filter(|before| before.to == *to);
        let ours = before.as_ref().is_some_and(|before| before.fresh == Fresh::Yes);
        let stage = before.as_ref().map(|before| before.stage);
        if kept.is_some() {
            let why = match stage {
                None if !is_same => Some(SOMETHING_ELSE),
                None if self.equal == Equal::Refused => Some(KEPT_ALREADY),
                // An attempt of ours that did not get to its end may be written over; nothing else.
                Some(Stage::Begun) if !is_same && !ours => Some(SOMETHING_ELSE),
                Some(Stage::Moved) if !is_same => Some(MOVED_BEFORE),
                _ => None,
            };
            if let Some(detail) = why {
                return Err(failed(ErrorCode::Conflict, detail));
            }
        }
        let mut entry = Entry {
            to: to.clone(),
            field: found.field.to_owned(),
            replacement: self.replacement.clone(),
            fresh: if kept.is_none() || ours { Fresh::Yes } else { Fresh::No },
            stage: stage.filter(|_| is_same).unwrap_or(Stage::Begun),
        };
        self.write_down(id, entry.clone()).await?;
        if !is_same {
            self.sink.write(to, &found.secret).await?;
        }
        let back = self.sink.read(to).await?;
        if !back.is_some_and(|back| same(&back, &found.secret)) {
            let detail = "what was written there was not read back; the profile was left as it is";
            return Err(failed(ErrorCode::InvalidResponse, detail));
        }
        let (id, to, by) = (id.to_owned(), to.clone(), self.replacement.clone());
        let (moved, file) = (found.secret, self.journal.clone());
        entry.stage = Stage::Moved;
        let change = move |profiles: &mut Profiles| {
            let changed = || about(ErrorCode::Conflict, &id, CHANGED);
            let mut profile = profiles.profile(&id).ok_or_else(changed)?;
            // What stands there now must be what the sink has.
            let now = place::find(&profile).map_err(|_| changed())?;
            if !same(&now.secret, &moved) {
                return Err(changed());
            }
            place::replace(&mut profile, now.field, &to, &by);
            profiles.put(&id, &profile);
            // Before the profile: once that is by reference, the sink is not written over any more.
            put_down(&file, &id, &entry)
        };
        self.store.edit(change).await
    }

    /// Writes down what is about to happen.
    async fn write_down(&self, id: &str, entry: Entry) -> Result<(), CredentialError> {
        let (id, file) = (id.to_owned(), self.journal.clone());
        self.store.edit(move |_: &mut Profiles| put_down(&file, &id, &entry)).await
    }
}

/// Under the store's lock; it blocks.
fn put_down(file: &Path, id: &str, entry: &Entry) -> Result<(), CredentialError> {
    let mut journal = Journal::read(file)?;
    journal.put(id, entry);
    journal.write(file)
}

const CHANGED: &str = "was changed meanwhile; apply again";
const SOMETHING_ELSE: &str = "something else is kept under this name; choose another prefix";
const KEPT_ALREADY: &str =
    "somebody else keeps this secret under this name already; choose another prefix, or share it";
const MOVED_BEFORE: &str = "the profile was moved before, and what is kept under this name is another \
     secret than the one it has now; remove the one that is not wanted, there or in the profile";

/// Takes the same time wherever they differ.
pub(super) fn same(one: &SecretString, other: &SecretString) -> bool {
    let (one, other) = (one.expose_secret().as_bytes(), other.expose_secret().as_bytes());
    let difference = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("store", &self.store)
            .field("provider", &self.provider)
            .field("replacement", &self.replacement)
            .finish_non_exhaustive()
    }
}
