//! What goes wrong with a keychain, in the codes of the api.
//!
//! No error of a platform's crate is formatted: some carry the secret (`keyring-core`'s bad encodings,
//! a D-Bus error's whole message). Each is looked at and answered in words of ours.

use credential_provider_api::{CredentialError, Detail, ErrorCode};

/// A person must act.
pub(crate) fn interaction(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::InteractionRequired, detail)
}

/// There is none here, and waiting changes nothing.
pub(crate) fn absent(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::NotConfigured, detail)
}

/// It is not there now.
pub(crate) fn unavailable(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::Unavailable, detail)
}

/// It did not answer in time.
pub(crate) fn timeout() -> CredentialError {
    CredentialError::new(ErrorCode::Timeout, "the keychain did not answer in time")
}

/// It cannot do this.
pub(crate) fn unsupported(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::Unsupported, detail)
}

/// It answered what cannot be understood.
pub(crate) fn garbled(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::InvalidResponse, detail)
}

/// Several items match where one is meant.
#[allow(dead_code, reason = "not every set of features has a store that finds several")]
pub(crate) fn ambiguous(count: usize) -> CredentialError {
    let detail = format!("{count} items of the keychain match: name more attributes");
    CredentialError::new(ErrorCode::ConfigurationInvalid, Detail::composed(detail))
}

/// Whether a person unlocking something would mend it.
pub(crate) fn is_locked(error: &CredentialError) -> bool {
    error.code() == ErrorCode::InteractionRequired
}
