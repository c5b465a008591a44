//! `workspace/calendar`: each user's access token, renewed with a single-use refresh token.
//!
//! The provider knows how. When, for whom and how often is the engine's business.

use std::sync::Arc;

use credential_provider_api::{
    AccountId, Capability, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, ErrorCode, IdPattern, Origin, ProviderDescriptor, ProviderId, ReauthReason,
    Request, Resolution, Revocation, SecretString, SignIn, SignInMethod, SignInStep, Timestamp,
    async_trait,
};

use super::grants::Grants;
use super::issuer::{Issuer, Refusal};

/// Access to each user's calendar.
pub struct Workspace {
    pub(super) issuer: Arc<Issuer>,
    pub(super) grants: Arc<Grants>,
    descriptor: ProviderDescriptor,
    origin: Origin,
}

impl Workspace {
    /// The provider; `grants` outlive it.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn new(issuer: Arc<Issuer>, grants: Arc<Grants>) -> Result<Self, CredentialError> {
        let calendar = IdPattern::new("calendar")?;
        let calendar = CredentialDescriptor::session(calendar, CredentialKind::OAuth2)
            .with_description("a user's calendar");
        let descriptor = ProviderDescriptor::new(ProviderId::new("workspace")?, "Workspace")
            .with_credential(calendar)
            .with_capability(Capability::Revoke)
            .with_sign_in(SignInMethod::AuthorizationCode);
        let origin = Origin::parse("https://calendar.example")?;
        Ok(Self { issuer, grants, descriptor, origin })
    }

    /// The credential made of an access token.
    pub(super) fn credential(
        &self,
        user: &str,
        access: SecretString,
        expires_at: Timestamp,
    ) -> Result<Credential, CredentialError> {
        Ok(Credential::oauth2(access)
            .with_expiry(expires_at)
            .with_account(AccountId::new(user)?)
            .with_origin(self.origin.clone()))
    }

    /// Forgets the grant here, then ends it at the issuer.
    pub(super) async fn end(&self, request: &Request) -> Result<Revocation, CredentialError> {
        let Some(grant) = self.grants.remove(request.session()?) else {
            return Ok(Revocation::LocalOnly);
        };
        self.issuer.revoke(&grant.refresh).await.map_err(refused)?;
        Ok(Revocation::Remote)
    }

    /// A person must sign in. The flow that a host then starts has an address of its own.
    fn nobody(&self, reason: ReauthReason) -> CredentialError {
        let url = self.issuer.sign_in_page("");
        let step = SignInStep::OpenUrl { url, expires_at: Timestamp::MAX, poll_every: None };
        CredentialError::needs_reauth(reason, "").with_step(step)
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

    // To renew is to obtain: there is no `refresh` to write.
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        if request.key().credential.as_str() != "calendar" {
            return Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        }
        let session = request.session()?;
        let grant = self.grants.get(session);
        let grant = grant.ok_or_else(|| self.nobody(ReauthReason::NotSignedIn))?;
        // From here on the refresh token may be spent. Until the guard is dropped the engine lets
        // the call go on, whoever gives up waiting: by then the next token is saved.
        let commit = request.commit()?;
        let tokens = match self.issuer.renew(&grant.refresh).await {
            Ok(tokens) => tokens,
            Err(Refusal::Invalid) => {
                self.grants.remove(session);
                return Err(self.nobody(ReauthReason::GrantRejected));
            }
            Err(refusal) => return Err(refused(refusal)),
        };
        self.grants.renewed(session, &grant, tokens.refresh);
        drop(commit);
        Ok(self.credential(&tokens.user, tokens.access, tokens.expires_at)?.into())
    }

    async fn revoke(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        self.end(request).await
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}
