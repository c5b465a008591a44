//! Where secrets go.

use async_trait::async_trait;
use credential_provider_api::{CredentialError, CredentialRef};
use secrecy::SecretString;

/// A place that keeps static secrets and gives them out as credentials: a keychain, a store.
///
/// What is written under a name must be what a provider of that id then resolves.
#[async_trait]
pub trait SecretSink: Send + Sync {
    /// What is kept under a name; `None` if nothing is.
    ///
    /// # Errors
    /// Why nobody knows.
    async fn read(&self, name: &CredentialRef) -> Result<Option<SecretString>, CredentialError>;

    /// Keeps a secret, in place of what was kept. Durable when this has returned.
    ///
    /// # Errors
    /// Why it is not kept.
    async fn write(
        &self,
        name: &CredentialRef,
        secret: &SecretString,
    ) -> Result<(), CredentialError>;

    /// Forgets what is kept under a name; nothing kept is no error.
    ///
    /// # Errors
    /// Why it is still kept.
    async fn remove(&self, name: &CredentialRef) -> Result<(), CredentialError>;
}
