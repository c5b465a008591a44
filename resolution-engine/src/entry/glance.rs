//! An entry as others may see it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use credential_provider_api::{
    AccountId, Credential, CredentialError, CredentialId, Revision, State, Timestamp,
};
use tokio::sync::watch;

use super::cell::Entry;
use crate::sync::lock;

/// An entry as others may see it.
pub(crate) struct Glance {
    pub(crate) state: State,
    pub(crate) revision: Option<Revision>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) account: Option<AccountId>,
    pub(crate) error: Option<CredentialError>,
}

/// Whether an entry knows a credential as its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Yes,
    No,
}

impl Entry {
    /// Marks `bit` for the revision, if it still is the one served.
    pub(crate) fn mark(&self, revision: Revision, bit: u64, access_epoch: u64) {
        let inner = lock(&self.inner);
        if inner.machine.revision() != Some(revision) {
            return;
        }
        let marks = self.marks.load(Ordering::Relaxed);
        let kept = if marks >> 40 == access_epoch { marks } else { access_epoch << 40 };
        self.marks.store(kept | bit, Ordering::Release);
        drop(inner);
    }

    pub(crate) fn epoch(&self) -> u32 {
        lock(&self.inner).machine.epoch()
    }

    /// Whether the session has ended since `epoch`.
    pub(crate) fn session_ended_since(&self, epoch: u32) -> bool {
        lock(&self.inner).machine.session_ended_since(epoch)
    }

    pub(crate) fn depth(&self) -> u8 {
        lock(&self.inner).kin.as_ref().map_or(0, |kin| kin.depth)
    }

    pub(crate) fn account(&self) -> Option<AccountId> {
        lock(&self.inner).kin.as_ref()?.account.clone()
    }

    pub(crate) fn selected(&self) -> Vec<CredentialId> {
        lock(&self.inner).kin.as_ref().map(|kin| kin.selected.clone()).unwrap_or_default()
    }

    /// Whether `credential` is, or until its rejection was, what this entry serves.
    pub(crate) fn served(&self, credential: &Arc<Credential>) -> Served {
        let inner = lock(&self.inner);
        let rejected = inner.kin.as_ref().and_then(|kin| kin.rejected.as_ref());
        let current = self.value.load();
        if current.as_ref().or(rejected).is_some_and(|known| Arc::ptr_eq(known, credential)) {
            Served::Yes
        } else {
            Served::No
        }
    }

    pub(crate) fn glance(&self, now: Timestamp) -> Glance {
        let inner = lock(&self.inner);
        Glance {
            state: inner.machine.state(now),
            revision: inner.machine.revision(),
            until: inner.machine.until().filter(|until| *until != Timestamp::MAX),
            account: inner.kin.as_ref().and_then(|kin| kin.account.clone()),
            error: inner.machine.failure().cloned().map(CredentialError::without_step),
        }
    }

    /// A receiver that is told of every new revision, rejection and withdrawal.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        let mut inner = lock(&self.inner);
        let kin = inner.kin.get_or_insert_default();
        kin.changed.get_or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Whether nobody would miss it: nothing under way, and unused since before `used_before`, or, if
    /// it remembers a revocation, since before `revoked_before`.
    pub(crate) fn is_idle(&self, now: Timestamp, used_before: u32, revoked_before: u32) -> bool {
        let inner = lock(&self.inner);
        let before = match inner.machine.state(now) {
            State::Revoked => revoked_before,
            _ => used_before,
        };
        !inner.machine.is_flying() && self.last_used() < before
    }

    /// It is being taken out of the table.
    pub(crate) fn leave(&self) {
        lock(&self.inner).gone = true;
    }

    /// The configuration changed: what failed because of it is tried again.
    pub(crate) fn forgive(&self) {
        lock(&self.inner).machine.forgive();
    }

    /// What it is derived from.
    pub(crate) fn parents(&self) -> Vec<Arc<Self>> {
        let inner = lock(&self.inner);
        let parents = inner.kin.iter().flat_map(|kin| &kin.parents);
        parents.map(|(parent, _)| parent.clone()).collect()
    }

    /// Whether it holds no credential and nothing is under way: what a flood of unknown keys leaves
    /// behind. A revocation is remembered all the same.
    pub(crate) fn is_vacant(&self, now: Timestamp) -> bool {
        let inner = lock(&self.inner);
        let forgotten = !inner.machine.is_flying() && inner.machine.state(now) != State::Revoked;
        forgotten && inner.machine.revision().is_none()
    }
}
