//! The traits.

use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

use super::record::{Loaded, Record};
use crate::error::CredentialError;
use crate::key::Key;
use crate::revision::Revision;

/// Where grants live.
///
/// The operations fit a folder, Redis and SQL alike: one atomic compare-and-swap per key, one lease
/// per key, one stream of changes.
///
/// # What a store promises
/// 1. **Durable**: when `save` or `remove` has returned, a crash does not undo it.
/// 2. **Compare-and-swap**: `save` and `remove` succeed only if the revision is the one expected; of
///    two at once with the same expectation exactly one succeeds, the other gets `conflict`.
/// 3. **Revisions grow** with every save and remove of a key, survive restarts and removal, and are
///    never used again.
/// 4. **Tombstone**: `remove` leaves a revision behind, so a save that expected the old one fails.
/// 5. **Atomic**: a load sees a whole record or none.
/// 6. **Lease**: at most one holder per key among all who share the store; never taken from a live
///    holder, however slow; free at once when the holder's process ends; waiting is fair enough that
///    nobody starves; other keys' leases do not wait for it.
/// 7. **Watch**: every save and remove by others reaches a watcher within 2 s.
/// 8. **Order of an interrupted renewal**: an [`Intent`](super::Intent) saved before a crash is
///    still there after it.
///
/// All futures but `lease` may be dropped at any time; a dropped `save` has either happened or not.
#[async_trait]
pub trait GrantStore: Send + Sync {
    /// What is kept for `key`.
    ///
    /// # Errors
    /// `store_unreadable` if the data is damaged: it is left untouched.
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError>;

    /// The keys that have a record. One that cannot be read is left out: its load says what is wrong.
    ///
    /// # Errors
    /// If nothing can be read.
    async fn list(&self) -> Result<Vec<Key>, CredentialError>;

    /// Replaces what is kept, if the revision still is `expected` (`None`: never saved).
    ///
    /// # Errors
    /// `conflict` if it is another.
    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError>;

    /// Removes the record, leaving a tombstone with the revision returned.
    ///
    /// # Errors
    /// `conflict` if the revision is not `expected`.
    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError>;

    /// Saves and removes by others, and by this handle too if the store cannot tell them apart.
    fn watch(&self) -> StoreChanges;

    /// Waits for the lease of `key`. Dropping the future gives up waiting.
    ///
    /// # Errors
    /// `store_locked` if the store limits the wait; the detail says who holds it.
    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError>;
}

/// The right to renew one key. Dropping it releases it.
pub trait Lease: Send + Sync {
    /// Who holds it: host, process, task; for people.
    fn holder(&self) -> &str;

    /// Whether it still is held, as far as can be told without waiting. A store whose leases can be
    /// lost by a live holder (a session that broke, a term that passed) says so here; it is asked
    /// just before what must not be done twice.
    fn is_held(&self) -> bool {
        true
    }
}

/// A save or remove.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreChange {
    /// Of this key.
    Key(Key),
    /// The watcher may have missed some: load everything of interest again.
    Missed,
}

/// A stream of changes; it ends when the store is closed.
pub type StoreChanges = Pin<Box<dyn Stream<Item = StoreChange> + Send>>;
