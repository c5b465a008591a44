//! [`People`]: the OAuth provider within, which signs in, renews and signs out.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use credential_provider_api::{
    ConfigError, Credential, CredentialError, CredentialId, CredentialProvider as _, CredentialRef,
    ErrorCode, ExposeSecret as _, GrantStore, ProviderId, Request, Revision, Revocation, Scope,
    SignIn as _, Want,
};
use credential_store::Grants;
use oauth_provider::{IssuedToken, OAuthCredential, OAuthProvider, OAuthRuntime};

use super::pool::Lookup;
use super::settings::{Missing, PoolSource, UserPoolSettings};
use super::{IDENTITY, USER_POOL};
use crate::configuration::at;
use crate::platform::KeyPart;
use crate::wire::{Client, RequestKeys};

/// Those who sign in through one user pool.
pub(crate) struct People {
    id: ProviderId,
    settings: UserPoolSettings,
    secret: Option<KeyPart>,
    source: PoolSource,
    oauth: OAuthRuntime,
    /// Where the logins are.
    store: Arc<dyn GrantStore>,
    pub(crate) identity: CredentialRef,
    pub(crate) user_pool: CredentialRef,
    /// The provider for the issuer as last found: it has the issuer's metadata and keys.
    within: Mutex<Option<(Option<Revision>, Arc<OAuthProvider>)>>,
}

impl People {
    /// Nothing is sent.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of what cannot be used.
    pub(crate) fn new(
        id: &ProviderId,
        path: &str,
        settings: UserPoolSettings,
        secret: Option<KeyPart>,
        (oauth, store): (OAuthRuntime, Arc<dyn GrantStore>),
    ) -> Result<Self, ConfigError> {
        let source = settings.source(path)?;
        let named = |name| {
            CredentialId::new(name)
                .map(|name| CredentialRef::new(id.clone(), name))
                .map_err(|problem| ConfigError::new(path, problem.to_string()))
        };
        let (identity, user_pool) = (named(IDENTITY)?, named(USER_POOL)?);
        let within = Mutex::default();
        let id = id.clone();
        let people =
            Self { id, settings, secret, source, oauth, store, identity, user_pool, within };
        if let PoolSource::Said { issuer, client_id } = &people.source {
            let provider = people.build(issuer, client_id, people.secret.as_ref(), None);
            // What the provider within calls by other names is wrong somewhere in this section.
            let provider = provider.map_err(|error| at(path, "userPool", &error.to_string()))?;
            *people.within() = Some((None, Arc::new(provider)));
        } else {
            let probe = people.build("https://issuer.invalid", "client", None, None);
            probe.map_err(|error| at(path, "userPool", &error.to_string()))?;
        }
        Ok(people)
    }

    pub(crate) fn owner(&self) -> Scope {
        self.settings.owner()
    }

    pub(crate) const fn grants(&self) -> &Grants {
        &self.oauth.grants
    }

    /// Whether the pool is found by its name, so that there is an entry for it.
    pub(crate) const fn is_named(&self) -> bool {
        matches!(self.source, PoolSource::Named(_))
    }

    /// The name by which the pool is found, if it is.
    pub(crate) fn pool_name(&self) -> Option<&str> {
        match &self.source {
            PoolSource::Named(names) => Some(&names.pool),
            PoolSource::Said { .. } => None,
        }
    }

    /// The entry `user-pool`: what the names mean.
    pub(crate) async fn look_up(
        &self,
        request: &Request,
        client: &Client,
        platform: &CredentialRef,
    ) -> Result<Credential, CredentialError> {
        request.require_no_variant()?;
        let PoolSource::Named(names) = &self.source else {
            return Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        };
        let keys = RequestKeys::new(request, platform.clone());
        let identity_provider = self.settings.identity_provider.as_deref();
        let missing = match names.missing {
            Missing::Create if self.has_logins().await? => Missing::RefuseForLogins,
            missing => missing,
        };
        let lookup = Lookup { client, keys: &keys, names, missing, identity_provider };
        Ok(lookup.credential().await?)
    }

    /// Whether somebody is signed in: through a pool that was there.
    async fn has_logins(&self) -> Result<bool, CredentialError> {
        let logins = self.store.list().await?;
        Ok(logins.iter().any(|key| key.reference() == self.identity))
    }

    /// The provider within, for the issuer as it is now.
    pub(crate) async fn provider(
        &self,
        request: &Request,
    ) -> Result<Arc<OAuthProvider>, CredentialError> {
        if !self.is_named() {
            let within = self.within();
            let missing = || CredentialError::new(ErrorCode::Internal, "no issuer was set up");
            return within.as_ref().map(|(_, provider)| provider.clone()).ok_or_else(missing);
        }
        let found = request.depend_on(Want::new(self.user_pool.clone())).await?;
        if let Some((revision, provider)) = &*self.within()
            && *revision == found.revision()
        {
            return Ok(provider.clone());
        }
        let text = |name: &str| found.field(name).map(|field| field.expose_secret());
        let (issuer, client_id) = (text("issuer"), text("client_id"));
        let secret = found.field("client_secret").cloned().map(KeyPart::Held);
        let via = text("identity_provider");
        let (issuer, client_id) = (issuer.unwrap_or_default(), client_id.unwrap_or_default());
        let provider = self.build(issuer, client_id, secret.as_ref(), via).map_err(|error| {
            let detail = credential_provider_api::Detail::composed(format!(
                "the user pool's issuer cannot be used: {error}"
            ));
            CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
        })?;
        let provider = Arc::new(provider);
        *self.within() = Some((found.revision(), provider.clone()));
        Ok(provider)
    }

    /// Signs out; here at least, if the issuer cannot be found.
    pub(crate) async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        match self.provider(request).await {
            Ok(provider) => provider.sign_out(request).await,
            Err(error) => {
                tracing::debug!(code = error.code().as_str(), "signed out without the issuer");
                let _commit = request.commit()?;
                self.grants().sign_out(request.key()).await.map(|_| Revocation::LocalOnly)
            }
        }
    }

    /// Revokes at the issuer, or here at least.
    pub(crate) async fn revoke(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        match self.provider(request).await {
            Ok(provider) => provider.revoke(request, current).await,
            Err(_) => self.sign_out(request).await,
        }
    }

    fn build(
        &self,
        issuer: &str,
        client_id: &str,
        secret: Option<&KeyPart>,
        found: Option<&str>,
    ) -> Result<OAuthProvider, ConfigError> {
        let id = self.identity.id.clone();
        let credential = match self.settings.owner() {
            Scope::Gateway => OAuthCredential::gateway(id),
            _ => OAuthCredential::session(id),
        };
        let credential = credential.token(IssuedToken::IdToken).scopes(self.settings.scopes());
        let mut builder =
            OAuthProvider::builder(self.id.clone(), issuer, client_id).credential(credential);
        builder = match secret {
            None => builder,
            Some(KeyPart::Held(secret)) => builder.client_secret(secret.clone()),
            Some(KeyPart::Asked(reference)) => builder.client_secret_from(reference.clone()),
        };
        if let Some(url) = &self.settings.callback_url {
            builder = builder.redirect_uri(url);
        }
        if let Some(via) = found.or(self.settings.identity_provider.as_deref()) {
            builder = builder.authorization_parameter("identity_provider", via);
        }
        builder.build(self.oauth.clone())
    }

    fn within(&self) -> std::sync::MutexGuard<'_, Option<(Option<Revision>, Arc<OAuthProvider>)>> {
        self.within.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").field("source", &self.source).finish_non_exhaustive()
    }
}
