//! [`VolcengineRuntime`]: what a provider runs on.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{Clock, Random};
use oauth_provider::HttpClient;

use crate::environment::Environment;
use crate::files::Files;

/// What a provider runs on: lent by its host through the factory.
#[derive(Clone)]
pub(crate) struct VolcengineRuntime {
    /// For calls to services.
    pub(crate) http: Arc<dyn HttpClient>,
    /// For metadata services, which have private addresses and no TLS.
    pub(crate) metadata: Arc<dyn HttpClient>,
    /// The file system.
    pub(crate) files: Arc<dyn Files>,
    /// The environment.
    pub(crate) environment: Arc<dyn Environment>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness, for pauses.
    pub(crate) random: Arc<dyn Random>,
}

impl fmt::Debug for VolcengineRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VolcengineRuntime")
    }
}
