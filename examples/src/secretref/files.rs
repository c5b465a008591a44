//! [`FileFactory`]: a factory that the host brings itself.

use std::path::PathBuf;
use std::sync::Arc;

use credential_provider_api::{
    ConfigError, CredentialProvider, FactoryContext, ProviderFactory, ProviderId, Settings,
    async_trait,
};

use crate::handwritten::FileProvider;

/// Builds [`FileProvider`]s: `{ "type": "file", "path": "/abs/keys.json" }`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileFactory;

#[async_trait]
impl ProviderFactory for FileFactory {
    fn type_name(&self) -> &str {
        "file"
    }

    async fn build(
        &self,
        id: ProviderId,
        mut settings: Settings,
        _: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let at = settings.path().to_owned();
        let path = settings.take_text("path").map(PathBuf::from);
        let path = path.filter(|path| path.is_absolute());
        let path = path.ok_or_else(|| ConfigError::new(&at, "has a path, which is absolute"))?;
        let provider = FileProvider::new(id.as_str(), path);
        Ok(Arc::new(provider.map_err(|_| ConfigError::new(&at, "has an id that is none"))?))
    }
}
