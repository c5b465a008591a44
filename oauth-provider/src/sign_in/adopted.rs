//! A login made elsewhere, by the same client at the same issuer.

use credential_provider_api::{CredentialError, ErrorCode, Request, SecretString, SignInProgress};

use super::finished::{Asked, Finished};
use super::id_token::{Identity, Nonce, end};
use crate::core::Core;
use crate::credential::IssuedToken;
use crate::form::Form;
use crate::provider::OAuthProvider;
use crate::token::{TokenAnswer, TokenType, Tokens};

impl OAuthProvider {
    /// What a sign-in comes to whose ID token somebody else's page has received: a web chat that signs
    /// its people in itself. The token is verified as one that came from the issuer, but for the nonce,
    /// which only that page knows; the refresh token, if there is one, has to renew the same subject.
    /// One that has ended is renewed with the refresh token at once, after all else of it was verified.
    /// The answer is handed to [`accept`](credential_provider_api::SignIn::accept). Nothing is sent but
    /// what the issuer's keys need, and that renewal. Cancel-safe, but for the renewal: once it is sent,
    /// its answer is wanted.
    ///
    /// # Errors
    /// `invalid_response` for a token that is not believed, which is not sent anywhere, and for one that
    /// has ended and cannot be renewed; `flow_ended` if the issuer refuses the refresh token;
    /// `unsupported` for a credential that is no ID token.
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
        // One that can be renewed is verified as of its own end.
        let renewable = refresh_token.is_some();
        let then = end(&id_token).filter(|end| renewable && *end < now).unwrap_or(now);
        // Before anything is made of it: what is not believed is not ended at the issuer either.
        let identity =
            self.core.rules.verify(&self.core.issuer, &id_token, Nonce::Free, then).await?;
        let (tokens, sent_at) = match refresh_token {
            Some(refresh_token) if identity.expires_at <= now => {
                (renewed(&self.core, request, refresh_token, &identity).await?, now)
            }
            None if identity.expires_at <= now => {
                return Err(invalid("the ID token has ended; compare the clocks"));
            }
            refresh_token => {
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
                (tokens, now)
            }
        };
        let asked = Asked { sent_at, key: None, nonce: None };
        Finished::of(&self.core, request, described, tokens, asked).await
    }
}

/// What the issuer gives for a refresh token, if it is for whom the ended token was.
async fn renewed(
    core: &Core,
    request: &Request,
    refresh_token: SecretString,
    before: &Identity,
) -> Result<Tokens, CredentialError> {
    let form = Form::new("refresh_token").secret("refresh_token", &refresh_token);
    // It may be good once: if it is sent, its answer is wanted.
    let commit = request.commit()?;
    let answered = core.endpoint.send(request, form, None).await;
    drop(commit);
    let mut tokens = match answered {
        TokenAnswer::Tokens(tokens) => *tokens,
        TokenAnswer::Rotated { refresh_token, error } => {
            Finished::unusable(core, request, refresh_token).await;
            return Err(error);
        }
        TokenAnswer::Refused { detail, .. } => {
            return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
        }
        TokenAnswer::Unspent(error) | TokenAnswer::Unanswered(error) => return Err(error),
    };
    // RFC 6749 §6: without a new one the old one stays good.
    let refresh_token = tokens.refresh_token.take().unwrap_or(refresh_token);
    let now = core.clock.now();
    let subject = match &tokens.id_token {
        Some(token) => core.rules.verify(&core.issuer, token, Nonce::Free, now).await,
        None => Err(invalid("the ID token has ended, and renewals bring no other")),
    };
    // OpenID Connect Core §12.2.
    let doubt = match subject {
        Ok(identity) if identity.sub == before.sub => {
            tokens.refresh_token = Some(refresh_token);
            return Ok(tokens);
        }
        Ok(_) => invalid("the refresh token is another person's than the ID token"),
        Err(error) => error,
    };
    Finished::unusable(core, request, refresh_token).await;
    Err(doubt)
}

fn invalid(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::InvalidResponse, detail)
}
