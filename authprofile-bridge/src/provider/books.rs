//! OpenClaw's books about the use of profiles: written where they are, or remembered here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::{CredentialError, ErrorCode, Observation, Outcome, Timestamp};

use super::core::{Core, View, Writing};
use crate::openclaw::{AuthProfileStore, Cooldowns, FailureReason, Profiles, Usage, never_cools};
use crate::renewal::Inherited;

/// A login that was renewed because it was rejected, and is rejected again within this time, has
/// failed. Before, renewing it comes first.
pub const SOON: Duration = Duration::from_secs(300);

/// What is remembered and not written.
#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By profile: the usage in the store when it was reported, and the usage since.
    usage: HashMap<String, (Usage, Usage)>,
    /// By model provider: what the store said, and what is so since.
    last_good: HashMap<String, (Option<String>, String)>,
    /// When a login was last renewed because of a rejection.
    forced: HashMap<String, Timestamp>,
}

/// What came of using a profile.
#[derive(Clone, Copy)]
enum Entry {
    Success,
    Failure(FailureReason),
}

impl Books {
    /// The store with what was reported since; what the store has said since then counts more.
    pub(crate) fn lay_over(&self, profiles: &mut Profiles) {
        let mut inner = self.inner();
        inner.usage.retain(|id, (before, after)| {
            let same = profiles.usage(id) == *before;
            if same {
                profiles.set_usage(id, after);
            }
            same
        });
        inner.last_good.retain(|provider, (before, after)| {
            let same = profiles.last_good(provider) == *before;
            if same {
                profiles.set_last_good(provider, after);
            }
            same
        });
    }

    /// A login was renewed because it was rejected.
    pub(crate) fn forced(&self, id: &str, now: Timestamp) {
        self.inner().forced.insert(id.to_owned(), now);
    }

    fn forced_lately(&self, id: &str, now: Timestamp) -> bool {
        self.inner().forced.get(id).is_some_and(|at| at.until(now) < SOON)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// A consumer's report, into the books.
    pub(crate) async fn record(
        &self,
        view: &View,
        id: &str,
        observation: &Observation,
        model: Option<&str>,
    ) -> Result<(), CredentialError> {
        let Some(profile) = view.profiles.profile(id) else { return Ok(()) };
        let now = self.clock.now();
        let entry = match &observation.outcome {
            Outcome::Success => Entry::Success,
            Outcome::Rejected if self.renews(&profile) && !self.books.forced_lately(id, now) => {
                return Ok(());
            }
            Outcome::Rejected => Entry::Failure(FailureReason::Auth),
            Outcome::RateLimited { .. } => Entry::Failure(FailureReason::RateLimit),
            Outcome::Billing => Entry::Failure(FailureReason::Billing),
            _ => return Ok(()),
        };
        self.enter(view, id, entry, model).await
    }

    /// A login could not be renewed after it was rejected.
    pub(crate) async fn refused(&self, view: &View, id: &str) {
        let entry = Entry::Failure(FailureReason::Auth);
        if let Err(error) = self.enter(view, id, entry, None).await {
            tracing::warn!(profile = %id, %error, "a rejection was not noted");
        }
    }

    async fn enter(
        &self,
        view: &View,
        id: &str,
        entry: Entry,
        model: Option<&str>,
    ) -> Result<(), CredentialError> {
        let Some(profile) = view.profiles.profile(id) else { return Ok(()) };
        let provider = profile.provider().to_owned();
        if matches!(entry, Entry::Failure(_)) && never_cools(&provider) {
            return Ok(());
        }
        let page = Page {
            cooldowns: view.config.cooldowns(view.profiles.era(), &provider),
            id: id.to_owned(),
            provider,
            entry,
            model: model.map(str::to_owned),
            now: self.clock.now(),
        };
        if self.writing == Writing::Allowed {
            let (store, page) = (self.books_of(view, id).await?, page.clone());
            let write = store.edit(move |profiles| {
                page.write(profiles);
                Ok(())
            });
            match write.await {
                Err(error) if error.code() == ErrorCode::Unsupported => {}
                written => return written,
            }
        }
        self.books.remember(&page, view);
        Ok(())
    }

    /// The store with what is remembered of a profile's use: its own, unless only the agent has
    /// any.
    async fn books_of(&self, view: &View, id: &str) -> Result<AuthProfileStore, CredentialError> {
        let Some(main) = self.main.as_ref().filter(|_| view.inherited(id) == Inherited::Yes) else {
            return Ok(self.own.clone());
        };
        let shadowed = self.own.load().await?.usage(id) != Usage::default();
        Ok(if shadowed { self.own.clone() } else { main.clone() })
    }
}

/// One line of the books.
#[derive(Clone)]
struct Page {
    id: String,
    provider: String,
    entry: Entry,
    model: Option<String>,
    cooldowns: Cooldowns,
    now: Timestamp,
}

impl Page {
    fn write(&self, profiles: &mut Profiles) {
        let mut usage = profiles.usage(&self.id);
        match self.entry {
            Entry::Success => {
                usage.succeeded(self.now);
                profiles.set_last_good(&self.provider, &self.id);
            }
            Entry::Failure(reason) => {
                usage.failed(reason, self.model.as_deref(), &self.cooldowns, self.now);
            }
        }
        profiles.set_usage(&self.id, &usage);
    }
}

impl Books {
    fn remember(&self, page: &Page, view: &View) {
        let mut after = view.profiles.clone();
        page.write(&mut after);
        let mut inner = self.inner();
        let usage = (view.stored.usage(&page.id), after.usage(&page.id));
        inner.usage.insert(page.id.clone(), usage);
        if let Some(good) = after.last_good(&page.provider).filter(|good| *good == page.id) {
            let before = view.stored.last_good(&page.provider);
            inner.last_good.insert(page.provider.clone(), (before, good));
        }
    }
}
