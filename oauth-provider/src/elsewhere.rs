//! Refresh tokens that somebody else keeps: one exchange, and what became of the token.

use std::fmt;

use credential_provider_api::{
    CredentialError, Detail, ErrorCode, ReauthReason, Request, SecretString, Timestamp,
};

use crate::form::Form;
use crate::provider::OAuthProvider;
use crate::token::{TokenAnswer, TokenType};

/// What an issuer gave for a refresh token. `Debug` shows no secret.
#[derive(Clone)]
#[non_exhaustive]
pub struct RefreshedTokens {
    /// The new access token, for whoever bears it.
    pub access_token: SecretString,
    /// The refresh token that follows; the one sent stays good if there is none.
    pub refresh_token: Option<SecretString>,
    /// The ID token, as it came: not validated.
    pub id_token: Option<SecretString>,
    /// When the access token ends, counted from when it was asked for; `None` if the issuer did not
    /// say.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for RefreshedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshedTokens")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Why there are no tokens, and what became of the refresh token that was sent.
#[derive(Clone)]
#[non_exhaustive]
pub enum NotRefreshed {
    /// The issuer does not accept it any more.
    Refused {
        /// Why a person must sign in again.
        reason: ReauthReason,
        /// The issuer's words, cleaned.
        detail: Detail,
    },
    /// It was spent for another refresh token, beside nothing that can be used.
    Rotated {
        /// The one that counts from now on.
        refresh_token: SecretString,
        /// Why nothing else can be used.
        error: CredentialError,
    },
    /// It was not spent.
    Unspent(CredentialError),
    /// It was sent, and nobody knows.
    Unanswered(CredentialError),
}

impl fmt::Debug for NotRefreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { reason, detail } => {
                write!(f, "Refused({}: {})", reason.as_str(), detail.as_str())
            }
            Self::Rotated { error, .. } => write!(f, "Rotated({error})"),
            Self::Unspent(error) => write!(f, "Unspent({error})"),
            Self::Unanswered(error) => write!(f, "Unanswered({error})"),
        }
    }
}

impl OAuthProvider {
    /// Spends a refresh token that another program keeps, with this provider's client at its issuer.
    /// Nothing is kept here: the caller leases, saves and guards the identity. A client secret that is
    /// another provider's credential is asked for through `request`.
    ///
    /// Sent once, never again. Not cancel-safe: dropped after it was sent, what came of it is lost.
    ///
    /// # Errors
    /// [`NotRefreshed`] says what became of the refresh token.
    pub async fn refresh_kept_elsewhere(
        &self,
        request: &Request,
        refresh_token: &SecretString,
    ) -> Result<RefreshedTokens, NotRefreshed> {
        let form = Form::new("refresh_token").secret("refresh_token", refresh_token);
        let sent_at = self.core.clock.now();
        let tokens = match self.core.endpoint.send(request, form, None).await {
            TokenAnswer::Tokens(tokens) => *tokens,
            TokenAnswer::Rotated { refresh_token, error } => {
                return Err(NotRefreshed::Rotated { refresh_token, error });
            }
            TokenAnswer::Refused { reason, detail } => {
                return Err(NotRefreshed::Refused { reason, detail });
            }
            TokenAnswer::Unspent(error) => return Err(NotRefreshed::Unspent(error)),
            TokenAnswer::Unanswered(error) => return Err(NotRefreshed::Unanswered(error)),
        };
        if tokens.token_type != TokenType::Bearer {
            let detail = "the issuer gave a token that is not for whoever bears it";
            let error = CredentialError::new(ErrorCode::InvalidResponse, detail);
            return Err(match tokens.refresh_token {
                Some(refresh_token) => NotRefreshed::Rotated { refresh_token, error },
                None => NotRefreshed::Unanswered(error),
            });
        }
        Ok(RefreshedTokens {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            id_token: tokens.id_token,
            expires_at: tokens.expires_in.map(|life| sent_at.plus(life)),
        })
    }
}
