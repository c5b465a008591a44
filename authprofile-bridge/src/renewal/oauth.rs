//! Renewal by an OAuth client of the host's.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{ExposeSecret as _, Request, SecretString, async_trait};
use oauth_provider::{NotRefreshed, OAuthProvider};
use zeroize::Zeroizing;

use super::issuer::{NotRenewed, ProfileIssuer, RenewedLogin, StoredLogin};
use crate::openclaw::Identity;

/// Renews logins with the client, issuer and HTTP of an [`OAuthProvider`], which keeps nothing of them.
///
/// Whose an answer is, is read from its ID token: `email`, and the account from the claim that is
/// [named](Self::account_claim). The token came from the issuer itself over TLS, so its signature adds
/// nothing (OpenID Connect Core §3.1.3.7, number 6); without an ID token the answer says nothing.
#[derive(Clone)]
pub struct OAuthIssuer {
    client: Arc<OAuthProvider>,
    account_claim: Vec<String>,
}

impl OAuthIssuer {
    /// Renews with this client.
    #[must_use]
    pub const fn new(client: Arc<OAuthProvider>) -> Self {
        Self { client, account_claim: Vec::new() }
    }

    /// The ID token's claim that holds what profiles call `accountId`: a name, or the names of objects
    /// down to it. Without it only e-mail addresses are compared.
    #[must_use]
    pub fn account_claim<'a>(mut self, path: impl IntoIterator<Item = &'a str>) -> Self {
        self.account_claim = path.into_iter().map(str::to_owned).collect();
        self
    }

    fn identity(&self, id_token: &SecretString) -> Option<Identity> {
        let payload = id_token.expose_secret().split('.').nth(1)?;
        let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
        let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
        let text = |value: &serde_json::Value| -> Option<String> {
            let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let named = (!self.account_claim.is_empty()).then_some(&claims);
        let account = named
            .and_then(|claims| self.account_claim.iter().try_fold(claims, |at, name| at.get(name)))
            .and_then(text);
        Some(Identity { account, email: claims.get("email").and_then(text) })
    }
}

#[async_trait]
impl ProfileIssuer for OAuthIssuer {
    async fn renew(
        &self,
        login: &StoredLogin,
        request: &Request,
    ) -> Result<RenewedLogin, NotRenewed> {
        let answer = self.client.refresh_kept_elsewhere(request, &login.refresh_token).await;
        let tokens = answer.map_err(|why| match why {
            NotRefreshed::Refused { reason, detail } => NotRenewed::Refused { reason, detail },
            NotRefreshed::Rotated { refresh_token, error } => {
                NotRenewed::Rotated { refresh: refresh_token, error }
            }
            NotRefreshed::Unspent(error) => NotRenewed::Unspent(error),
            NotRefreshed::Unanswered(error) => NotRenewed::Unanswered(error),
            _ => NotRenewed::Unanswered(credential_provider_api::CredentialError::new(
                credential_provider_api::ErrorCode::Internal,
                "the client's answer is of a kind that is not known here",
            )),
        })?;
        let mut renewed = RenewedLogin::new(tokens.access_token);
        renewed.refresh = tokens.refresh_token;
        renewed.expires_at = tokens.expires_at;
        if let Some(id_token) = tokens.id_token {
            renewed.identity = self.identity(&id_token).unwrap_or_default();
            renewed.id_token = Some(id_token);
        }
        Ok(renewed)
    }
}

impl fmt::Debug for OAuthIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthIssuer")
            .field("client", &self.client)
            .field("account_claim", &self.account_claim)
            .finish()
    }
}
