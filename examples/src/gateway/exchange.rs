//! A refresh token for an access token: the one call that the store's renewal asks of a provider.

use std::sync::Arc;

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, ExposeSecret as _, Grant, Origin,
    ReauthReason, SecretString, async_trait,
};
use credential_store::{Exchange, Exchanged};

use super::issuer::{Issuer, Refusal, Tokens};
use super::provider::refused;

/// Sends refresh tokens to the issuer.
pub(super) struct TokenEndpoint {
    pub(super) issuer: Arc<Issuer>,
    pub(super) origin: Origin,
}

impl TokenEndpoint {
    /// What is kept of tokens: the grant that renews, and the credential that is served.
    pub(super) fn issued(&self, tokens: Tokens) -> Result<(Grant, Credential), CredentialError> {
        let grant = Grant::from(tokens.refresh.expose_secret().as_bytes().to_vec());
        let credential = Credential::oauth2(tokens.access)
            .with_expiry(tokens.expires_at)
            .with_account(AccountId::new(tokens.user)?)
            .with_origin(self.origin.clone());
        Ok((grant, credential))
    }

    /// Ends a grant at the issuer.
    pub(super) async fn revoke(&self, grant: &Grant) -> Result<(), CredentialError> {
        self.issuer.revoke(&refresh_token(grant)?).await.map_err(refused)
    }
}

#[async_trait]
impl Exchange for TokenEndpoint {
    async fn exchange(&self, grant: &Grant, _: Option<&Credential>) -> Exchanged {
        let refresh = match refresh_token(grant) {
            Ok(refresh) => refresh,
            Err(error) => return Exchanged::Unspent(error),
        };
        match self.issuer.renew(&refresh).await {
            Ok(tokens) => match self.issued(tokens) {
                Ok((grant, credential)) => Exchanged::Issued { credential, grant: Some(grant) },
                Err(error) => Exchanged::Unanswered(error),
            },
            Err(Refusal::Invalid) => {
                let detail = "the issuer does not know it any more".into();
                Exchanged::Refused { reason: ReauthReason::GrantRejected, detail }
            }
            // This issuer is down before anything is sent. Of a lost answer one would have to say
            // `Unanswered`.
            Err(refusal @ Refusal::Unreachable) => Exchanged::Unspent(refused(refusal)),
        }
    }

    async fn discard(&self, grant: Grant) {
        // Nobody waits for the result: an issuer that is down forgets the grant by age.
        let _ = self.revoke(&grant).await;
    }
}

fn refresh_token(grant: &Grant) -> Result<SecretString, CredentialError> {
    let text = std::str::from_utf8(grant.expose());
    text.map(SecretString::from)
        .map_err(|_| CredentialError::new(ErrorCode::Internal, "the grant is another provider's"))
}
