//! The shell around the machine: the value readers see, the flight under way, and their order.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use credential_provider_api::{
    ChangeCause, Credential, CredentialError, ErrorCode, Event, EventKind, Hint, Interaction, Key,
    Revision, State, Timestamp,
};
use tokio::sync::watch;

use super::kin::Kin;
use super::machine::{Answer, Ask, Cause, Due, Fallback, Machine, Used};
use crate::core::Core;
use crate::flight::{Flight, Outcome};
use crate::sync::lock;

/// One credential for one key.
pub(crate) struct Entry {
    key: Key,
    /// What readers see without a lock. Written only under the lock of `inner`.
    pub(super) value: ArcSwapOption<Credential>,
    /// Low 40 bits: consumers that may have, and were audited for, the revision in `value`. High 24
    /// bits: the epoch of the access rules that said so.
    pub(super) marks: AtomicU64,
    /// When somebody last used it, in seconds since the engine started.
    used: AtomicU32,
    /// The wheel's tick at which the scheduler looks again; zero for never.
    due: AtomicU32,
    pub(super) inner: Mutex<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) machine: Machine,
    pub(super) flight: Option<Box<Flight>>,
    pub(super) kin: Option<Box<Kin>>,
    /// Taken out of the table: whoever still finds it starts nothing.
    pub(super) gone: bool,
    /// What listeners were told last.
    told: (State, Option<ErrorCode>),
}

/// What a request does next.
pub(crate) enum Step {
    Serve(Arc<Credential>, u32),
    Fail(CredentialError),
    /// Wait for this flight; start it first if it is new.
    Wait {
        flight: Flight,
        start: Option<Box<Launch>>,
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
        hint: &Hint,
        interaction: Interaction,
    ) -> Step {
        self.touch(core.secs(ask.now));
        let mut inner = lock(&self.inner);
        self.tell(core, &mut inner, ask.now, ChangeCause::Time);
        if let Some(revision) = reject {
            self.reject_locked(&mut inner, revision);
            self.tell(core, &mut inner, ask.now, ChangeCause::Rejected);
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
            Answer::Start { flight: number, cause, fallback: f } => {
                let launch = launch(core, &inner, number, cause, current.clone());
                let mut launch = launch;
                launch.flight.hint = hint.clone();
                launch.flight.interaction = interaction;
                inner.flight = Some(Box::new(launch.flight.clone()));
                let flight = launch.flight.clone();
                Step::Wait { flight, start: Some(Box::new(launch)), fallback: fallback(f), epoch }
            }
        };
        self.tell(core, &mut inner, ask.now, ChangeCause::Asked);
        step
    }

    /// The scheduler looks: perhaps a flight to start.
    pub(crate) fn look(self: &Arc<Self>, core: &Core, now: Timestamp) -> Option<Launch> {
        let mut inner = lock(&self.inner);
        self.tell(core, &mut inner, now, ChangeCause::Time);
        if inner.gone {
            return None;
        }
        let published = inner.machine.received().map_or(u32::MAX, |at| core.secs(at));
        let used = if self.last_used() >= published { Used::Yes } else { Used::No };
        let due = inner.machine.due(now, used);
        let launch = match due {
            Due::Start(number) => {
                let current = self.value.load_full();
                let launch = launch(core, &inner, number, Cause::Expiring, current);
                inner.flight = Some(Box::new(launch.flight.clone()));
                Some(launch)
            }
            _ => None,
        };
        self.tell(core, &mut inner, now, ChangeCause::Renewing);
        drop(inner);
        if let Due::At(at) = due {
            core.scheduler.schedule(self, at);
        }
        launch
    }

    /// Tells listeners if the state, or the failure it is in, is another than they know. Under the
    /// lock, so that they hear changes in their order.
    pub(super) fn tell(&self, core: &Core, inner: &mut Inner, at: Timestamp, cause: ChangeCause) {
        let to = inner.machine.state(at);
        let error = inner.machine.failure();
        let now_known = (to, error.map(CredentialError::code));
        if inner.told == now_known {
            return;
        }
        let error = error.cloned().map(CredentialError::without_step);
        let (from, _) = std::mem::replace(&mut inner.told, now_known);
        tracing::debug!(credential = %self.key.reference(), %from, %to, ?cause, "credential state");
        let key = self.key.clone();
        core.events.send(Event::new(at, EventKind::StateChanged { key, from, to, cause, error }));
    }
}

fn launch(
    core: &Core,
    inner: &Inner,
    number: u32,
    cause: Cause,
    current: Option<Arc<Credential>>,
) -> Launch {
    let rejected = inner.kin.as_ref().and_then(|kin| kin.rejected.clone());
    let (outcome, receiver) = watch::channel(None);
    let flight = Flight::new(core.next_flight(), receiver, core.stop.child_token());
    Launch { number, cause, previous: current.or(rejected), outcome, flight }
}

pub(super) fn broken(what: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::Internal, what)
}
