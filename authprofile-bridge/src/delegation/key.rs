//! What a host's model authentication gets.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{Credential, CredentialKind, Timestamp};
use secrecy::SecretString;

use crate::openclaw::ProfileKind;

/// How a key authorizes, in OpenClaw's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyMode {
    /// A static key.
    ApiKey,
    /// An access token of a login.
    OAuth,
    /// Another bearer token.
    Token,
    /// The AWS SDK finds its own credentials; there is no key.
    AwsSdk,
}

impl KeyMode {
    /// As OpenClaw writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::OAuth => "oauth",
            Self::Token => "token",
            Self::AwsSdk => "aws-sdk",
        }
    }
}

impl From<ProfileKind> for KeyMode {
    fn from(kind: ProfileKind) -> Self {
        match kind {
            ProfileKind::ApiKey => Self::ApiKey,
            ProfileKind::Token => Self::Token,
            ProfileKind::OAuth => Self::OAuth,
        }
    }
}

/// A key for a model provider, and where it is from. `Debug` hides the key.
#[derive(Clone)]
#[non_exhaustive]
pub struct ModelKey {
    /// The key; none if [`mode`](Self::mode) is [`KeyMode::AwsSdk`].
    pub key: Option<SecretString>,
    /// The profile it is of, if it is of one.
    pub profile: Option<String>,
    /// Where it is from, for people: `profile:<id>`, `env: NAME`. Never a secret.
    pub source: String,
    /// How it authorizes.
    pub mode: KeyMode,
    /// Where to send requests, if not to the provider's usual place.
    pub base_url: Option<String>,
    /// When to ask again.
    pub expires_at: Option<Timestamp>,
    /// The credential it was delegated to, to report through the engine what came of it.
    pub credential: Option<Arc<Credential>>,
}

/// What OpenClaw's `prepareRuntimeAuth` gives. `Debug` hides the key.
#[derive(Clone)]
#[non_exhaustive]
pub struct RuntimeAuth {
    /// `apiKey`.
    pub api_key: SecretString,
    /// `baseUrl`.
    pub base_url: Option<String>,
    /// `expiresAt`: from then on it is to be prepared anew.
    pub expires_at: Option<Timestamp>,
}

impl ModelKey {
    /// A key of a tier of the host's.
    #[must_use]
    pub fn new(key: SecretString, mode: KeyMode, source: impl Into<String>) -> Self {
        Self {
            key: Some(key),
            profile: None,
            source: source.into(),
            mode,
            base_url: None,
            expires_at: None,
            credential: None,
        }
    }

    /// The AWS SDK finds its own.
    #[must_use]
    pub fn aws_sdk(source: impl Into<String>) -> Self {
        Self { key: None, ..Self::new(SecretString::default(), KeyMode::AwsSdk, source) }
    }

    /// Of this profile, which then is the source.
    #[must_use]
    pub fn of_profile(mut self, id: &str) -> Self {
        self.source = format!("profile:{id}");
        self.profile = Some(id.to_owned());
        self
    }

    /// Ends then.
    #[must_use]
    pub const fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Sent there.
    #[must_use]
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// A credential's one secret; none of a kind that has several.
    pub(super) fn of_credential(credential: &Arc<Credential>) -> Option<Self> {
        let mode = match credential.kind() {
            CredentialKind::ApiKey => KeyMode::ApiKey,
            CredentialKind::OAuth2 => KeyMode::OAuth,
            CredentialKind::Token => KeyMode::Token,
            _ => return None,
        };
        let mut key = Self::new(credential.secret()?.clone(), mode, "");
        key.base_url = credential.property(BASE_URL).map(ToOwned::to_owned);
        // The engine stops handing it out a little before it ends.
        let until = credential.window().until;
        let end = credential.expires_at().unwrap_or(Timestamp::MAX).min(until);
        key.expires_at = (end != Timestamp::MAX).then_some(end);
        key.credential = Some(Arc::clone(credential));
        Some(key)
    }

    /// As `prepareRuntimeAuth` gives it; none where the AWS SDK finds its own.
    #[must_use]
    pub fn prepared(&self) -> Option<RuntimeAuth> {
        Some(RuntimeAuth {
            api_key: self.key.clone()?,
            base_url: self.base_url.clone(),
            expires_at: self.expires_at,
        })
    }
}

/// The property in which a credential says where it is to be sent.
const BASE_URL: &str = "base_url";

impl fmt::Debug for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelKey")
            .field("source", &self.source)
            .field("mode", &self.mode)
            .field("base_url", &self.base_url)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RuntimeAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeAuth")
            .field("base_url", &self.base_url)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
