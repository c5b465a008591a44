//! `chat/post`: a token derived from another credential.

use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialDescriptor, CredentialError, CredentialKind, CredentialProvider,
    CredentialRef, ErrorCode, IdPattern, Origin, ProviderDescriptor, ProviderId, Request,
    Resolution, Want, async_trait,
};

use super::issuer::{Issuer, Refusal};
use super::provider::refused;

/// Posts to the chat as a user, with a token exchanged for the user's access token.
pub struct Chat {
    issuer: Arc<Issuer>,
    descriptor: ProviderDescriptor,
    parent: CredentialRef,
    origin: Origin,
}

impl Chat {
    /// The provider.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn new(issuer: Arc<Issuer>) -> Result<Self, CredentialError> {
        let post = IdPattern::new("post")?;
        let post = CredentialDescriptor::session(post, CredentialKind::Token)
            .with_description("posts as a user, derived from the calendar");
        let descriptor =
            ProviderDescriptor::new(ProviderId::new("chat")?, "Chat").with_credential(post);
        let parent = CredentialRef::parse("workspace/calendar")?;
        Ok(Self { issuer, descriptor, parent, origin: Origin::parse("https://chat.example")? })
    }
}

#[async_trait]
impl CredentialProvider for Chat {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        if request.key().credential.as_str() != "post" {
            return Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        }
        request.session()?;
        // The engine gives the parent's of the same session, and ends this one with it.
        let want = Want::new(self.parent.clone()).with_min_validity(request.min_validity());
        let parent = request.depend_on(want).await?;
        let access = parent.secret().ok_or_else(|| refused(Refusal::Invalid))?;
        let token = self.issuer.exchange(access).await.map_err(refused)?;
        let derived = Credential::token(token).with_origin(self.origin.clone());
        Ok(match parent.account() {
            Some(account) => derived.with_account(account.clone()),
            None => derived,
        }
        .into())
    }
}
