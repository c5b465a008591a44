//! A store in memory that keeps every promise but to outlive its process.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use credential_provider_api::{
    CredentialError, ErrorCode, GrantStore, Key, Lease, Loaded, Record, Revision, StoreChange,
    StoreChanges, async_trait,
};

use crate::common::{Feed, Shared, turn};

/// Clones share the data.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    entries: Arc<Shared<BTreeMap<Key, Entry>>>,
    leases: Arc<Shared<Leases>>,
    feed: Arc<Feed<StoreChange>>,
}

struct Entry {
    revision: Revision,
    record: Option<Record>,
}

#[derive(Default)]
struct Leases {
    next: u64,
    queues: BTreeMap<Key, VecDeque<Waiter>>,
}

struct Waiter {
    number: u64,
    waker: Option<Waker>,
}

impl Memory {
    /// Puts a record there under a revision of the caller's choice.
    pub(crate) fn force(&self, key: &Key, revision: Revision, record: Option<Record>) {
        let entry = Entry { revision, record };
        self.entries.get().insert(key.clone(), entry);
        self.feed.tell(&StoreChange::Key(key.clone()));
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Option<Record>,
    ) -> Result<Revision, CredentialError> {
        turn().await;
        let mut entries = self.entries.get();
        let found = entries.get(key).map(|entry| entry.revision);
        if found != expected {
            return Err(CredentialError::new(ErrorCode::Conflict, "it has changed"));
        }
        let revision = found.map_or(Revision::FIRST, Revision::next);
        entries.insert(key.clone(), Entry { revision, record });
        self.feed.tell(&StoreChange::Key(key.clone()));
        Ok(revision)
    }
}

#[async_trait]
impl GrantStore for Memory {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        let entries = self.entries.get();
        Ok(entries.get(key).map_or_else(Loaded::default, |entry| {
            Loaded::new(Some(entry.revision), entry.record.clone())
        }))
    }

    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        let entries = self.entries.get();
        let kept = entries.iter().filter(|(_, entry)| entry.record.is_some());
        Ok(kept.map(|(key, _)| key.clone()).collect())
    }

    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError> {
        self.swap(key, expected, Some(record)).await
    }

    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError> {
        self.swap(key, expected, None).await
    }

    fn watch(&self) -> StoreChanges {
        Box::pin(self.feed.subscribe())
    }

    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        let place = Place::at_the_end(self.leases.clone(), key.clone());
        poll_fn(|cx| {
            let mut leases = place.leases.get();
            let queue = leases.queues.entry(key.clone()).or_default();
            if queue.front().is_some_and(|first| first.number == place.number) {
                return Poll::Ready(());
            }
            let mine = queue.iter_mut().find(|waiter| waiter.number == place.number);
            mine.unwrap().waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
        Ok(Box::new(place))
    }
}

/// A place in the queue for a lease; the first holds it.
struct Place {
    leases: Arc<Shared<Leases>>,
    key: Key,
    number: u64,
}

impl Place {
    fn at_the_end(leases: Arc<Shared<Leases>>, key: Key) -> Self {
        let mut all = leases.get();
        all.next += 1;
        let number = all.next;
        let waiter = Waiter { number, waker: None };
        all.queues.entry(key.clone()).or_default().push_back(waiter);
        drop(all);
        Self { leases, key, number }
    }
}

impl Lease for Place {
    fn holder(&self) -> &str {
        "this process"
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut leases = self.leases.get();
        let Some(queue) = leases.queues.get_mut(&self.key) else {
            return;
        };
        queue.retain(|waiter| waiter.number != self.number);
        if let Some(waker) = queue.front_mut().and_then(|first| first.waker.take()) {
            waker.wake();
        }
    }
}
