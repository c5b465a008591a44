//! What a host brings: how a login of one model provider is renewed.

use std::fmt;
use std::time::Duration;

use credential_provider_api::{
    CredentialError, Detail, ReauthReason, Request, SecretString, Timestamp, async_trait,
};

use crate::openclaw::{Identity, Profile};

/// Longest an exchange may take, together with the one that may follow a refusal. OpenClaw's limit, well
/// below the 180 s after which its refresh lock counts as left behind.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Renews logins of a model provider at its issuer.
#[async_trait]
pub trait ProfileIssuer: Send + Sync {
    /// Spends the refresh token of `login` for new tokens. `request` has the time and, for a client
    /// secret, the [source](Request::depend_on) of other credentials.
    ///
    /// Called for one login by one process at a time. It must not send again what the issuer may have
    /// received. After [`LIMIT`] it is dropped, which counts as [`NotRenewed::Unanswered`].
    ///
    /// # Errors
    /// [`NotRenewed`] says what became of the refresh token.
    async fn renew(
        &self,
        login: &StoredLogin,
        request: &Request,
    ) -> Result<RenewedLogin, NotRenewed>;
}

/// A login as it is stored, to be renewed. `Debug` hides the secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredLogin {
    /// The id of its profile.
    pub id: String,
    /// The whole entry: an issuer may need its `clientId` or `enterpriseUrl`.
    pub profile: Profile,
    /// What is spent.
    pub refresh_token: SecretString,
}

impl StoredLogin {
    /// A login of its parts.
    #[must_use]
    pub fn new(id: impl Into<String>, profile: Profile, refresh_token: SecretString) -> Self {
        Self { id: id.into(), profile, refresh_token }
    }
}

/// What an issuer gave for a refresh token. `Debug` hides the secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RenewedLogin {
    /// The new access token.
    pub access: SecretString,
    /// The refresh token that follows; the one before stays good if the issuer gave none.
    pub refresh: Option<SecretString>,
    /// When the access token ends. OpenClaw wants to know: an hour from now unless the issuer said.
    pub expires_at: Option<Timestamp>,
    /// The ID token, if one came.
    pub id_token: Option<SecretString>,
    /// Whose it is, as far as the answer says.
    pub identity: Identity,
}

impl RenewedLogin {
    /// A new access token.
    #[must_use]
    pub fn new(access: SecretString) -> Self {
        let identity = Identity::default();
        Self { access, refresh: None, expires_at: None, id_token: None, identity }
    }

    /// With the refresh token that follows.
    #[must_use]
    pub fn with_refresh(mut self, refresh: SecretString) -> Self {
        self.refresh = Some(refresh);
        self
    }

    /// That ends then.
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// With an ID token.
    #[must_use]
    pub fn with_id_token(mut self, id_token: SecretString) -> Self {
        self.id_token = Some(id_token);
        self
    }

    /// Of this person.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }
}

/// Why there are no new tokens, and what became of the refresh token.
#[derive(Clone)]
#[non_exhaustive]
pub enum NotRenewed {
    /// The issuer does not accept it any more (`invalid_grant`).
    Refused {
        /// Why a person must sign in again.
        reason: ReauthReason,
        /// Words about it.
        detail: Detail,
    },
    /// It was not spent: nothing was sent, or the issuer turned it away for another reason.
    Unspent(CredentialError),
    /// It was spent for nothing but the refresh token that follows, which is saved.
    Rotated {
        /// The refresh token that follows.
        refresh: SecretString,
        /// Why there is no access token.
        error: CredentialError,
    },
    /// It was sent, and nobody knows what became of it.
    Unanswered(CredentialError),
}

impl NotRenewed {
    /// The issuer does not accept the refresh token any more.
    #[must_use]
    pub fn refused(detail: impl Into<Detail>) -> Self {
        Self::Refused { reason: ReauthReason::GrantRejected, detail: detail.into() }
    }
}

impl fmt::Debug for NotRenewed {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openclaw::ProfileKind;

    #[test]
    fn promise_6_debug_shows_no_secret() {
        let renewed = RenewedLogin::new("canary-access".into())
            .with_refresh("canary-refresh".into())
            .with_id_token("canary-id".into());
        let profile = Profile::new(ProfileKind::OAuth, "x");
        let stored = StoredLogin::new("x:1", profile, "canary-stored".into());
        let text = format!("{renewed:?} {stored:?} {:?}", NotRenewed::refused("gone"));
        assert!(text.contains("gone") && !text.contains("canary"), "{text}");
    }
}
