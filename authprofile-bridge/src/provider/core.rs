//! [`Core`]: the store as it is now, and what is known of it besides.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock, CredentialError, ErrorCode, ProviderDescriptor, SecretRef, SecretRefResolver, Timestamp,
};

use super::books::Books;
use super::builder::ModelProvider;
use super::changes::Beginning;
use super::choice::Ailments;
use crate::file::blocking;
use crate::openclaw::provider_name::auth_name;
use crate::openclaw::{
    AuthProfileStore, Config, Eligibility, Profile, ProfileKind, ProfileSecret, Profiles, Usage,
    about, never_cools,
};
use crate::renewal::{Inherited, Lives, Renewer};

pub(crate) struct Core {
    pub(crate) descriptor: ProviderDescriptor,
    /// The agent's profiles, the main agent's seen through.
    pub(crate) store: AuthProfileStore,
    /// The agent's own alone, and the main agent's if that is another.
    pub(crate) own: AuthProfileStore,
    pub(crate) main: Option<AuthProfileStore>,
    pub(crate) config: PathBuf,
    pub(crate) writing: Writing,
    pub(crate) sqlite: Sqlite,
    /// None where nothing is renewed.
    pub(crate) renewer: Arc<Renewer>,
    pub(crate) lives: Arc<Lives>,
    pub(crate) secret_refs: Arc<dyn SecretRefResolver>,
    /// By the name under which credentials stand.
    pub(crate) model_providers: BTreeMap<String, ModelProvider>,
    pub(crate) reread: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) books: Books,
    pub(crate) ailments: Ailments,
    pub(crate) beginning: Arc<Beginning>,
}

/// Whether a store may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Allowed,
    Forbidden,
}

/// Whether this host can read SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sqlite {
    Readable,
    Unreadable,
}

/// The profiles and the configuration at one moment.
pub(crate) struct View {
    /// As they are to be judged.
    pub(crate) profiles: Profiles,
    /// As they are stored.
    pub(crate) stored: Profiles,
    pub(crate) config: Config,
}

impl Core {
    /// The store as it is now, with what was reported and cannot be written.
    pub(crate) async fn view(&self) -> Result<View, CredentialError> {
        let (store, config) = (self.store.clone(), self.config.clone());
        let beginning = Arc::clone(&self.beginning);
        let mut view = blocking(move || beginning.read(&store, &config)).await?;
        self.books.lay_over(&mut view.profiles);
        Ok(view)
    }

    /// What is set for a model provider.
    pub(crate) fn model_provider(&self, name: &str) -> Option<&ModelProvider> {
        self.model_providers.get(&auth_name(name))
    }

    /// Whether this login would be renewed here.
    pub(crate) fn renews(&self, profile: &Profile) -> bool {
        self.writing == Writing::Allowed && self.renewer.renews(profile)
    }
}

impl View {
    /// It blocks.
    pub(crate) fn read(
        store: &AuthProfileStore,
        config: &std::path::Path,
    ) -> Result<Self, CredentialError> {
        let (config, stored) = (Config::read(config)?, store.load_now()?);
        Ok(Self { config, profiles: stored.clone(), stored })
    }

    /// A profile that may be used, whatever its cooldown.
    pub(crate) fn fit(&self, id: &str, now: Timestamp) -> Result<Profile, CredentialError> {
        let profile = self.profiles.profile(id);
        let provider = profile.as_ref().map(|profile| profile.provider().to_owned());
        let eligibility = self.eligibility(id, &provider.unwrap_or_default(), now);
        match (eligibility, profile) {
            (Eligibility::Ok, Some(profile)) => match profile.forbidden_reference() {
                None if self.is_configured_as_a_login(id) && is_by_reference(&profile) => {
                    let what = "is configured as a login and holds a reference";
                    Err(about(ErrorCode::ConfigurationInvalid, id, what))
                }
                None => Ok(profile),
                Some(field) => {
                    let what = format!("is a login and holds a reference in \"{field}\"");
                    Err(about(ErrorCode::ConfigurationInvalid, id, &what))
                }
            },
            (eligibility, _) => Err(unfit(id, eligibility)),
        }
    }

    fn is_configured_as_a_login(&self, id: &str) -> bool {
        self.config.profile(id).is_some_and(|said| said.mode == ProfileKind::OAuth.as_str())
    }

    pub(crate) fn eligibility(&self, id: &str, provider: &str, now: Timestamp) -> Eligibility {
        self.profiles.eligibility(id, provider, &self.config, now)
    }

    pub(crate) fn inherited(&self, id: &str) -> Inherited {
        if self.profiles.is_inherited(id) { Inherited::Yes } else { Inherited::No }
    }

    /// Until when a profile is not to be used for this model, and what is remembered of its use.
    pub(crate) fn cooling(
        &self,
        id: &str,
        model: Option<&str>,
        now: Timestamp,
    ) -> (Option<Timestamp>, Usage) {
        let usage = self.profiles.usage(id);
        let provider = self.profiles.profile(id);
        let never = provider.is_some_and(|profile| never_cools(profile.provider()));
        (usage.cooling_until(model, now).filter(|_| !never), usage)
    }
}

/// Whether a key or token is kept by reference, whatever stands beside it.
fn is_by_reference(profile: &Profile) -> bool {
    let refers = |name: &&str| {
        let raw = profile.entry().get(name);
        raw.is_some_and(|raw| serde_json::from_str::<SecretRef>(raw.as_str()).is_ok())
    };
    matches!(profile.secret(), Some(ProfileSecret::Reference(_)))
        || ["token", "tokenRef", "key", "keyRef"].iter().any(refers)
}

/// Why a profile may not be used, as an error of its own.
pub(crate) fn unfit(id: &str, eligibility: Eligibility) -> CredentialError {
    let what = format!("may not be used: {}", eligibility.as_str());
    match eligibility {
        Eligibility::Expired => {
            let reason = credential_provider_api::ReauthReason::GrantExpired;
            let detail = format!("the auth profile \"{id}\" {what}");
            let detail = credential_provider_api::Detail::composed(detail);
            CredentialError::needs_reauth(reason, detail)
        }
        Eligibility::ProfileMissing => about(ErrorCode::CredentialNotFound, id, "does not exist"),
        Eligibility::MissingCredential => about(ErrorCode::NotConfigured, id, &what),
        _ => about(ErrorCode::ConfigurationInvalid, id, &what),
    }
}
