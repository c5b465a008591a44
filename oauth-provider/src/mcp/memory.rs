//! [`Memory`]: the record in which a provider remembers, shared by all processes on the store.

use std::sync::Arc;

use credential_provider_api::{
    CredentialError, CredentialId, CredentialRef, ErrorCode, GrantStore, InvalidId, Key, Lease,
    ProviderId, Record,
};

use super::registered::Remembered;

/// The credential id of the record. No consumer can ask for it: the descriptor does not list it.
pub(super) const RECORD: &str = "mcp:registration";
/// Others may change the record meanwhile, each of them for a moment.
const TRIES: usize = 32;

pub(super) struct Memory {
    store: Arc<dyn GrantStore>,
    key: Key,
    /// The server it is about.
    server: String,
}

impl Memory {
    pub(super) fn new(
        store: Arc<dyn GrantStore>,
        provider: ProviderId,
        server: String,
    ) -> Result<Self, InvalidId> {
        let key = Key::gateway(&CredentialRef::new(provider, CredentialId::new(RECORD)?));
        Ok(Self { store, key, server })
    }

    /// What is remembered. Cancel-safe.
    pub(super) async fn load(&self) -> Result<Remembered, CredentialError> {
        let record = self.store.load(&self.key).await?.record;
        self.read(record)
    }

    /// Changes what is remembered, whoever else does at the same time; `change` says whether there was
    /// anything to change. Cancel-safe: it has happened or not.
    pub(super) async fn update(
        &self,
        change: impl Fn(&mut Remembered) -> bool + Send + Sync,
    ) -> Result<(), CredentialError> {
        for _ in 0..TRIES {
            let found = self.store.load(&self.key).await?;
            let mut remembered = self.read(found.record)?;
            if !change(&mut remembered) {
                return Ok(());
            }
            let record = Record::new(Some(remembered.to_grant(&self.server)?), None);
            match self.store.save(&self.key, found.revision, record).await {
                Ok(_) => return Ok(()),
                Err(error) if error.code() == ErrorCode::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        let detail = "others change what is registered faster than it can be saved";
        Err(CredentialError::new(ErrorCode::Conflict, detail))
    }

    /// The right to register: one process at a time.
    pub(super) async fn lease(&self) -> Result<Box<dyn Lease>, CredentialError> {
        self.store.lease(&self.key).await
    }

    fn read(&self, record: Option<Record>) -> Result<Remembered, CredentialError> {
        match record.and_then(|record| record.grant) {
            Some(grant) => Remembered::from_grant(&grant, &self.server),
            None => Ok(Remembered::default()),
        }
    }
}
