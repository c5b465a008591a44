//! What a store keeps.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretSlice};

use crate::credential::Credential;
use crate::error::{CredentialError, Detail, ReauthReason};
use crate::revision::Revision;
use crate::time::Timestamp;

/// What renews a credential: refresh token, client registration. Bytes of the provider's own form.
///
/// Only stores and the provider itself see one; nothing a consumer can reach returns it.
/// ```compile_fail
/// println!("{}", credential_provider_api::Grant::from(b"rt-1".to_vec()));
/// ```
#[derive(Clone)]
pub struct Grant(SecretSlice<u8>);

impl Grant {
    /// A grant of these bytes.
    #[must_use]
    pub const fn new(bytes: SecretSlice<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes: for the provider that made it and the store that encrypts it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl From<Vec<u8>> for Grant {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant(…)")
    }
}

/// Says that an exchange was about to be sent. It is saved before sending and gone after the result
/// is saved; whoever finds one knows that an exchange was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Intent {
    /// When.
    pub at: Timestamp,
    /// By whom: host, process, task; for people.
    pub holder: String,
}

impl Intent {
    /// An intent of `holder` at `at`.
    #[must_use]
    pub fn new(at: Timestamp, holder: impl Into<String>) -> Self {
        Self { at, holder: holder.into() }
    }
}

/// Says that the issuer would not renew the grant any more. It is kept with the grant, so that no
/// process sends a dead grant again, and gone with the next sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Why a person must sign in again.
    pub reason: ReauthReason,
    /// What the issuer said, cleaned.
    pub detail: Detail,
}

impl Refusal {
    /// A refusal at `at`.
    #[must_use]
    pub fn new(at: Timestamp, reason: ReauthReason, detail: impl Into<Detail>) -> Self {
        Self { at, reason, detail: detail.into() }
    }

    /// The error of whoever asks for the credential.
    #[must_use]
    pub fn error(&self) -> CredentialError {
        CredentialError::needs_reauth(self.reason, self.detail.clone())
    }
}

/// What a store keeps for one key.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Record {
    /// The grant.
    pub grant: Option<Grant>,
    /// The credential last issued from it. Its [`revision`](Credential::revision), where it has one,
    /// is the one it was issued at, which later saves of the same credential don't change.
    pub credential: Option<Credential>,
    /// An exchange under way or interrupted.
    pub intent: Option<Intent>,
    /// The issuer's last word on the grant.
    pub refusal: Option<Refusal>,
    /// When somebody signed in; tells one sign-in from the next.
    pub signed_in: Option<Timestamp>,
}

impl Record {
    /// A record of a grant and the credential issued from it.
    #[must_use]
    pub const fn new(grant: Option<Grant>, credential: Option<Credential>) -> Self {
        Self { grant, credential, intent: None, refusal: None, signed_in: None }
    }

    /// With an intent.
    #[must_use]
    pub fn with_intent(mut self, intent: Intent) -> Self {
        self.intent = Some(intent);
        self
    }

    /// With a refusal.
    #[must_use]
    pub fn with_refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// Of a sign-in at this time.
    #[must_use]
    pub const fn with_sign_in(mut self, at: Timestamp) -> Self {
        self.signed_in = Some(at);
        self
    }
}

/// What a load found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The revision now; `None` if the key was never saved. A removed key has one: its tombstone's.
    pub revision: Option<Revision>,
    /// The record; `None` if never saved or removed.
    pub record: Option<Record>,
}

impl Loaded {
    /// A load that found `record` at `revision`.
    #[must_use]
    pub const fn new(revision: Option<Revision>, record: Option<Record>) -> Self {
        Self { revision, record }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_a_record_shows_no_secret() {
        let record = Record::new(
            Some(Grant::from(b"canary".to_vec())),
            Some(Credential::oauth2("canary".into())),
        );
        assert!(!format!("{record:?}").contains("canary"));
    }
}
