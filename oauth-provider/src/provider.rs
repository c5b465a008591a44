//! [`OAuthProvider`]: the credentials of one client at one issuer.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    Capability, Changes, Credential, CredentialDescriptor, CredentialError, CredentialProvider,
    ErrorCode, Health, ProviderDescriptor, ProviderId, Reason, ReauthReason, Request, Resolution,
    Revocation, SignIn, async_trait,
};
use credential_store::Renewal;

use crate::core::Core;
use crate::credential::IssuedToken;
use crate::exchange::Refresh;
use crate::introspection::introspect;
use crate::issued::NOT_RENEWED;
use crate::obtain::obtain;

/// The credentials of one client at one issuer. See the [crate's page](crate).
pub struct OAuthProvider {
    pub(crate) core: Arc<Core>,
    descriptor: ProviderDescriptor,
}

impl OAuthProvider {
    pub(crate) fn of(core: Core, id: ProviderId, display_name: String) -> Self {
        let mut descriptor = ProviderDescriptor::new(id, display_name)
            .with_capability(Capability::Check)
            .with_capability(Capability::List)
            .with_capability(Capability::Revoke);
        // Only a login can be changed by another process: nothing else is in the store.
        if !core.methods.is_empty() {
            descriptor = descriptor.with_capability(Capability::Changes);
        }
        for method in &core.methods {
            descriptor = descriptor.with_sign_in(*method);
        }
        for credential in core.credentials.values() {
            descriptor = descriptor.with_credential(credential.descriptor());
        }
        Self { core: Arc::new(core), descriptor }
    }

    async fn renewed(
        &self,
        request: &Request,
        ask: Renewal,
    ) -> Result<Credential, CredentialError> {
        let core = &self.core;
        let described = core.described(request)?.clone();
        if let Some(obtained) = obtain(core, request, &described).await {
            return obtained;
        }
        let token = described.token;
        if token == IssuedToken::IdToken
            && let Some(last) = core.grants.current(request.key()).await?
            && last.property(NOT_RENEWED).is_some()
        {
            // Another renewal would spend a grant and bring none either.
            return self.alive(core.ours(last, &described)?, token);
        }
        let (request, of) = (request.clone(), described.clone());
        let refresh = Refresh { core: core.clone(), request, described: of };
        let credential = core.grants.renew(ask, Arc::new(refresh)).await?;
        let credential = core.ours(credential, &described)?;
        self.alive(credential, token)
    }

    /// Not one that has ended.
    fn alive(
        &self,
        credential: Credential,
        token: IssuedToken,
    ) -> Result<Credential, CredentialError> {
        let core = &self.core;
        if credential.expires_at().is_none_or(|end| core.clock.now() < end) {
            return Ok(credential);
        }
        Err(match token {
            IssuedToken::IdToken => CredentialError::needs_reauth(
                ReauthReason::GrantExpired,
                "the issuer gives no new ID token without a sign-in",
            ),
            IssuedToken::AccessToken => CredentialError::new(
                ErrorCode::InvalidResponse,
                "the issuer gave an access token that has ended",
            ),
        })
    }
}

#[async_trait]
impl CredentialProvider for OAuthProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        Ok(self.renewed(request, Renewal::for_request(request)).await?.into())
    }

    // The default would ask `resolve`, for which what the store has is good enough until its end.
    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        why: Reason,
    ) -> Result<Resolution, CredentialError> {
        let newer = Renewal::for_request(request).newer_than(current.revision());
        let credential = self.renewed(request, newer).await?;
        let same = credential.same_secrets(current)
            && (why == Reason::Rejected || credential.expires_at() == current.expires_at());
        Ok(if same { Resolution::Unchanged } else { credential.into() })
    }

    async fn check(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        self.core.described(request)?;
        self.core.issuer.reach().await?;
        match current.filter(|current| self.core.party().issued(current)) {
            Some(current) => introspect(&self.core, request, current).await,
            None => Ok(Health::healthy()),
        }
    }

    async fn revoke(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        if self.core.described(request)?.is_signed_in() {
            return self.core.end(request).await;
        }
        // Nothing is kept: the engine has all there is.
        self.core.revoke_access(request, current).await
    }

    async fn list(&self, _: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        Ok(self.descriptor.credentials.clone())
    }

    /// What other processes do to the same logins.
    fn changes(&self) -> Changes {
        self.core.grants.changes()
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        (!self.core.methods.is_empty()).then_some(self)
    }
}

impl fmt::Debug for OAuthProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthProvider")
            .field("id", &self.descriptor.id)
            .field("issuer", &self.core.issuer.id)
            .finish_non_exhaustive()
    }
}
