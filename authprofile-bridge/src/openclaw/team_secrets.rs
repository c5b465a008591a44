//! The team's secrets in OpenClaw's shared database, as a source of references.

use std::path::PathBuf;
use std::sync::Arc;

use credential_provider_api::CredentialError;
use secrecy::SecretString;

use super::database::{Database, Row};
use crate::secret_ref::SecretStore;

/// What `openclaw secrets store set` has kept (2026.8 and later), for references of source `store`.
///
/// Read only. A secret that was removed there is not found.
#[derive(Clone, Debug)]
pub struct TeamSecrets {
    database: Arc<dyn Database>,
    file: PathBuf,
}

impl TeamSecrets {
    /// The secrets in the shared database: [`Home::shared_database`](super::Home::shared_database).
    #[must_use]
    pub fn new(database: Arc<dyn Database>, file: impl Into<PathBuf>) -> Self {
        Self { database, file: file.into() }
    }
}

impl SecretStore for TeamSecrets {
    fn read(&self, names: &[String]) -> Result<Vec<Option<SecretString>>, CredentialError> {
        let rows: Vec<Row> = names.iter().cloned().map(Row::SecretValue).collect();
        self.database.read(&self.file, &rows)
    }
}
