//! [`AuthProfileProvider`]: the store as the engine calls it.

use std::fmt;

use credential_provider_api::{
    Changes, Credential, CredentialDescriptor, CredentialError, CredentialProvider, Health,
    Observation, ProviderDescriptor, ProviderId, Reason, Request, Resolution, async_trait,
};

use super::builder::AuthProfileProviderBuilder;
use super::core::Core;
use super::listed::Listed;
use crate::openclaw::{Home, ProfileKind};

/// OpenClaw's auth profiles as credentials. See the [module's page](super).
pub struct AuthProfileProvider {
    core: Core,
}

impl AuthProfileProvider {
    /// A provider called `id` for the OpenClaw at `home`.
    pub fn builder(id: ProviderId, home: Home) -> AuthProfileProviderBuilder {
        AuthProfileProviderBuilder::new(id, home)
    }

    pub(crate) const fn of(core: Core) -> Self {
        Self { core }
    }

    /// Waits for renewals under way, and until every login that was renewed is saved: for a host that ends.
    /// It may take for ever, where a store can never be written: give it a limit.
    ///
    /// Cancel-safe. What begins meanwhile is waited for, too.
    pub async fn settled(&self) {
        self.core.renewer.settled().await;
    }

    /// Every profile, and every entry that OpenClaw skips, with its standing now.
    ///
    /// # Errors
    /// `store_unreadable`, `store_locked` as for reading.
    pub async fn profiles(&self) -> Result<Vec<Listed>, CredentialError> {
        Ok(self.core.listed(&self.core.view().await?))
    }
}

#[async_trait]
impl CredentialProvider for AuthProfileProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.core.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        let id = request.key().credential.as_str();
        let view =
            self.core.view().await.map_err(|error| error.about(&request.key().reference()))?;
        let answer = if view.profiles.profile(id).is_some() {
            self.core.obtain(request, &view, id, None).await.map(Resolution::from)
        } else {
            self.core.choose(request, &view, id).await
        };
        answer.map_err(|error| error.about(&request.key().reference()))
    }

    /// A login is renewed, where somebody is named who does; anything else is read again.
    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        why: Reason,
    ) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        let id = request.key().credential.as_str();
        let view =
            self.core.view().await.map_err(|error| error.about(&request.key().reference()))?;
        let Some(profile) = view.profiles.profile(id) else {
            return self.core.choose(request, &view, id).await;
        };
        let renewed = profile.kind() == ProfileKind::OAuth
            && why != Reason::Stale
            && self.core.renews(&profile);
        let refused = if renewed { current.secret() } else { None };
        let answer = self.core.obtain(request, &view, id, refused).await;
        if renewed && why == Reason::Rejected {
            match &answer {
                Ok(_) => self.core.books.forced(id, request.now()),
                Err(error) if error.is_transient() => {}
                Err(_) => self.core.refused(&view, id).await,
            }
        }
        let credential = answer.map_err(|error| error.about(&request.key().reference()))?;
        if credential.same_secrets(current)
            && (why == Reason::Rejected || credential.expires_at() == current.expires_at())
        {
            return Ok(Resolution::Unchanged);
        }
        Ok(credential.into())
    }

    async fn check(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        let _ = request;
        self.core.health().await
    }

    async fn list(&self, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let _ = request;
        self.core.described(&self.core.view().await?)
    }

    fn changes(&self) -> Changes {
        self.core.follow()
    }

    async fn report(
        &self,
        request: &Request,
        observation: &Observation,
    ) -> Result<(), CredentialError> {
        let id = request.key().credential.as_str();
        let view = self.core.view().await?;
        let model = request.hint().model.as_deref();
        self.core.record(&view, id, observation, model).await
    }
}

impl fmt::Debug for AuthProfileProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthProfileProvider")
            .field("id", &self.core.descriptor.id)
            .field("folder", &self.core.own.folder())
            .finish_non_exhaustive()
    }
}
