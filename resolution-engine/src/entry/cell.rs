//! The shell around the machine: the value readers see, the flight under way, and their order.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use arc_swap::ArcSwapOption;
use credential_provider_api::{
    AccountId, Credential, CredentialError, CredentialId, ErrorCode, Event, EventKind, Key,
    Revision, State, Timestamp,
};
use tokio::sync::watch;

use super::kin::{Edge, Kin};
use super::machine::{
    Answer, Ask, Cause, Due, Effect, Ended, Fallback, Machine, Rejection, Used, Withdrawal,
};
use super::window::plan;
use crate::core::Core;
use crate::flight::{DEEPEST, Flight, Landed, Outcome};
use crate::sync::lock;

/// One credential for one key.
pub(crate) struct Entry {
    key: Key,
    /// What readers see without a lock. Written only under the lock of `inner`.
    value: ArcSwapOption<Credential>,
    /// Low 40 bits: consumers that may have, and were audited for, the revision in `value`. High 24
    /// bits: the epoch of the access rules that said so.
    marks: AtomicU64,
    /// When somebody last used it, in seconds since the engine started.
    used: AtomicU32,
    /// The wheel's tick at which the scheduler looks again; zero for never.
    due: AtomicU32,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    machine: Machine,
    flight: Option<Box<Flight>>,
    kin: Option<Box<Kin>>,
}

/// What a request does next.
pub(crate) enum Step {
    Serve(Arc<Credential>, u32),
    Fail(CredentialError),
    /// Wait for this flight; start it first if it is new.
    Wait {
        flight: Flight,
        start: Option<Launch>,
        fallback: Option<Arc<Credential>>,
        epoch: u32,
    },
}

/// A flight to start.
pub(crate) struct Launch {
    pub(crate) number: u32,
    pub(crate) cause: Cause,
    pub(crate) previous: Option<Arc<Credential>>,
    pub(crate) outcome: watch::Sender<Option<Outcome>>,
    pub(crate) flight: Flight,
}

/// An entry as others may see it.
pub(crate) struct Glance {
    pub(crate) state: State,
    pub(crate) revision: Option<Revision>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) account: Option<AccountId>,
    pub(crate) error: Option<CredentialError>,
}

impl Entry {
    pub(crate) fn new(key: Key, now_secs: u32) -> Self {
        Self {
            key,
            value: ArcSwapOption::empty(),
            marks: AtomicU64::new(0),
            used: AtomicU32::new(now_secs),
            due: AtomicU32::new(0),
            inner: Mutex::default(),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// What readers see, for a borrow.
    pub(crate) fn value(&self) -> arc_swap::Guard<Option<Arc<Credential>>> {
        self.value.load()
    }

    pub(crate) fn marks(&self) -> &AtomicU64 {
        &self.marks
    }

    pub(crate) fn due(&self) -> &AtomicU32 {
        &self.due
    }

    /// Notes a use. A plain load first: the line stays shared among readers.
    pub(crate) fn touch(&self, now_secs: u32) {
        if self.used.load(Ordering::Relaxed) != now_secs {
            self.used.store(now_secs, Ordering::Relaxed);
        }
    }

    pub(crate) fn last_used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// A caller asks.
    pub(crate) fn ask(
        &self,
        core: &Core,
        ask: Ask,
        reject: Option<Revision>,
        hint: &credential_provider_api::Hint,
        interaction: credential_provider_api::Interaction,
    ) -> Step {
        self.touch(core.secs(ask.now));
        let mut inner = lock(&self.inner);
        let before = inner.machine.state(ask.now);
        if let Some(revision) = reject {
            self.reject_locked(&mut inner, revision);
        }
        let answer = inner.machine.request(ask, &core.tuning);
        let epoch = inner.machine.epoch();
        let current = self.value.load_full();
        let fallback = |fallback: Fallback| match fallback {
            Fallback::Current => current.clone(),
            Fallback::None => None,
        };
        let step = match answer {
            Answer::Serve => match &current {
                Some(credential) => Step::Serve(credential.clone(), epoch),
                None => Step::Fail(broken("nothing to serve")),
            },
            Answer::Fail(error) => Step::Fail(error),
            Answer::Drain | Answer::Wait { .. } => match &inner.flight {
                Some(flight) => Step::Wait {
                    flight: (**flight).clone(),
                    start: None,
                    fallback: match answer {
                        Answer::Wait { fallback: f } => fallback(f),
                        _ => None,
                    },
                    epoch,
                },
                None => Step::Fail(broken("no flight to wait for")),
            },
            Answer::Start {
                flight: number,
                cause,
                fallback: f,
            } => {
                let launch = launch(core, &mut inner, number, cause, current.clone());
                let mut launch = launch;
                launch.flight.hint = hint.clone();
                launch.flight.interaction = interaction;
                inner.flight = Some(Box::new(launch.flight.clone()));
                let flight = launch.flight.clone();
                Step::Wait {
                    flight,
                    start: Some(launch),
                    fallback: fallback(f),
                    epoch,
                }
            }
        };
        let after = inner.machine.state(ask.now);
        let error = inner.machine.failure().cloned();
        drop(inner);
        self.tell(core, ask.now, before, after, error);
        step
    }

    /// The scheduler looks: perhaps a flight to start.
    pub(crate) fn look(self: &Arc<Self>, core: &Core, now: Timestamp) -> Option<Launch> {
        let mut inner = lock(&self.inner);
        let before = inner.machine.state(now);
        let published = inner
            .machine
            .received()
            .map_or(u32::MAX, |at| core.secs(at));
        let used = if self.last_used() >= published {
            Used::Yes
        } else {
            Used::No
        };
        let due = inner.machine.due(now, used);
        let launch = match due {
            Due::Start(number) => {
                let current = self.value.load_full();
                let launch = launch(core, &mut inner, number, Cause::Expiring, current);
                inner.flight = Some(Box::new(launch.flight.clone()));
                Some(launch)
            }
            _ => None,
        };
        let after = inner.machine.state(now);
        drop(inner);
        if let Due::At(at) = due {
            core.scheduler.schedule(self, at);
        }
        self.tell(core, now, before, after, None);
        launch
    }

    /// A flight ended: publish, keep or discard, then say what those who wait are told.
    pub(crate) fn settle(
        self: &Arc<Self>,
        core: &Core,
        number: u32,
        landed: Landed,
        edges: &[Edge],
        interaction: credential_provider_api::Interaction,
    ) -> Outcome {
        let now = core.clock.now();
        // Children are known to their parents before they are served: a parent withdrawn from here
        // on finds them, and one withdrawn before is noticed here.
        let stale = edges
            .iter()
            .any(|edge| !edge.parent.adopt_child(self, edge));
        let landed = if stale { Landed::Stopped } else { landed };
        let depth = edges.iter().map(|edge| edge.depth + 1).max().unwrap_or(0);
        let landed = match landed {
            Landed::Credential(_) if depth > DEEPEST => {
                Landed::Failed(CredentialError::new(ErrorCode::DependencyTooDeep, ""))
            }
            landed => landed,
        };
        let mut inner = lock(&self.inner);
        let before = inner.machine.state(now);
        let mut selected = None;
        let mut issued = None;
        let ended = match landed {
            Landed::Credential(credential) => {
                let parents = edges.iter().map(|edge| edge.until).min();
                let end = match (credential.expires_at(), parents) {
                    (Some(own), Some(parent)) => Some(own.min(parent)),
                    (own, parent) => own.or(parent),
                };
                let known = inner.kin.as_ref().and_then(|kin| kin.rejected.as_ref());
                let same = inner.machine.rejected().is_some()
                    && known.is_some_and(|known| known.same_secrets(&credential));
                let revision = credential
                    .revision()
                    .unwrap_or_else(|| core.next_revision());
                let planned = plan(
                    now,
                    end,
                    credential.freshness(),
                    &core.tuning,
                    core.jitter(),
                );
                let never = credential.freshness() == credential_provider_api::Freshness::Never;
                match planned {
                    _ if same => Ended::Unchanged,
                    Some(plan) => {
                        issued = Some(Arc::new(credential.served(revision, plan.window)));
                        Ended::Issued { revision, plan }
                    }
                    None if never && end.is_none_or(|end| now < end) => {
                        let window = credential_provider_api::ServingWindow {
                            renew_by: Timestamp::MAX,
                            until: end.unwrap_or(Timestamp::MAX),
                        };
                        issued = Some(Arc::new(credential.served(revision, window)));
                        Ended::Passing
                    }
                    None => Ended::Failed(CredentialError::new(
                        ErrorCode::InvalidResponse,
                        "the source gave a credential that has ended already",
                    )),
                }
            }
            Landed::Unchanged => Ended::Unchanged,
            Landed::Selected(id) => {
                selected = Some(id);
                Ended::Passing
            }
            Landed::Failed(error) => Ended::Failed(error.about(&self.key.reference())),
            Landed::Stopped => Ended::Stopped,
        };
        let effect = inner.machine.ended(number, ended, now, &core.tuning);
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
            Effect::Discard => Outcome::Fenced(issued),
        };
        let after = inner.machine.state(now);
        let error = inner.machine.failure().cloned();
        drop(inner);
        if let Some(at) = next_look {
            core.scheduler.schedule(self, at);
        }
        if let Outcome::Served(credential, _) = &outcome
            && let Some(revision) = credential.revision()
            && matches!(after, State::Active | State::Expiring)
        {
            let key = self.key.clone();
            core.events
                .send(Event::new(now, EventKind::Renewed { key, revision }));
        }
        self.tell(core, now, before, after, error);
        outcome
    }

    /// Somebody saw `revision` rejected.
    pub(crate) fn reject(&self, core: &Core, revision: Revision) {
        let now = core.clock.now();
        let mut inner = lock(&self.inner);
        let before = inner.machine.state(now);
        self.reject_locked(&mut inner, revision);
        let after = inner.machine.state(now);
        drop(inner);
        self.tell(core, now, before, after, None);
    }

    /// What there is stops being served, its children's too; returns the flights still under way.
    pub(crate) fn withdraw(&self, core: &Core, withdrawal: Withdrawal) -> Vec<Flight> {
        let now = core.clock.now();
        let mut inner = lock(&self.inner);
        let before = inner.machine.state(now);
        inner.machine.withdraw(withdrawal);
        self.value.store(None);
        self.marks.store(0, Ordering::Release);
        let flight = inner.flight.as_deref().cloned();
        let children = match inner.kin.as_deref_mut() {
            Some(kin) => {
                kin.parents.clear();
                kin.rejected = None;
                wake(kin);
                std::mem::take(&mut kin.children)
            }
            None => Vec::new(),
        };
        let after = inner.machine.state(now);
        let error = inner.machine.failure().cloned();
        drop(inner);
        let mut flights: Vec<Flight> = flight.into_iter().collect();
        for flight in &flights {
            flight.stop.cancel();
        }
        self.tell(core, now, before, after, error);
        for child in children.iter().filter_map(std::sync::Weak::upgrade) {
            flights.extend(child.withdraw(core, Withdrawal::ParentEnded));
        }
        flights
    }

    /// A credential a sign-in brought is served at once.
    pub(crate) fn adopt(self: &Arc<Self>, core: &Core, credential: Credential) {
        let now = core.clock.now();
        let revision = credential
            .revision()
            .unwrap_or_else(|| core.next_revision());
        let (end, fresh) = (credential.expires_at(), credential.freshness());
        let Some(plan) = plan(now, end, fresh, &core.tuning, core.jitter()) else {
            return;
        };
        let credential = Arc::new(credential.served(revision, plan.window));
        let mut inner = lock(&self.inner);
        let before = inner.machine.state(now);
        inner.machine.adopt(revision, plan, now);
        self.publish(&mut inner, &credential, &[], 0);
        let after = inner.machine.state(now);
        drop(inner);
        core.scheduler.schedule(self, plan.renew_at);
        self.tell(core, now, before, after, None);
    }

    /// Marks `bit` for the revision, if it still is the one served.
    pub(crate) fn mark(&self, revision: Revision, bit: u64, access_epoch: u64) {
        let inner = lock(&self.inner);
        if inner.machine.revision() != Some(revision) {
            return;
        }
        let marks = self.marks.load(Ordering::Relaxed);
        let kept = if marks >> 40 == access_epoch {
            marks
        } else {
            access_epoch << 40
        };
        self.marks.store(kept | bit, Ordering::Release);
        drop(inner);
    }

    pub(crate) fn epoch(&self) -> u32 {
        lock(&self.inner).machine.epoch()
    }

    pub(crate) fn last_withdrawal(&self) -> Option<Withdrawal> {
        lock(&self.inner).machine.withdrawal()
    }

    pub(crate) fn depth(&self) -> u8 {
        lock(&self.inner).kin.as_ref().map_or(0, |kin| kin.depth)
    }

    pub(crate) fn account(&self) -> Option<AccountId> {
        lock(&self.inner).kin.as_ref()?.account.clone()
    }

    pub(crate) fn selected(&self) -> Vec<CredentialId> {
        lock(&self.inner)
            .kin
            .as_ref()
            .map(|kin| kin.selected.clone())
            .unwrap_or_default()
    }

    /// Whether `credential` is, or until its rejection was, what this entry serves.
    pub(crate) fn served(&self, credential: &Arc<Credential>) -> Served {
        let inner = lock(&self.inner);
        let rejected = inner.kin.as_ref().and_then(|kin| kin.rejected.as_ref());
        let current = self.value.load();
        if current
            .as_ref()
            .or(rejected)
            .is_some_and(|known| Arc::ptr_eq(known, credential))
        {
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
            until: inner
                .machine
                .until()
                .filter(|until| *until != Timestamp::MAX),
            account: inner.kin.as_ref().and_then(|kin| kin.account.clone()),
            error: inner.machine.failure().cloned(),
        }
    }

    /// A receiver that is told of every new revision, rejection and withdrawal.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        let mut inner = lock(&self.inner);
        let kin = inner.kin.get_or_insert_default();
        kin.changed
            .get_or_insert_with(|| watch::Sender::new(0))
            .subscribe()
    }

    /// Whether nobody would miss it: unused since before `used_before`, nothing under way, no
    /// revocation to remember.
    pub(crate) fn is_idle(&self, now: Timestamp, used_before: u32) -> bool {
        let inner = lock(&self.inner);
        let forgotten = !inner.machine.is_flying() && inner.machine.state(now) != State::Revoked;
        forgotten && self.last_used() < used_before
    }

    /// Whether it holds no credential and nothing is under way: what a flood of unknown keys leaves
    /// behind. A revocation is remembered all the same.
    pub(crate) fn is_vacant(&self, now: Timestamp) -> bool {
        let inner = lock(&self.inner);
        let forgotten = !inner.machine.is_flying() && inner.machine.state(now) != State::Revoked;
        forgotten && inner.machine.revision().is_none()
    }

    fn adopt_child(self: &Arc<Self>, child: &Arc<Self>, edge: &Edge) -> bool {
        let known = lock(&child.inner)
            .kin
            .as_ref()
            .is_some_and(|kin| kin.has_parent(edge));
        let mut inner = lock(&self.inner);
        if inner.machine.epoch() != edge.epoch {
            return false;
        }
        if !known {
            inner.kin.get_or_insert_default().add_child(child);
            drop(inner);
            let mut inner = lock(&child.inner);
            let kin = inner.kin.get_or_insert_default();
            kin.parents
                .retain(|(parent, _)| !std::ptr::eq(parent.as_ptr(), Arc::as_ptr(self)));
            kin.parents.push((Arc::downgrade(self), edge.epoch));
        }
        true
    }

    fn publish(
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
            kin.account = credential.account().cloned();
            wake(kin);
        }
    }

    fn reject_locked(&self, inner: &mut MutexGuard<'_, Inner>, revision: Revision) {
        if inner.machine.reject(revision) == Rejection::Withdrawn {
            let rejected = self.value.swap(None);
            self.marks.store(0, Ordering::Release);
            let kin = inner.kin.get_or_insert_default();
            kin.rejected = rejected;
            wake(kin);
        }
    }

    fn tell(
        &self,
        core: &Core,
        at: Timestamp,
        from: State,
        to: State,
        error: Option<CredentialError>,
    ) {
        if from == to {
            return;
        }
        tracing::debug!(credential = %self.key.reference(), %from, %to, "credential state");
        let key = self.key.clone();
        core.events.send(Event::new(
            at,
            EventKind::StateChanged {
                key,
                from,
                to,
                error,
            },
        ));
    }
}

/// Whether an entry knows a credential as its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Yes,
    No,
}

fn launch(
    core: &Core,
    inner: &mut MutexGuard<'_, Inner>,
    number: u32,
    cause: Cause,
    current: Option<Arc<Credential>>,
) -> Launch {
    let rejected = inner.kin.as_ref().and_then(|kin| kin.rejected.clone());
    let (outcome, receiver) = watch::channel(None);
    let flight = Flight::new(core.next_flight(), receiver, core.stop.child_token());
    Launch {
        number,
        cause,
        previous: current.or(rejected),
        outcome,
        flight,
    }
}

fn wake(kin: &Kin) {
    if let Some(changed) = &kin.changed {
        changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn broken(what: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::Internal, what)
}
