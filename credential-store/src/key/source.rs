//! [`KeySource`]: where data keys are kept.

use async_trait::async_trait;
use credential_provider_api::CredentialError;

use super::ring::KeyRing;

/// Where the keys of a store are kept: a [file](super::KeyFile), the [host](super::HostKeys), an OS
/// keychain.
///
/// Losing the keys is losing every login in the store. The store calls `replace` under its lock for
/// rotations, so two of them never race; `create` must be safe against another process's.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The keys there are; `None` if none was ever made.
    ///
    /// # Errors
    /// `store_unreadable` if they are there and cannot be read; the source's own otherwise.
    async fn load(&self) -> Result<Option<KeyRing>, CredentialError>;

    /// Keeps `ring` if there is none yet, and returns what is there then.
    ///
    /// # Errors
    /// The source's own.
    async fn create(&self, ring: KeyRing) -> Result<KeyRing, CredentialError>;

    /// Keeps `ring` in place of what is there. When it has returned, a crash does not undo it.
    ///
    /// # Errors
    /// `unsupported` if the keys are not the source's to change.
    async fn replace(&self, ring: KeyRing) -> Result<(), CredentialError>;

    /// What it is, for people and errors.
    fn describe(&self) -> String;
}
