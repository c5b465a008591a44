//! [`Queue`]: what waits, what runs, and which thread is in charge.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use credential_provider_api::{CredentialError, Detail, ErrorCode, Timestamp};
use tokio::sync::watch;

use super::job::Job;
use super::worker;
use crate::error::unavailable;
use crate::keychain::{Call, OpenKeychain};
use crate::platform::Choice;

/// How much a line takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Calls that wait.
    pub(crate) waiting: usize,
    /// Threads left to themselves because their call did not return.
    pub(crate) abandoned: usize,
    /// The name of its threads.
    pub(crate) name: &'static str,
}

pub(super) struct Queue {
    pub(super) opener: Arc<dyn OpenKeychain>,
    bounds: Bounds,
    state: Mutex<State>,
    work: Condvar,
    /// When the call that runs is overdue.
    turns: watch::Sender<Option<Timestamp>>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// The thread in charge: an older one has been left to itself.
    charge: u64,
    /// Whether there is one.
    alive: bool,
    running: Option<Running>,
    abandoned: usize,
    closed: bool,
    choice: Option<Choice>,
}

/// The call that runs, and when it must have come further.
struct Running {
    call: Call,
    due: Timestamp,
}

impl Queue {
    pub(super) fn new(opener: Arc<dyn OpenKeychain>, bounds: Bounds) -> Self {
        let turns = watch::Sender::new(None);
        Self { opener, bounds, state: Mutex::default(), work: Condvar::new(), turns }
    }

    // Nothing of a caller's runs under this lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn turns(&self) -> watch::Receiver<Option<Timestamp>> {
        self.turns.subscribe()
    }

    pub(super) fn choice(&self) -> Option<Choice> {
        self.state().choice.clone()
    }

    pub(super) fn chose(&self, choice: Choice) {
        self.state().choice = Some(choice);
    }

    /// Queues a call, and sees to it that a thread takes it.
    pub(super) fn push(self: &Arc<Self>, job: Job, now: Timestamp) -> Result<(), CredentialError> {
        self.abandon_overdue(now);
        let mut state = self.state();
        // Who has given up does not keep others out.
        state.waiting.retain(|job| !job.call.has_ended());
        if state.waiting.len() >= self.bounds.waiting {
            let detail = format!("{} calls wait for the keychain", self.bounds.waiting);
            return Err(CredentialError::new(ErrorCode::Overloaded, Detail::composed(detail)));
        }
        if !state.alive {
            self.start(&mut state)?;
        }
        state.waiting.push_back(job);
        drop(state);
        self.work.notify_all();
        Ok(())
    }

    fn start(self: &Arc<Self>, state: &mut State) -> Result<(), CredentialError> {
        if state.abandoned >= self.bounds.abandoned {
            let count = state.abandoned;
            let detail =
                format!("{count} calls to the keychain hang; it is asked again when one ends");
            return Err(unavailable(Detail::composed(detail)));
        }
        let (queue, charge) = (self.clone(), state.charge);
        let name = self.bounds.name.to_owned();
        let thread = std::thread::Builder::new().name(name);
        let started = thread.spawn(move || worker::run(&queue, charge));
        state.alive = started.is_ok();
        started.map(drop).map_err(|_| unavailable("the system gives no thread for the keychain"))
    }

    /// The next call for the thread `charge`; `None` if it has nothing more to do.
    pub(super) fn next(&self, charge: u64) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.closed || state.charge != charge {
                return None;
            }
            match state.waiting.pop_front() {
                Some(job) if job.call.has_ended() => {}
                Some(job) => {
                    let call = job.call.clone();
                    let due = job.opening.unwrap_or(Timestamp::MAX).min(call.deadline());
                    state.running = Some(Running { call, due });
                    self.turns.send_replace(Some(due));
                    return Some(job);
                }
                None => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// The thread `charge` has the keychain open: now its call's own deadline counts. Whether it is
    /// still in charge.
    pub(super) fn opened(&self, charge: u64) -> bool {
        let mut state = self.state();
        if state.charge != charge {
            return false;
        }
        if let Some(running) = &mut state.running {
            running.due = running.call.deadline();
            self.turns.send_replace(Some(running.due));
        }
        true
    }

    /// The thread `charge` has finished its call. Whether it is still in charge.
    pub(super) fn finished(&self, charge: u64) -> bool {
        let mut state = self.state();
        if state.charge != charge {
            state.abandoned = state.abandoned.saturating_sub(1);
            return false;
        }
        state.running = None;
        self.turns.send_replace(None);
        true
    }

    /// Leaves a thread to itself whose call has not returned at its deadline, or has no open keychain
    /// when it must.
    pub(super) fn abandon_overdue(self: &Arc<Self>, now: Timestamp) {
        let mut state = self.state();
        let overdue = state.running.take_if(|running| running.due <= now);
        let Some(Running { call, .. }) = overdue else {
            return;
        };
        call.give_up();
        state.charge += 1;
        state.abandoned += 1;
        state.alive = false;
        if !state.waiting.is_empty() && self.start(&mut state).is_err() {
            // They would wait for nobody: their answer is that the call was lost.
            state.waiting.clear();
        }
        drop(state);
        self.turns.send_replace(None);
        tracing::warn!("a call to the keychain did not return; its thread is left to itself");
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.waiting.clear();
        if let Some(running) = &state.running {
            running.call.give_up();
        }
        drop(state);
        self.work.notify_all();
    }
}
