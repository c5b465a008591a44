//! [`MemoryStore`]: grants for as long as the process lives.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use credential_provider_api::{
    CredentialError, ErrorCode, GrantStore, Key, Lease, Loaded, Record, Revision, StoreChange,
    StoreChanges,
};
use futures::stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex as Queue, OwnedMutexGuard, broadcast};

/// Changes a slow watcher may fall behind before it is told that it missed some.
const BACKLOG: usize = 1024;

/// Grants in memory, for tests and for hosts that sign in anew at each start. Clones share them.
///
/// It keeps all promises of a [`GrantStore`] among the tasks of one process, but durability.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    records: Mutex<HashMap<Key, Loaded>>,
    queues: Mutex<HashMap<Key, Arc<Queue<()>>>>,
    changes: broadcast::Sender<Key>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let changes = broadcast::Sender::new(BACKLOG);
        let shared = Shared { records: Mutex::default(), queues: Mutex::default(), changes };
        Self { shared: Arc::new(shared) }
    }

    fn swap(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Option<Record>,
    ) -> Result<Revision, CredentialError> {
        let mut records = locked(&self.shared.records);
        let found = records.get(key).and_then(|found| found.revision);
        if found != expected {
            let detail = "the record has another revision";
            return Err(CredentialError::new(ErrorCode::Conflict, detail));
        }
        let revision = found.map_or(Revision::FIRST, Revision::next);
        records.insert(key.clone(), Loaded::new(Some(revision), record));
        drop(records);
        // Nobody watching is no error.
        let _ = self.shared.changes.send(key.clone());
        Ok(revision)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        Ok(locked(&self.shared.records).get(key).cloned().unwrap_or_default())
    }

    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        let records = locked(&self.shared.records);
        let kept = records.iter().filter(|(_, found)| found.record.is_some());
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
        let changes = self.shared.changes.subscribe();
        Box::pin(stream::unfold(changes, |mut changes| async move {
            match changes.recv().await {
                Ok(key) => Some((StoreChange::Key(key), changes)),
                Err(RecvError::Lagged(_)) => Some((StoreChange::Missed, changes)),
                Err(RecvError::Closed) => None,
            }
        }))
    }

    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        let queue = {
            let mut queues = locked(&self.shared.queues);
            if queues.len() > 64 && queues.len().is_power_of_two() {
                queues.retain(|_, queue| Arc::strong_count(queue) > 1);
            }
            queues.entry(key.clone()).or_default().clone()
        };
        let turn = queue.lock_owned().await;
        Ok(Box::new(MemoryLease { turn, holder: format!("process {}", std::process::id()) }))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("records", &locked(&self.shared.records).len())
            .finish_non_exhaustive()
    }
}

struct MemoryLease {
    #[allow(dead_code, reason = "held for its drop")]
    turn: OwnedMutexGuard<()>,
    holder: String,
}

impl Lease for MemoryLease {
    fn holder(&self) -> &str {
        &self.holder
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
