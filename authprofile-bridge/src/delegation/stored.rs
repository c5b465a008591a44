//! Keys of profiles that are not delegated.

use async_trait::async_trait;
use credential_provider_api::{Clock, CredentialError, ErrorCode, Timestamp};
use secrecy::ExposeSecret as _;
use std::sync::Arc;

use super::key::ModelKey;
use crate::openclaw::{Expiry, NoSecret, Profile, ProfileKind, ProfileSecret, about};

/// How the key of a stored profile is got: a host that resolves references and renews logins, through
/// the engine, says so here.
#[async_trait]
pub trait StoredKeys: Send + Sync {
    /// The key of a profile.
    ///
    /// # Errors
    /// Why there is none now.
    async fn key(&self, id: &str, profile: &Profile) -> Result<ModelKey, CredentialError>;
}

/// Keys that stand in the profile itself: no references, no logins that have ended.
#[derive(Clone)]
pub struct InlineKeys(Arc<dyn Clock>);

impl InlineKeys {
    /// By this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl std::fmt::Debug for InlineKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InlineKeys")
    }
}

#[async_trait]
impl StoredKeys for InlineKeys {
    async fn key(&self, id: &str, profile: &Profile) -> Result<ModelKey, CredentialError> {
        inline(id, profile, self.0.now())
    }
}

fn inline(id: &str, profile: &Profile, now: Timestamp) -> Result<ModelKey, CredentialError> {
    if profile.forbidden_reference().is_some() {
        return Err(about(ErrorCode::NotConfigured, id, "is a login that holds a reference"));
    }
    let secret = match profile.secret() {
        Some(ProfileSecret::Inline(secret)) => secret,
        Some(ProfileSecret::Reference(_)) => {
            let what = "holds a reference, which this host does not resolve";
            return Err(about(ErrorCode::Unsupported, id, what));
        }
        None => return Err(about(ErrorCode::NotConfigured, id, "holds no secret")),
    };
    if let Some(why) = NoSecret::of(secret.expose_secret()) {
        let (code, what) = match why {
            NoSecret::Fence => (ErrorCode::Unavailable, "is being renewed by OpenClaw"),
            NoSecret::Redacted => (ErrorCode::RedactedValue, "holds a mask in place of its secret"),
            NoSecret::Unresolved => (ErrorCode::Unsupported, "holds a reference nobody resolved"),
        };
        return Err(about(code, id, what));
    }
    let key = ModelKey::new(secret, profile.kind().into(), "").of_profile(id);
    match profile.expires() {
        _ if profile.kind() == ProfileKind::ApiKey => Ok(key),
        Expiry::Unsaid => Ok(key),
        Expiry::At(end) if now < end => Ok(key.with_expiry(end)),
        Expiry::At(_) => Err(about(ErrorCode::Expired, id, "has ended")),
        Expiry::Invalid => Err(about(ErrorCode::NotConfigured, id, "ends at no time")),
    }
}
