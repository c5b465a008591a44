//! What an entry is derived from and what is derived from it; kept apart because few have either.

use std::sync::{Arc, Weak};

use credential_provider_api::{AccountId, Credential, CredentialId, Timestamp};
use tokio::sync::watch;

use super::cell::Entry;

/// A dependency met during a flight: the parent as it was then.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) parent: Arc<Entry>,
    pub(crate) epoch: u32,
    /// When the revision used ends: the child ends no later.
    pub(crate) until: Timestamp,
    pub(crate) depth: u8,
}

#[derive(Default)]
pub(super) struct Kin {
    /// Strong: a parent lives as long as its children, so that taking it back finds them.
    pub(super) parents: Vec<(Arc<Entry>, u32)>,
    pub(super) children: Vec<Weak<Entry>>,
    /// Longest way down to a credential that depends on nothing.
    pub(super) depth: u8,
    /// The account last served: what a sign-in is compared with.
    pub(super) account: Option<AccountId>,
    /// The credential withdrawn by a rejection, to know it again and to renew from.
    pub(super) rejected: Option<Arc<Credential>>,
    /// What a selecting source chose, newest last.
    pub(super) selected: Vec<CredentialId>,
    /// Wakes handles that wait for a change.
    pub(super) changed: Option<watch::Sender<u64>>,
}

/// Choices of a selecting source that are remembered for reports.
const SELECTED: usize = 64;

impl Kin {
    pub(super) fn add_child(&mut self, child: &Arc<Entry>) {
        // Amortised: sweep out the dead, and those that came back, before the list would grow.
        if self.children.len() == self.children.capacity() {
            self.children.retain(|weak| weak.strong_count() > 0);
            self.children.sort_by_key(|weak| weak.as_ptr().addr());
            self.children.dedup_by(|a, b| Weak::ptr_eq(a, b));
        }
        self.children.push(Arc::downgrade(child));
    }

    pub(super) fn has_parent(&self, edge: &Edge) -> bool {
        self.parents
            .iter()
            .any(|(parent, epoch)| *epoch == edge.epoch && Arc::ptr_eq(parent, &edge.parent))
    }

    pub(super) fn select(&mut self, id: &CredentialId) {
        self.selected.retain(|known| known != id);
        if self.selected.len() >= SELECTED {
            self.selected.remove(0);
        }
        self.selected.push(id.clone());
    }
}
