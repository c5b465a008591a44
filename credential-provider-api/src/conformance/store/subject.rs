//! [`Subject`]: the store under test, and the calls to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Open, StoreSuite};
use crate::conformance::report::{Checked, Stop, fail};
use crate::conformance::witness::Witness;
use crate::credential::Credential;
use crate::error::{CredentialError, ErrorCode};
use crate::id::{CredentialId, ProviderId};
use crate::key::Key;
use crate::reference::CredentialRef;
use crate::revision::Revision;
use crate::store::{Grant, GrantStore, Lease, Loaded, Record};

/// A handle on the data.
pub(super) type Store = Arc<dyn GrantStore>;

/// Part of every grant and credential the suite makes: text that must never be shown.
const MARK: &str = "conformance-secret";

pub(super) struct Subject {
    pub(super) suite: StoreSuite,
    pub(super) witness: Witness,
    provider: ProviderId,
    run: u128,
    keys: AtomicU64,
}

impl Subject {
    pub(super) fn new(suite: StoreSuite) -> Checked<Self> {
        let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        Ok(Self {
            witness: Witness::new(suite.limit, vec![MARK.into()]),
            suite,
            provider: ProviderId::new("conformance")?,
            run,
            keys: AtomicU64::new(0),
        })
    }

    /// A key nobody used before.
    pub(super) fn key(&self) -> Checked<Key> {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let id = CredentialId::new(format!("{:x}/{number}", self.run))?;
        Ok(Key::gateway(&CredentialRef::new(self.provider.clone(), id)))
    }

    /// Another handle.
    pub(super) async fn open(&self) -> Checked<Handle<'_>> {
        self.open_with(&self.suite.open).await
    }

    pub(super) async fn open_with(&self, open: &Open) -> Checked<Handle<'_>> {
        let store = self.witness.call("the opening of a handle", open()).await?;
        let witness = &self.witness;
        Ok(Handle { store, witness })
    }
}

/// A record told apart from others by `name`.
pub(super) fn record(name: &str) -> Record {
    let grant = Grant::from(format!("{MARK}-grant-{name}").into_bytes());
    let credential = Credential::oauth2(format!("{MARK}-token-{name}").into());
    Record::new(Some(grant), Some(credential))
}

/// Whether `found` is the record made for `name`, going by its grant.
pub(super) fn is_record(found: Option<&Record>, name: &str) -> bool {
    let made = record(name);
    let grant = |record: &Record| record.grant.as_ref().map(|g| g.expose().to_vec());
    found.is_some_and(|found| grant(found) == grant(&made))
}

/// A handle whose calls are witnessed.
pub(super) struct Handle<'a> {
    store: Store,
    witness: &'a Witness,
}

/// What a store answered.
pub(super) type Answer<T> = Result<T, CredentialError>;

impl Handle<'_> {
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) async fn load(&self, key: &Key) -> Checked<Loaded> {
        let answer = self.witness.call("load", self.store.load(key)).await?;
        must("load", self.saw("load", answer))
    }

    pub(super) async fn list(&self) -> Checked<Vec<Key>> {
        let answer = self.witness.call("list", self.store.list()).await?;
        must("list", self.saw("list", answer))
    }

    pub(super) async fn try_save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Checked<Answer<Revision>> {
        let call = self.store.save(key, expected, record);
        let answer = self.witness.call("save", call).await?;
        Ok(self.saw("save", answer))
    }

    pub(super) async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Checked<Revision> {
        must("save", self.try_save(key, expected, record).await?)
    }

    pub(super) async fn try_remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Checked<Answer<Revision>> {
        let call = self.store.remove(key, expected);
        let answer = self.witness.call("remove", call).await?;
        Ok(self.saw("remove", answer))
    }

    pub(super) async fn remove(&self, key: &Key, expected: Option<Revision>) -> Checked<Revision> {
        must("remove", self.try_remove(key, expected).await?)
    }

    pub(super) async fn lease(&self, key: &Key) -> Checked<Box<dyn Lease>> {
        let answer = self.witness.call("lease", self.store.lease(key)).await?;
        let answer = answer.inspect_err(|error| self.witness.shown("the error of `lease`", error));
        let lease = must("lease", answer)?;
        self.witness.text("the holder of a lease", lease.holder());
        Ok(lease)
    }

    fn saw<T: std::fmt::Debug>(&self, what: &str, answer: Answer<T>) -> Answer<T> {
        match &answer {
            Ok(value) => self.witness.shown(&format!("the answer of `{what}`"), value),
            Err(error) => self.witness.shown(&format!("the error of `{what}`"), error),
        }
        answer
    }
}

/// The answer, which should not have been an error.
fn must<T>(what: &str, answer: Answer<T>) -> Checked<T> {
    answer.map_err(|error| Stop::Failed(format!("`{what}` was answered with {error}")))
}

/// A compare-and-swap that should have met another revision.
pub(super) fn conflict(what: &str, answer: Answer<Revision>) -> Checked {
    match answer {
        Err(error) if error.code() == ErrorCode::Conflict => Ok(()),
        Err(error) => {
            fail(format!("{what} was answered with {} in place of conflict", error.code()))
        }
        Ok(revision) => fail(format!("{what} succeeded as {revision}")),
    }
}
