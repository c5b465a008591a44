//! A store in memory, for tests that need one: compare-and-swap, tombstones, a fair lease, a watch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use credential_provider_api::*;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, broadcast};

#[derive(Clone)]
pub struct MemoryStore {
    records: Arc<Mutex<HashMap<Key, Loaded>>>,
    turns: Arc<Mutex<HashMap<Key, Arc<Turn<()>>>>>,
    changes: broadcast::Sender<Key>,
}

impl MemoryStore {
    pub fn new() -> Self {
        let changes = broadcast::Sender::new(64);
        Self { records: Arc::default(), turns: Arc::default(), changes }
    }

    fn swap(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Option<Record>,
    ) -> Result<Revision, CredentialError> {
        let mut records = self.records.lock().unwrap();
        let now = records.get(key).and_then(|loaded| loaded.revision);
        if now != expected {
            return Err(CredentialError::new(ErrorCode::Conflict, "another revision is there"));
        }
        let next = now.map_or(Revision::FIRST, Revision::next);
        records.insert(key.clone(), Loaded::new(Some(next), record));
        let _ = self.changes.send(key.clone());
        Ok(next)
    }
}

struct Held(#[allow(dead_code, reason = "held for its drop")] OwnedMutexGuard<()>);

impl Lease for Held {
    fn holder(&self) -> &str {
        "a task of this test"
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        Ok(self.records.lock().unwrap().get(key).cloned().unwrap_or_default())
    }
    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        let records = self.records.lock().unwrap();
        let kept = records.iter().filter(|(_, loaded)| loaded.record.is_some());
        Ok(kept.map(|(key, _)| key.clone()).collect())
    }
    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError> {
        self.swap(key, expected, Some(record))
    }
    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError> {
        self.swap(key, expected, None)
    }
    fn watch(&self) -> StoreChanges {
        let receiver = self.changes.subscribe();
        Box::pin(futures::stream::unfold(receiver, |mut receiver| async move {
            match receiver.recv().await {
                Ok(key) => Some((StoreChange::Key(key), receiver)),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    Some((StoreChange::Missed, receiver))
                }
                Err(broadcast::error::RecvError::Closed) => None,
            }
        }))
    }
    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        let turn = self.turns.lock().unwrap().entry(key.clone()).or_default().clone();
        Ok(Box::new(Held(turn.lock_owned().await)))
    }
}
