//! [`HostKeys`]: keys the host brings.

use async_trait::async_trait;
use credential_provider_api::{CredentialError, ErrorCode};

use super::data_key::DataKey;
use super::ring::KeyRing;
use super::source::KeySource;

/// Keys that the host keeps: from its own vault, a mounted secret, a hardware module.
///
/// To rotate, the host opens the store everywhere with `HostKeys::new(new).with_old(old)`, calls
/// [`reencrypt`](crate::FileStore::reencrypt) once, and forgets the old key.
#[derive(Clone, Debug)]
pub struct HostKeys(KeyRing);

impl HostKeys {
    /// This key.
    #[must_use]
    pub const fn new(active: DataKey) -> Self {
        Self(KeyRing::new(active))
    }

    /// And an older one, for records not encrypted anew yet.
    #[must_use]
    pub fn with_old(self, key: DataKey) -> Self {
        Self(self.0.with_old(key))
    }
}

#[async_trait]
impl KeySource for HostKeys {
    async fn load(&self) -> Result<Option<KeyRing>, CredentialError> {
        Ok(Some(self.0.clone()))
    }

    async fn create(&self, _: KeyRing) -> Result<KeyRing, CredentialError> {
        Ok(self.0.clone())
    }

    async fn replace(&self, _: KeyRing) -> Result<(), CredentialError> {
        let detail = "the host keeps the keys: open the store with the new key and the old one, \
                      then encrypt anew";
        Err(CredentialError::new(ErrorCode::Unsupported, detail))
    }

    fn describe(&self) -> String {
        "keys of the host".to_owned()
    }
}
