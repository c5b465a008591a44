//! A login made elsewhere, by the same client at the same issuer.

use credential_provider_api::{CredentialError, ErrorCode, Request, SecretString, SignInProgress};

use super::finished::{Asked, Finished};
use super::id_token::Nonce;
use crate::credential::IssuedToken;
use crate::provider::OAuthProvider;
use crate::token::{TokenType, Tokens};

impl OAuthProvider {
    /// What a sign-in comes to whose ID token somebody else's page has received: a web chat that signs
    /// its people in itself. The token is verified as one that came from the issuer, but for the nonce,
    /// which only that page knows; the refresh token, if there is one, has to renew the same subject.
    /// The answer is handed to [`accept`](credential_provider_api::SignIn::accept). Nothing is sent but
    /// what the issuer's keys need. Cancel-safe.
    ///
    /// # Errors
    /// `invalid_response` for a token that is not believed, which is not sent anywhere; `unsupported` for
    /// a credential that is no ID token.
    pub async fn adopt(
        &self,
        request: &Request,
        id_token: SecretString,
        refresh_token: Option<SecretString>,
    ) -> Result<SignInProgress, CredentialError> {
        let described = self.core.described(request)?;
        if described.token != IssuedToken::IdToken || !described.is_signed_in() {
            let error = CredentialError::new(ErrorCode::Unsupported, "it is no ID token");
            return Err(error.about(&request.key().reference()));
        }
        let now = self.core.clock.now();
        // Before anything is made of it: what is not believed is not ended at the issuer either.
        let identity =
            self.core.rules.verify(&self.core.issuer, &id_token, Nonce::Free, now).await?;
        if identity.expires_at <= now {
            let detail = "the ID token has ended; compare the clocks";
            return Err(CredentialError::new(ErrorCode::InvalidResponse, detail));
        }
        let tokens = Tokens {
            // Of no use: the credential is the ID token.
            access_token: SecretString::default(),
            token_type: TokenType::Bearer,
            issued_token_type: None,
            refresh_token,
            id_token: Some(id_token),
            expires_in: None,
            scopes: None,
        };
        let asked = Asked { sent_at: now, key: None, nonce: None };
        Finished::of(&self.core, request, described, tokens, asked).await
    }
}
