//! Taking back: rejection and withdrawal; and a sign-in, which takes back what was before.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, Weak};

use credential_provider_api::{ChangeCause, Credential, Event, EventKind, Revision};

use super::cell::{Entry, Inner};
use super::kin::{Edge, Kin};
use super::machine::{Ended, Rejection, Superseded, Withdrawal};
use super::settle::issue;
use crate::core::Core;
use crate::flight::Flight;
use crate::sync::lock;

/// What a withdrawal leaves behind.
pub(crate) struct Withdrawn {
    /// The entry's own flight, if one is still under way.
    pub(crate) own: Option<Flight>,
    /// Its descendants' flights.
    pub(crate) descendants: Vec<Flight>,
    /// The epoch it began.
    pub(crate) epoch: u32,
}

/// Who watches that an account does not change without a sign-in (promise 5).
#[derive(Clone, Copy, PartialEq, Eq)]
enum AccountKept {
    /// The entry itself.
    Here,
    /// One it was derived from, which has an account: this one's follows that.
    Above,
}

impl Entry {
    /// Somebody saw `revision` rejected.
    pub(crate) fn reject(&self, core: &Core, revision: Revision) {
        let now = core.clock.now();
        let mut inner = lock(&self.inner);
        self.reject_locked(&mut inner, revision);
        self.tell(core, &mut inner, now, ChangeCause::Rejected);
    }

    /// What there is stops being served, its children's too.
    pub(crate) fn withdraw(&self, core: &Core, withdrawal: Withdrawal) -> Withdrawn {
        self.withdraw_under(core, withdrawal, AccountKept::Here)
    }

    fn withdraw_under(
        &self,
        core: &Core,
        withdrawal: Withdrawal,
        mut account: AccountKept,
    ) -> Withdrawn {
        let now = core.clock.now();
        let mut inner = lock(&self.inner);
        inner.machine.withdraw(withdrawal);
        self.value.store(None);
        self.marks.store(0, Ordering::Release);
        let epoch = inner.machine.epoch();
        let flight = inner.flight.as_deref().cloned();
        let rejected = inner.machine.rejected();
        let children = match inner.kin.as_deref_mut() {
            Some(kin) => {
                kin.parents.clear();
                if rejected.is_none() {
                    kin.rejected = None;
                }
                let anew = matches!(withdrawal, Withdrawal::SignedIn | Withdrawal::ProviderChanged);
                let above = account == AccountKept::Above;
                if kin.account.is_some() {
                    account = AccountKept::Above;
                }
                if anew || above {
                    kin.account = None;
                }
                wake(kin);
                std::mem::take(&mut kin.children)
            }
            None => Vec::new(),
        };
        self.tell(core, &mut inner, now, cause(withdrawal));
        drop(inner);
        if let Some(flight) = &flight {
            flight.stop.cancel();
        }
        let mut descendants = Vec::new();
        for child in children.iter().filter_map(Weak::upgrade) {
            let withdrawn = child.withdraw_under(core, Withdrawal::ParentEnded, account);
            descendants.extend(withdrawn.own);
            descendants.extend(withdrawn.descendants);
        }
        Withdrawn { own: flight, descendants, epoch }
    }

    /// Somebody else renewed it: what is older is served until the newer one is here.
    pub(crate) fn superseded(self: &Arc<Self>, core: &Core, revision: Revision) {
        let now = core.clock.now();
        let mut inner = lock(&self.inner);
        let found = inner.machine.superseded(revision, now);
        self.tell(core, &mut inner, now, ChangeCause::Invalidated);
        drop(inner);
        match found {
            Superseded::Known => {}
            Superseded::Older => core.scheduler.schedule(self, now),
            // What was remembered of its absence is past.
            Superseded::Unserved => drop(self.withdraw(core, Withdrawal::Invalidated)),
        }
    }

    /// A credential a sign-in brought is served at once, unless something was taken back since
    /// `epoch`, the one the sign-in began, or from what it was derived from.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        core: &Core,
        credential: Credential,
        epoch: u32,
        edges: &[Edge],
    ) {
        let now = core.clock.now();
        if edges.iter().any(|edge| !edge.parent.adopt_child(self, edge)) {
            return;
        }
        let mut inner = lock(&self.inner);
        if inner.machine.epoch() != epoch {
            return;
        }
        let issued = issue(core, &inner, credential, edges, now);
        let (Ended::Issued { revision, plan }, Some(credential)) = issued else { return };
        inner.machine.adopt(revision, plan, now);
        let depth = edges.iter().map(|edge| edge.depth + 1).max().unwrap_or(0);
        self.publish(&mut inner, &credential, edges, depth);
        self.tell(core, &mut inner, now, ChangeCause::SignedIn);
        let key = self.key().clone();
        core.events.send(Event::new(now, EventKind::Renewed { key, revision }));
        drop(inner);
        core.scheduler.schedule(self, plan.renew_at);
    }

    pub(super) fn reject_locked(&self, inner: &mut MutexGuard<'_, Inner>, revision: Revision) {
        if inner.machine.reject(revision) == Rejection::Withdrawn {
            let rejected = self.value.swap(None);
            self.marks.store(0, Ordering::Release);
            let kin = inner.kin.get_or_insert_default();
            kin.rejected = rejected;
            wake(kin);
        }
    }
}

pub(super) fn wake(kin: &Kin) {
    if let Some(changed) = &kin.changed {
        changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn cause(withdrawal: Withdrawal) -> ChangeCause {
    match withdrawal {
        Withdrawal::Invalidated => ChangeCause::Invalidated,
        Withdrawal::ParentEnded => ChangeCause::ParentEnded,
        Withdrawal::ProviderChanged => ChangeCause::ProviderChanged,
        Withdrawal::Revoked => ChangeCause::Revoked,
        Withdrawal::SessionEnded => ChangeCause::SessionEnded,
        Withdrawal::SignedIn => ChangeCause::SignedIn,
        Withdrawal::SignedOut => ChangeCause::SignedOut,
    }
}
