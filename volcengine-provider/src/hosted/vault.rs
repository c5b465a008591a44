//! [`Vault`]: what all hosted credentials share.

use credential_provider_api::{
    Capability, Credential, CredentialError, CredentialId, CredentialRef, ErrorCode,
    ProviderDescriptor, Request, SecretString, Variant, Want,
};

use super::oauth::Flows;
use super::settings::{Hosted, HostedKind, RoleToken};
use crate::acting::{Acting, Bearer};
use crate::action::Action;
use crate::wire::{CallError, Client, RequestKeys};
use crate::workload::VARIANT;

/// The hosted credentials of a provider.
#[derive(Debug)]
pub(crate) struct Vault {
    pub(crate) hosted: Vec<Hosted>,
    pub(crate) identity: CredentialRef,
    pub(crate) workload_token: CredentialRef,
    /// The pool of the workload, where one is said: what it asks for is there too.
    pub(crate) pool: Option<String>,
    /// The name of the user pool that people sign in to, where it is found by its name.
    pub(crate) user_pool: Option<String>,
    pub(crate) flows: Flows,
}

/// One request for one hosted credential.
pub(crate) struct Asking<'a> {
    pub(crate) client: &'a Client,
    pub(crate) platform: &'a CredentialRef,
    pub(crate) vault: &'a Vault,
    pub(crate) request: &'a Request,
    pub(crate) hosted: &'a Hosted,
}

impl Vault {
    /// The description of `id`: an exact one, else the longest pattern.
    pub(crate) fn find(&self, id: &CredentialId) -> Option<&Hosted> {
        let matching = self.hosted.iter().filter(|one| one.pattern.matches(id.as_str()));
        matching.max_by_key(|one| (one.pattern.is_exact(), one.pattern.as_str().len()))
    }

    /// Adds what it has to a provider's description.
    pub(crate) fn describe(
        &self,
        mut descriptor: ProviderDescriptor,
        owner: credential_provider_api::Scope,
    ) -> ProviderDescriptor {
        for hosted in &self.hosted {
            descriptor = descriptor.with_credential(hosted.descriptor(owner));
        }
        descriptor.with_capability(Capability::List)
    }

    pub(crate) async fn obtain(
        &self,
        request: &Request,
        client: &Client,
        platform: &CredentialRef,
    ) -> Result<Credential, CredentialError> {
        let asking = self.asking(request, client, platform)?;
        let credential = match &asking.hosted.kind {
            HostedKind::ApiKey => asking.api_key().await,
            HostedKind::OAuth(settings) => asking.oauth_token(settings).await,
            HostedKind::Role(settings) => asking.role(settings).await,
            HostedKind::UserCredential => asking.user_credential().await,
        }?;
        let provider = asking.name()?;
        let mut credential = credential.with_property("provider", provider);
        for origin in &asking.hosted.origins {
            credential = credential.with_origin(origin.clone());
        }
        Ok(credential)
    }

    pub(crate) fn asking<'a>(
        &'a self,
        request: &'a Request,
        client: &'a Client,
        platform: &'a CredentialRef,
    ) -> Result<Asking<'a>, CredentialError> {
        let hosted = self.find(&request.key().credential).ok_or_else(|| {
            CredentialError::new(ErrorCode::CredentialNotFound, "")
                .about(&request.key().reference())
        })?;
        let mut known = VARIANT.to_vec();
        known.extend(match &hosted.kind {
            HostedKind::OAuth(_) => Some("scopes"),
            HostedKind::Role(_) => Some("role"),
            HostedKind::ApiKey | HostedKind::UserCredential => None,
        });
        request.require_variant(&known)?;
        Ok(Asking { client, platform, vault: self, request, hosted })
    }
}

impl Asking<'_> {
    /// The service's name for what is asked for.
    pub(crate) fn name(&self) -> Result<String, CredentialError> {
        self.hosted.service_name(&self.request.key().credential).map(str::to_owned)
    }

    /// The pool it is in: as said for it, or the pool of the workload that asks. `None` leaves it to
    /// the service.
    pub(crate) fn pool(&self) -> Option<String> {
        let said = self.hosted.pool.clone();
        let variant = || self.request.key().variant.get("pool").map(std::borrow::Cow::into_owned);
        said.or_else(variant).or_else(|| self.vault.pool.clone())
    }

    /// Makes a call that carries the workload's token.
    pub(crate) async fn call<A: Action>(
        &self,
        make: impl Fn(SecretString) -> A,
    ) -> Result<(A::Answer, Credential), CallError> {
        self.call_as(RoleToken::Workload, make).await
    }

    /// Makes a call that carries this token; the token comes back too.
    pub(crate) async fn call_as<A: Action>(
        &self,
        token: RoleToken,
        make: impl Fn(SecretString) -> A,
    ) -> Result<(A::Answer, Credential), CallError> {
        let keys = RequestKeys::new(self.request, self.platform.clone());
        let (wanted, bearer) = match token {
            RoleToken::Workload => (self.workload_token()?, Bearer::Workload),
            RoleToken::Identity => (Want::new(self.vault.identity.clone()), Bearer::User),
        };
        let acting = Acting { client: self.client, request: self.request, keys: &keys, bearer };
        let call = acting.call(wanted, |token: &Credential| {
            let missing = || CredentialError::new(ErrorCode::Internal, "the token is no token");
            let secret = token.secret().ok_or_else(missing)?;
            Ok((make(secret.clone()), token.clone()))
        });
        call.await
    }

    /// The workload token of the same variant, as far as it concerns one.
    pub(crate) fn workload_token(&self) -> Result<Want, CredentialError> {
        let mut variant = Variant::builder();
        for name in VARIANT {
            if let Some(value) = self.request.key().variant.get(name) {
                variant = variant.parameter(name, &value);
            }
        }
        Ok(Want::new(self.vault.workload_token.clone()).with_variant(variant.build()?))
    }
}

/// The user a token speaks for becomes the account of what is had with it.
pub(crate) fn of_user(credential: Credential, token: &Credential) -> Credential {
    match token.account() {
        Some(account) => credential.with_account(account.clone()),
        None => credential,
    }
}
