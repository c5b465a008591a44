//! [`ModelAuth`]: the one function.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, Detail, EffectiveSession, ErrorCode};

use super::delegations::{Delegation, Delegations};
use super::key::ModelKey;
use super::stored::{InlineKeys, StoredKeys};
use super::tier::{KeyTier, Precedence, Tier};
use crate::authority::{Authority, Wanted};
use crate::json::Raw;
use crate::openclaw::provider_name::same_auth;
use crate::openclaw::{
    AuthProfileStore, Config, For, Profile, ProfileConfig, ProfileKind, Profiles, about, order,
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Question<'a> {
    /// The model provider.
    pub provider: &'a str,
    /// This profile and no other.
    pub profile: Option<&'a str>,
    /// The profile a session is bound to, which is tried first.
    pub pinned: Option<&'a str>,
    /// Whose request it is, for credentials that are a session's.
    pub session: Option<&'a EffectiveSession>,
    /// A key that lasts at least this long, if there can be one.
    pub at_least: Duration,
}

impl<'a> Question<'a> {
    /// Any key for a provider.
    #[must_use]
    pub const fn new(provider: &'a str) -> Self {
        Self { provider, profile: None, pinned: None, session: None, at_least: Duration::ZERO }
    }

    /// Of this profile and no other.
    #[must_use]
    pub const fn profile(mut self, id: &'a str) -> Self {
        self.profile = Some(id);
        self
    }

    /// Of this profile first.
    #[must_use]
    pub const fn pinned(mut self, id: &'a str) -> Self {
        self.pinned = Some(id);
        self
    }

    /// For a request of this session.
    #[must_use]
    pub const fn session(mut self, session: &'a EffectiveSession) -> Self {
        self.session = Some(session);
        self
    }

    /// One that lasts at least this long, if there can be one.
    #[must_use]
    pub const fn at_least(mut self, at_least: Duration) -> Self {
        self.at_least = at_least;
        self
    }
}

/// Answers "the key for this provider and profile", from the engine where that is delegated.
#[derive(Clone)]
pub struct ModelAuth(Arc<Parts>);

struct Parts {
    store: AuthProfileStore,
    authority: Arc<dyn Authority>,
    clock: Arc<dyn Clock>,
    config: Config,
    delegations: Delegations,
    stored: Arc<dyn StoredKeys>,
    precedence: Precedence,
    tiers: BTreeMap<Tier, Arc<dyn KeyTier>>,
}

/// Puts a [`ModelAuth`] together.
#[must_use = "call build"]
pub struct ModelAuthBuilder(Parts);

impl ModelAuth {
    /// Starts putting one together: the profiles, whom to ask, the clock.
    pub fn builder(
        store: AuthProfileStore,
        authority: Arc<dyn Authority>,
        clock: Arc<dyn Clock>,
    ) -> ModelAuthBuilder {
        ModelAuthBuilder(Parts {
            store,
            authority,
            stored: Arc::new(InlineKeys::new(Arc::clone(&clock))),
            clock,
            config: Config::default(),
            delegations: Delegations::none(),
            precedence: Precedence::default(),
            tiers: BTreeMap::new(),
        })
    }

    /// The key for a provider, or for one profile of it. Dropping the future gives up this wait only.
    ///
    /// # Errors
    /// `not_configured` if there is none anywhere, or the profile named has none; what the first tier
    /// that failed said, about the credential where it was delegated. No tier after it is asked.
    pub async fn key(&self, question: Question<'_>) -> Result<ModelKey, CredentialError> {
        if let Some(id) = question.profile {
            return self.key_of(id, &question).await;
        }
        for tier in self.0.precedence.tiers() {
            let found = match (tier, self.0.tiers.get(&tier)) {
                (Tier::Profiles, _) => self.of_profiles(&question).await?,
                (_, Some(tier)) => tier.key(&question).await?,
                (_, None) => None,
            };
            if let Some(key) = found {
                return Ok(key);
            }
        }
        let provider = Detail::cleaned(question.provider);
        let detail = format!(
            "No API key found for provider \"{}\"; profiles are kept in {}",
            provider.as_str(),
            self.0.store.folder().display()
        );
        Err(CredentialError::new(ErrorCode::NotConfigured, Detail::composed(detail)))
    }

    /// The key of one profile, and of no other.
    async fn key_of(&self, id: &str, question: &Question<'_>) -> Result<ModelKey, CredentialError> {
        let is_of = |provider: &str| {
            let what = "is of another provider than the one that is asked for";
            let wrong = || about(ErrorCode::ConfigurationInvalid, id, what);
            same_auth(provider, question.provider).then_some(()).ok_or_else(wrong)
        };
        if let Some(delegation) = self.0.delegations.of(id) {
            is_of(&delegation.provider)?;
            return self.delegated(id, delegation, question).await;
        }
        let profiles = self.0.store.load().await?;
        let Some(profile) = profiles.profile(id) else {
            let detail = format!("No credentials found for profile \"{id}\"");
            return Err(CredentialError::new(ErrorCode::NotConfigured, Detail::composed(detail)));
        };
        is_of(profile.provider())?;
        self.0.stored.key(id, &profile).await
    }

    /// The first key of the provider's profiles in OpenClaw's order; none if there is no profile.
    async fn of_profiles(
        &self,
        question: &Question<'_>,
    ) -> Result<Option<ModelKey>, CredentialError> {
        let profiles = self.with_delegated(self.0.store.load().await?);
        let whom = question.pinned.map_or_else(For::default, For::pinned);
        let now = self.0.clock.now();
        let mut first = None;
        for choice in order(&profiles, &self.0.config, question.provider, whom, now) {
            let id = choice.id.as_str();
            if let Some(delegation) = self.0.delegations.of(id) {
                // Whatever comes of it: the next one would be somebody else.
                return self.delegated(id, delegation, question).await.map(Some);
            }
            let Some(profile) = profiles.profile(id) else { continue };
            match self.0.stored.key(id, &profile).await {
                Ok(key) => return Ok(Some(key)),
                Err(error) => {
                    tracing::warn!(profile = id, %error, "a profile gives no key, the next is tried");
                    first = first.or(Some(error));
                }
            }
        }
        first.map_or(Ok(None), Err)
    }

    async fn delegated(
        &self,
        id: &str,
        delegation: &Delegation,
        question: &Question<'_>,
    ) -> Result<ModelKey, CredentialError> {
        let credential = &delegation.credential;
        let wanted = Wanted::new(credential);
        let wanted = wanted.for_session(question.session).at_least(question.at_least);
        let got = self.0.authority.get(wanted).await;
        let got = got.map_err(|error| error.about(credential))?;
        let key = ModelKey::of_credential(&got).ok_or_else(|| {
            let what = "is delegated to a credential that is more than one text";
            about(ErrorCode::Unsupported, id, what).about(credential)
        })?;
        Ok(key.of_profile(id))
    }

    /// The profiles, with a stand-in for each delegated one: it is ordered like one that has a secret.
    fn with_delegated(&self, mut profiles: Profiles) -> Profiles {
        for (id, delegation) in self.0.delegations.iter() {
            let mut profile = Profile::new(delegation.kind, &delegation.provider);
            let field = match delegation.kind {
                ProfileKind::ApiKey => "key",
                ProfileKind::Token => "token",
                ProfileKind::OAuth => "access",
            };
            // Never read: a delegated profile is asked for elsewhere.
            profile.edit(|entry| entry.set(field, Raw::from_text("delegated")));
            profiles.put(id, &profile);
        }
        profiles
    }
}

impl ModelAuthBuilder {
    /// What OpenClaw's configuration says of profiles and their order.
    pub fn config(mut self, config: Config) -> Self {
        self.0.config = config;
        self
    }

    /// The profiles that are delegated. They count as configured, whether the configuration lists them
    /// or not; what it says of their provider and mode gives way.
    pub fn delegations(mut self, delegations: Delegations) -> Self {
        self.0.delegations = delegations;
        self
    }

    /// How keys of stored profiles are got; [`InlineKeys`] unless set.
    pub fn stored(mut self, stored: Arc<dyn StoredKeys>) -> Self {
        self.0.stored = stored;
        self
    }

    /// Whether profiles or the environment come first.
    pub const fn precedence(mut self, precedence: Precedence) -> Self {
        self.0.precedence = precedence;
        self
    }

    /// A tier of the host's own. [`Tier::Profiles`] is not the host's: what is given for it is not
    /// asked.
    pub fn tier(mut self, tier: Tier, keys: impl KeyTier + 'static) -> Self {
        self.0.tiers.insert(tier, Arc::new(keys));
        self
    }

    /// Done.
    #[must_use]
    pub fn build(self) -> ModelAuth {
        let mut parts = self.0;
        parts.config = with_configured(parts.config, &parts.delegations);
        ModelAuth(Arc::new(parts))
    }
}

/// The configuration, with the delegated profiles among the configured ones.
///
/// Where it lists any profile of a provider, OpenClaw considers no other, and a delegation in a file of
/// its own would be passed over for a stored key. Where it lists none, all profiles count as they are.
fn with_configured(all: Config, delegations: &Delegations) -> Config {
    let mut config = all.clone();
    for (id, delegation) in delegations.iter() {
        let beside = !all.profiles_of(&delegation.provider).is_empty();
        if beside || all.profile(id).is_some() {
            let said = ProfileConfig::new(&delegation.provider, delegation.kind.as_str());
            config = config.with_profile(id, said);
        }
    }
    config
}

impl fmt::Debug for ModelAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelAuth")
            .field("store", &self.0.store)
            .field("delegations", &self.0.delegations)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ModelAuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelAuthBuilder")
    }
}
