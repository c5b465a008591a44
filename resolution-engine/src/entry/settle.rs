//! The end of a flight: publish, keep or discard.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};

use credential_provider_api::{
    ChangeCause, Credential, CredentialError, ErrorCode, Event, EventKind, Freshness, Interaction,
    ServingWindow, Timestamp,
};

use super::cell::{Entry, Inner, broken};
use super::kin::Edge;
use super::machine::{Effect, Ended};
use super::window::plan;
use super::withdraw::wake;
use crate::core::Core;
use crate::flight::{DEEPEST, Landed, Outcome};
use crate::sync::lock;

impl Entry {
    /// A flight ended: publish, keep or discard, then say what those who wait are told.
    pub(crate) fn settle(
        self: &Arc<Self>,
        core: &Core,
        number: u32,
        landed: Landed,
        edges: &[Edge],
        interaction: Interaction,
    ) -> Outcome {
        let now = core.clock.now();
        // Children are known to their parents before they are served: a parent withdrawn from here
        // on finds them, and one withdrawn before is noticed here.
        let stale = edges.iter().any(|edge| !edge.parent.adopt_child(self, edge));
        let depth = edges.iter().map(|edge| edge.depth + 1).max().unwrap_or(0);
        let landed = match landed {
            _ if stale => Landed::Stopped,
            Landed::Credential(_) if depth > DEEPEST => {
                Landed::Failed(CredentialError::new(ErrorCode::DependencyTooDeep, ""))
            }
            landed => landed,
        };
        let mut inner = lock(&self.inner);
        let before = inner.machine.revision();
        let (ended, issued, selected) = match landed {
            Landed::Credential(credential) => {
                let (ended, issued) = issue(core, &inner, *credential, edges, now);
                (ended, issued, None)
            }
            Landed::Unchanged => match self.value().as_ref() {
                // Nothing was rejected, and it may be cached for another while or its parents were
                // renewed: it is the same credential with a longer life.
                Some(known)
                    if inner.machine.rejected().is_none()
                        && (matches!(known.freshness(), Freshness::For(_))
                            || !edges.is_empty()) =>
                {
                    let (ended, issued) = issue(core, &inner, (**known).clone(), edges, now);
                    (ended, issued, None)
                }
                _ => (Ended::Unchanged, None, None),
            },
            Landed::Selected(id) => (Ended::Passing, None, Some(id)),
            Landed::Failed(error) => {
                (Ended::Failed(error.about(&self.key().reference())), None, None)
            }
            Landed::Stopped => (Ended::Stopped, None, None),
        };
        let effect = match &ended {
            // Those that fail together should not come back together.
            Ended::Failed(_) | Ended::Unchanged => {
                inner.machine.ended(number, ended, now, &core.jittered())
            }
            _ => inner.machine.ended(number, ended, now, &core.tuning),
        };
        let epoch = inner.machine.epoch();
        inner.flight = None;
        let mut next_look = None;
        let outcome = match effect {
            Effect::Publish(at) => match issued {
                Some(credential) => {
                    next_look = Some(at);
                    self.publish(&mut inner, &credential, edges, depth);
                    Outcome::Served(credential, epoch)
                }
                None => Outcome::Failed(broken("nothing to publish"), interaction),
            },
            Effect::Keep(at) => {
                next_look = Some(at);
                match self.value.load_full() {
                    Some(credential) => Outcome::Served(credential, epoch),
                    None => Outcome::Failed(broken("nothing to keep"), interaction),
                }
            }
            Effect::Pass => match (selected, issued) {
                (Some(id), _) => {
                    inner.kin.get_or_insert_default().select(&id);
                    Outcome::Selected(id)
                }
                (None, Some(credential)) => Outcome::Served(credential, epoch),
                (None, None) => Outcome::Failed(broken("nothing to pass on"), interaction),
            },
            Effect::Fail(error, at) => {
                next_look = at;
                Outcome::Failed(error, interaction)
            }
            Effect::Discard => {
                // What a sign-in brought meanwhile had its appointment while this flight was there.
                next_look = inner.machine.renew_at();
                Outcome::Fenced(issued)
            }
        };
        self.tell(core, &mut inner, now, ChangeCause::Answered);
        if let (Outcome::Served(..), Some(revision)) = (&outcome, inner.machine.revision())
            && before != Some(revision)
        {
            let key = self.key().clone();
            core.events.send(Event::new(now, EventKind::Renewed { key, revision }));
        }
        drop(inner);
        if let Some(at) = next_look {
            core.scheduler.schedule(self, at);
        }
        outcome
    }

    pub(super) fn adopt_child(self: &Arc<Self>, child: &Arc<Self>, edge: &Edge) -> bool {
        let known = lock(&child.inner).kin.as_ref().is_some_and(|kin| kin.has_parent(edge));
        let mut inner = lock(&self.inner);
        if inner.machine.epoch() != edge.epoch {
            return false;
        }
        if !known {
            inner.kin.get_or_insert_default().add_child(child);
            drop(inner);
            let mut inner = lock(&child.inner);
            let kin = inner.kin.get_or_insert_default();
            kin.parents.retain(|(parent, _)| !Arc::ptr_eq(parent, self));
            kin.parents.push((self.clone(), edge.epoch));
        }
        true
    }

    pub(super) fn publish(
        &self,
        inner: &mut MutexGuard<'_, Inner>,
        credential: &Arc<Credential>,
        edges: &[Edge],
        depth: u8,
    ) {
        // Marks first: a reader that sees the new value must not see marks of the old one.
        self.marks.store(0, Ordering::Release);
        self.value.store(Some(credential.clone()));
        if !edges.is_empty() || credential.account().is_some() || inner.kin.is_some() {
            let kin = inner.kin.get_or_insert_default();
            kin.depth = depth;
            kin.rejected = None;
            if let Some(account) = credential.account() {
                kin.account = Some(account.clone());
            }
            // Those it no longer depends on need not live for it.
            kin.parents.retain(|(parent, _)| edges.iter().any(|e| Arc::ptr_eq(&e.parent, parent)));
            wake(kin);
        }
    }
}

/// A provider's credential as it will be served, and how the flight ended with it.
pub(super) fn issue(
    core: &Core,
    inner: &Inner,
    credential: Credential,
    edges: &[Edge],
    now: Timestamp,
) -> (Ended, Option<Arc<Credential>>) {
    // Rejected, and given again under another revision: nothing new.
    let rejected = inner.kin.as_ref().and_then(|kin| kin.rejected.as_ref());
    if rejected.is_some_and(|known| known.same_secrets(&credential)) {
        return (Ended::Unchanged, None);
    }
    // Promise 5: without a sign-in between, another account is somebody else.
    let before = inner.kin.as_ref().and_then(|kin| kin.account.as_ref());
    if let (Some(before), Some(now)) = (before, credential.account())
        && before != now
    {
        let detail = "a renewal brought another account";
        return (Ended::Failed(CredentialError::new(ErrorCode::AccountMismatch, detail)), None);
    }
    // A credential ends no later than those it was derived from.
    let end = edges
        .iter()
        .map(|edge| edge.until)
        .chain(credential.expires_at())
        .min()
        .filter(|end| *end != Timestamp::MAX);
    let revision = credential.revision().unwrap_or_else(|| core.next_revision());
    let freshness = credential.freshness();
    if let Some(plan) = plan(now, end, freshness, &core.tuning, core.jitter()) {
        let issued = masked(core, credential.served(revision, plan.window), now);
        return (Ended::Issued { revision, plan }, Some(issued));
    }
    if freshness == Freshness::Never && end.is_none_or(|end| now < end) {
        let until = end.unwrap_or(Timestamp::MAX);
        let window = ServingWindow { renew_by: until, until };
        return (Ended::Passing, Some(masked(core, credential.served(revision, window), now)));
    }
    let detail = "the source gave a credential that has ended already";
    (Ended::Failed(CredentialError::new(ErrorCode::InvalidResponse, detail)), None)
}

/// What is handed out, known to the redactor before anybody has it.
fn masked(core: &Core, credential: Credential, now: Timestamp) -> Arc<Credential> {
    let credential = Arc::new(credential);
    #[cfg(feature = "redaction")]
    if let Some(redactor) = &core.redactor {
        redactor.feed(&credential, now);
    }
    #[cfg(not(feature = "redaction"))]
    let _ = (core, now);
    credential
}
