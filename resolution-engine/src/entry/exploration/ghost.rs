//! What is true of an entry, noted beside the machine and without asking it.

use std::sync::LazyLock;
use std::time::Duration;

use credential_provider_api::{Revision, Timestamp};

use super::action::Wish;
use crate::entry::machine::Withdrawal;
use crate::entry::window::Plan;
use crate::tuning::Tuning;

pub(super) static TUNING: LazyLock<Tuning> = LazyLock::new(Tuning::default);

/// A promise that did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// Its number in the list of what always holds.
    pub(super) promise: u8,
    pub(super) what: &'static str,
}

pub(super) type Held = Result<(), Violation>;

/// Says which promise `holds`, and what is wrong if it does not.
pub(super) fn promise(promise: u8, holds: bool, what: &'static str) -> Held {
    if holds { Ok(()) } else { Err(Violation { promise, what }) }
}

/// What the source keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) revision: Revision,
    pub(super) end: Timestamp,
}

/// What the shell serves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) revision: Revision,
    pub(super) end: Timestamp,
    pub(super) plan: Plan,
    /// The generation and account the flight that brought it began in.
    pub(super) generation: u32,
    pub(super) account: u8,
    /// When the source was last asked for something newer, and answered.
    pub(super) answered: Timestamp,
}

impl Value {
    /// Half of the life that was left when the source last answered: nobody need ask it earlier.
    pub(super) fn half_life(&self) -> Timestamp {
        let left = self.answered.until(self.plan.window.until);
        self.answered.plus(left / 2)
    }

    /// From here on every caller waits for a renewal; one before is forced.
    pub(super) fn awaited_from(&self) -> Timestamp {
        self.plan.window.renew_by.max(self.half_life())
    }
}

/// A provider call that really runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) number: u32,
    pub(super) generation: u32,
    pub(super) account: u8,
    /// What the source kept when it began.
    pub(super) record: Option<Record>,
}

/// Callers that wait for a flight, all that asked alike as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) wish: Wish,
    pub(super) flight: u32,
    pub(super) generation: u32,
    pub(super) deadline: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ghost {
    /// Counts withdrawals: what began in an earlier one is old.
    pub(super) generation: u32,
    /// Who is signed in; changes with every sign-in.
    pub(super) account: u8,
    pub(super) revoked: bool,
    pub(super) adoptable: bool,
    /// The generation in which the session last ended.
    pub(super) session_ended: Option<u32>,
    pub(super) running: Vec<Running>,
    pub(super) waiters: Vec<Waiter>,
    pub(super) serving: Option<Value>,
    /// Served before what is served now.
    pub(super) old: Option<Revision>,
    pub(super) record: Option<Record>,
    issued: u64,
    /// Seen rejected, until another grant may be what answers.
    pub(super) rejected: Vec<Revision>,
    /// What was served last was rejected, and nothing has taken its place.
    pub(super) dead: bool,
    /// When a flight was last forced.
    pub(super) forced: Option<Timestamp>,
    failures: u32,
    /// The source is left alone until then; `MAX` for until a person acts.
    pub(super) quiet: Option<Timestamp>,
}

impl Ghost {
    /// What may be handed out at `now`.
    pub(super) fn valid(&self, now: Timestamp) -> Option<Value> {
        self.serving.filter(|value| now < value.plan.window.until)
    }

    pub(super) fn is_quiet(&self, now: Timestamp) -> bool {
        self.quiet.is_some_and(|until| now < until)
    }

    pub(super) fn forced_lately(&self, now: Timestamp) -> bool {
        self.forced.is_some_and(|at| now < at.plus(TUNING.forced_pause))
    }

    /// A new credential, as the source makes one for whoever is signed in.
    pub(super) fn mint(&mut self, end: Timestamp) -> Record {
        self.issued += 1;
        let revision = Revision::new(self.issued).unwrap_or(Revision::FIRST);
        Record { revision, end }
    }

    pub(super) fn begin(&mut self, number: u32) {
        self.running.push(Running {
            number,
            generation: self.generation,
            account: self.account,
            record: self.record,
        });
    }

    pub(super) fn wait(&mut self, wish: Wish, flight: u32, now: Timestamp) {
        let (generation, deadline) = (self.generation, now.plus(TUNING.default_deadline));
        let alike =
            |w: &&mut Waiter| w.wish == wish && w.flight == flight && w.generation == generation;
        if let Some(known) = self.waiters.iter_mut().find(alike) {
            known.deadline = deadline;
            return;
        }
        self.waiters.push(Waiter { wish, flight, generation, deadline });
    }

    pub(super) fn serve(&mut self, value: Value) {
        self.old = self.serving.map(|old| old.revision).or(self.old);
        self.serving = Some(value);
        self.dead = false;
        self.calm();
    }

    /// The source is well.
    pub(super) fn calm(&mut self) {
        self.failures = 0;
        self.quiet = None;
    }

    /// The source fails, and is left alone for at least as long as it asked and the back-off says.
    pub(super) fn fail(&mut self, now: Timestamp, failure: Failing) {
        self.failures += 1;
        let pause = match failure {
            Failing::Transient(asked) => TUNING
                .backoff
                .saturating_mul(1 << (self.failures - 1).min(16))
                .min(TUNING.backoff_limit)
                .max(asked),
            Failing::Permanent => TUNING.permanent,
            Failing::Reauth => Duration::MAX,
        };
        self.quiet = Some(now.plus(pause));
    }

    pub(super) fn reject(&mut self, revision: Revision) {
        self.rejected.push(revision);
        self.old = Some(revision);
        self.serving = None;
        self.dead = true;
    }

    pub(super) fn withdraw(&mut self, withdrawal: Withdrawal) {
        self.generation += 1;
        self.old = self.serving.map(|old| old.revision).or(self.old);
        self.serving = None;
        if !matches!(withdrawal, Withdrawal::Invalidated | Withdrawal::ParentEnded) {
            self.rejected.clear();
            self.dead = false;
            self.forced = None;
        } else if !self.running.is_empty() {
            // What was forced does not count any more: the source is asked again at once.
            self.forced = None;
        }
        self.calm();
        self.adoptable = withdrawal == Withdrawal::SignedIn;
        match withdrawal {
            Withdrawal::Revoked => self.revoked = true,
            Withdrawal::SignedOut => self.quiet = Some(Timestamp::MAX),
            Withdrawal::SessionEnded => self.session_ended = Some(self.generation),
            Withdrawal::ProviderChanged => self.revoked = false,
            Withdrawal::SignedIn => {
                self.revoked = false;
                self.account = self.account.wrapping_add(1);
                self.record = None;
            }
            Withdrawal::Invalidated | Withdrawal::ParentEnded => {}
        }
    }

    /// The next moment at which a decision may change.
    pub(super) fn next_moment(&self, now: Timestamp) -> Option<Timestamp> {
        let plan = self.serving.map(|value| value.plan);
        let of_plan = plan.map(|p| [p.renew_at, p.window.renew_by, p.window.until]);
        let forced = self.forced.map(|at| at.plus(TUNING.forced_pause));
        of_plan
            .into_iter()
            .flatten()
            .chain(self.quiet)
            .chain(forced)
            .filter(|at| now < *at && *at < Timestamp::MAX)
            .min()
    }
}

/// How the source fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failing {
    /// With the pause it asked for.
    Transient(Duration),
    Permanent,
    Reauth,
}
