//! [`SecretStore`]: OpenClaw's own table of secrets, read by somebody else.

use credential_provider_api::CredentialError;
use secrecy::SecretString;

/// Reads OpenClaw's secret store: [`TeamSecrets`](crate::openclaw::TeamSecrets) does, through whatever
/// reads SQLite.
pub trait SecretStore: Send + Sync {
    /// The values of `names`, in their order; `None` where there is no entry.
    ///
    /// It may block: it is called on a thread of its own, once for a batch, and given up after 5 s.
    /// It never writes.
    ///
    /// # Errors
    /// If the store cannot be read; it is left untouched. The error fails every name.
    fn read(&self, names: &[String]) -> Result<Vec<Option<SecretString>>, CredentialError>;
}
