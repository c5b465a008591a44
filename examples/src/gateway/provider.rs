//! `workspace/calendar`: each user's access token, renewed with a single-use refresh token.
//!
//! The provider knows how. When, for whom and how often is the engine's business; that no two
//! processes spend one refresh token is the store's.

use std::sync::Arc;

use credential_provider_api::{
    Capability, Changes, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, ErrorCode, IdPattern, Origin, ProviderDescriptor, ProviderId, Reason,
    Request, Resolution, Revocation, SignIn, SignInMethod, SignInStep, Timestamp, async_trait,
};
use credential_store::{Grants, Renewal};

use super::exchange::TokenEndpoint;
use super::issuer::{Issuer, Refusal};

/// Access to each user's calendar.
pub struct Workspace {
    pub(super) endpoint: Arc<TokenEndpoint>,
    pub(super) grants: Grants,
    descriptor: ProviderDescriptor,
}

impl Workspace {
    /// The provider; `grants` outlive it.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn new(issuer: Arc<Issuer>, grants: Grants) -> Result<Self, CredentialError> {
        let calendar = IdPattern::new("calendar")?;
        let calendar = CredentialDescriptor::session(calendar, CredentialKind::OAuth2)
            .with_description("a user's calendar");
        let descriptor = ProviderDescriptor::new(ProviderId::new("workspace")?, "Workspace")
            .with_credential(calendar)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Revoke)
            .with_sign_in(SignInMethod::AuthorizationCode);
        let origin = Origin::parse("https://calendar.example")?;
        Ok(Self { endpoint: Arc::new(TokenEndpoint { issuer, origin }), grants, descriptor })
    }

    /// Forgets the grant in the store, for all gateways, then ends it at the issuer.
    pub(super) async fn end(&self, request: &Request) -> Result<Revocation, CredentialError> {
        // Once it is out of the store nobody else could end it there.
        let _commit = request.commit()?;
        match self.grants.sign_out(request.key()).await? {
            Some(grant) => self.endpoint.revoke(&grant).await.map(|()| Revocation::Remote),
            None => Ok(Revocation::LocalOnly),
        }
    }

    async fn renew(&self, request: &Request, ask: Renewal) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        if request.key().credential.as_str() != "calendar" {
            return Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        }
        request.session()?;
        let renewed = self.grants.renew(ask, self.endpoint.clone()).await;
        Ok(renewed.map_err(|error| self.with_step(error))?.into())
    }

    /// Where a person must sign in, the page. The flow that a host then starts has one of its own.
    fn with_step(&self, error: CredentialError) -> CredentialError {
        if error.code() != ErrorCode::NeedsReauth {
            return error;
        }
        let url = self.endpoint.issuer.sign_in_page("");
        error.with_step(SignInStep::OpenUrl { url, expires_at: Timestamp::MAX, poll_every: None })
    }
}

/// What a refusal means to whoever asked.
pub(super) fn refused(refusal: Refusal) -> CredentialError {
    match refusal {
        Refusal::Unreachable => CredentialError::new(ErrorCode::Unavailable, "no answer"),
        Refusal::Invalid => CredentialError::new(ErrorCode::InvalidResponse, "it was refused"),
    }
}

#[async_trait]
impl CredentialProvider for Workspace {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        self.renew(request, Renewal::for_request(request)).await
    }

    // The default would ask `resolve`, for which what the store has is good enough until its end.
    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        _: Reason,
    ) -> Result<Resolution, CredentialError> {
        let newer = Renewal::for_request(request).newer_than(current.revision());
        self.renew(request, newer).await
    }

    async fn revoke(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        self.end(request).await
    }

    /// What other gateways do to the same grants.
    fn changes(&self) -> Changes {
        self.grants.changes()
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}
