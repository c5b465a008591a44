//! The world around one machine: it carries out what the machine decides, as the shell does, and
//! holds every decision against the promises.

use std::time::Duration;

use credential_provider_api::{ErrorCode, State, Timestamp};

use super::action::{Action, LASTING, Wish};
use super::ghost::{Ghost, Held, TUNING, Value, Violation, promise};
use super::subject::Subject;
use crate::entry::machine::{Answer, Ask, Cause, Due, Fallback, Persistence, Used, Withdrawal};

/// Any time will do, as long as there is time before it.
const START: Timestamp = Timestamp::from_secs(1_000_000);

#[derive(Clone, Debug)]
pub(super) struct World<S> {
    pub(super) subject: S,
    pub(super) ghost: Ghost,
    pub(super) now: Timestamp,
    /// The kinds of decision met on the way here, one bit each.
    pub(super) met: u32,
}

/// Kinds of decision, to know that an exploration met them all.
#[derive(Clone, Copy, Debug)]
pub(super) enum Met {
    Serve,
    StartCold,
    StartExpiring,
    StartRejected,
    StartTooShort,
    Wait,
    Drain,
    Refuse,
    LookStart,
    LookLater,
    LookNothing,
    Publish,
    Keep,
    Pass,
    Fail,
    LateAnswer,
    RejectionOfServed,
    RejectionOfOld,
    Adopt,
    AskAgain,
}

impl Met {
    pub(super) const ALL: [Self; 20] = [
        Self::Serve,
        Self::StartCold,
        Self::StartExpiring,
        Self::StartRejected,
        Self::StartTooShort,
        Self::Wait,
        Self::Drain,
        Self::Refuse,
        Self::LookStart,
        Self::LookLater,
        Self::LookNothing,
        Self::Publish,
        Self::Keep,
        Self::Pass,
        Self::Fail,
        Self::LateAnswer,
        Self::RejectionOfServed,
        Self::RejectionOfOld,
        Self::Adopt,
        Self::AskAgain,
    ];

    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Whether an action can happen in a world as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Possible {
    Yes,
    No,
}

impl<S: Subject> World<S> {
    pub(super) fn new() -> Self {
        Self { subject: S::default(), ghost: Ghost::default(), now: START, met: 0 }
    }

    /// Lets `action` happen, if it can, and checks what must hold whatever happened.
    pub(super) fn step(&mut self, action: Action) -> Result<Possible, Violation> {
        let possible = match action {
            Action::Request(wish) => self.request(wish).map(|()| Possible::Yes),
            Action::Cancel => self.cancel(),
            Action::End(end) => self.end(end),
            Action::Look(used) => self.look(used).map(|()| Possible::Yes),
            Action::RejectServed => self.reject_served(),
            Action::RejectOld => self.reject_old(),
            Action::Withdraw(withdrawal) => self.withdraw(withdrawal).map(|()| Possible::Yes),
            Action::Adopt => self.adopt(),
            Action::SignIn => self.withdraw(Withdrawal::SignedIn).and_then(|()| self.adopt()),
            Action::ToNextMoment => match self.ghost.next_moment(self.now) {
                Some(at) => self.pass(self.now.until(at)),
                None => Ok(Possible::No),
            },
            Action::Pass(millis) => self.pass(Duration::from_millis(millis)),
        }?;
        if possible == Possible::Yes {
            self.check()?;
        }
        Ok(possible)
    }

    pub(super) fn meet(&mut self, met: Met) {
        self.met |= met.bit();
    }

    pub(super) fn request(&mut self, wish: Wish) -> Held {
        let now = self.now;
        let ask = Ask {
            now,
            min_validity: match wish {
                Wish::Lasting => LASTING,
                _ => Duration::ZERO,
            },
            persistence: match wish {
                Wish::Explicit => Persistence::Explicit,
                _ => Persistence::Respectful,
            },
        };
        let answer = self.subject.request(ask, &TUNING);
        self.judge(wish, &answer)?;
        match answer {
            Answer::Start { flight, cause, .. } => {
                self.ghost.begin(flight);
                self.ghost.wait(wish, flight, now);
                self.meet(match cause {
                    Cause::Cold => Met::StartCold,
                    Cause::Expiring => Met::StartExpiring,
                    Cause::Rejected => Met::StartRejected,
                    Cause::TooShort => Met::StartTooShort,
                });
            }
            Answer::Wait { .. } | Answer::Drain => {
                let flight = self.ghost.running.first().map_or(0, |f| f.number);
                self.ghost.wait(wish, flight, now);
                self.meet(match answer {
                    Answer::Drain => Met::Drain,
                    _ => Met::Wait,
                });
            }
            Answer::Serve => self.meet(Met::Serve),
            Answer::Fail(_) => self.meet(Met::Refuse),
        }
        Ok(())
    }

    /// Holds the answer to a request against what the ghost knows.
    fn judge(&mut self, wish: Wish, answer: &Answer) -> Held {
        let (ghost, now) = (&mut self.ghost, self.now);
        if ghost.revoked {
            let told = matches!(answer, Answer::Fail(e) if e.code() == ErrorCode::Revoked);
            return promise(4, told, "what is revoked answers something but `revoked`");
        }
        let valid = ghost.valid(now);
        let lasting = wish == Wish::Lasting;
        match answer {
            Answer::Serve => promise(3, valid.is_some(), "what has ended or is gone is served"),
            Answer::Start { fallback, .. } => {
                let idle = ghost.running.is_empty();
                promise(1, idle, "a flight starts while one runs")?;
                let heeds = wish == Wish::Explicit || !ghost.is_quiet(now);
                promise(3, heeds, "a flight starts before the back-off is over")?;
                let early = |value: &Value| lasting && now < value.awaited_from();
                let forced = ghost.dead || valid.as_ref().is_some_and(early);
                if forced {
                    let rare = !ghost.forced_lately(now);
                    promise(1, rare, "flights are forced one after the other")?;
                    ghost.forced = Some(now);
                }
                if let Some(value) = valid.filter(|_| !forced) {
                    let due = now >= value.half_life();
                    promise(3, due, "renewed more than once in half a life")?;
                }
                self.judge_wait(wish, *fallback)
            }
            Answer::Wait { fallback } => {
                let flies = !ghost.running.is_empty();
                promise(2, flies, "a caller waits though no flight runs")?;
                self.judge_wait(wish, *fallback)
            }
            Answer::Drain => {
                let flies = !ghost.running.is_empty();
                promise(2, flies, "a caller waits though no flight runs")?;
                let fast = wish == Wish::Explicit || !ghost.is_quiet(now);
                promise(3, fast, "what needs a person does not fail fast")?;
                self.judge_wait(wish, Fallback::None)
            }
            Answer::Fail(error) => {
                let revoked = error.code() == ErrorCode::Revoked;
                promise(4, !revoked, "`revoked` is said though a sign-in undid it")?;
                let refused = valid.is_some() && !lasting;
                promise(3, !refused, "what is valid is refused")?;
                let forced_lately = ghost.forced_lately(now) && ghost.dead;
                let reason = ghost.is_quiet(now) || forced_lately;
                promise(3, reason, "a request is refused without a reason")
            }
        }
    }

    /// Whether it is right to let this caller wait, with this to fall back on.
    fn judge_wait(&self, wish: Wish, fallback: Fallback) -> Held {
        let valid = self.ghost.valid(self.now);
        if fallback == Fallback::Current {
            return promise(3, valid.is_some(), "what has ended is fallen back on");
        }
        let refused = valid.is_some() && wish != Wish::Lasting;
        promise(3, !refused, "what is valid is not served meanwhile")
    }

    fn cancel(&mut self) -> Result<Possible, Violation> {
        if self.ghost.waiters.pop().is_none() {
            return Ok(Possible::No);
        }
        let before = format!("{:?}", self.subject.machine());
        self.subject.cancel();
        let same = before == format!("{:?}", self.subject.machine());
        promise(2, same, "a caller that gives up changes something")?;
        Ok(Possible::Yes)
    }

    fn look(&mut self, used: Used) -> Held {
        let (ghost, now) = (&mut self.ghost, self.now);
        match self.subject.due(now, used) {
            Due::Start(number) => {
                let idle = ghost.running.is_empty();
                promise(1, idle, "a renewal starts while a flight runs")?;
                promise(4, !ghost.revoked, "what is revoked is renewed")?;
                let valid = ghost.valid(now);
                promise(3, valid.is_some(), "what is not served is renewed ahead")?;
                promise(3, used == Used::Yes, "what nobody uses is renewed")?;
                let heeds = !ghost.is_quiet(now);
                promise(3, heeds, "a renewal starts before the back-off is over")?;
                let due = valid.is_some_and(|value| now >= value.half_life());
                promise(3, due, "renewed more than once in half a life")?;
                ghost.begin(number);
                self.meet(Met::LookStart);
            }
            Due::At(at) => {
                promise(3, now < at, "the scheduler looks in a loop")?;
                self.meet(Met::LookLater);
            }
            Due::Nothing => self.meet(Met::LookNothing),
        }
        Ok(())
    }

    /// Time passes; callers whose patience ends with it leave.
    fn pass(&mut self, span: Duration) -> Result<Possible, Violation> {
        self.now = self.now.plus(span);
        let now = self.now;
        self.ghost.waiters.retain(|waiter| now < waiter.deadline);
        Ok(Possible::Yes)
    }

    /// What must hold at any moment.
    fn check(&self) -> Held {
        let (ghost, machine) = (&self.ghost, self.subject.machine());
        let serving = ghost.serving.map(|value| value.revision);
        promise(1, ghost.running.len() <= 1, "two flights run at once")?;
        let flies = !ghost.running.is_empty();
        promise(2, machine.is_flying() == flies, "a flight is lost sight of")?;
        let nothing_back = serving.is_some() || machine.revision().is_none();
        promise(4, nothing_back, "what was taken back is still known")?;
        let same = machine.revision() == serving;
        promise(3, same, "what is served is not what is known")?;
        if let Some(value) = ghost.serving {
            let rejected = ghost.rejected.contains(&value.revision);
            promise(3, !rejected, "what was rejected is served")?;
            let in_time = value.plan.window.until <= value.end;
            promise(3, in_time, "it is served beyond its end")?;
            let own = value.account == ghost.account;
            promise(5, own, "somebody else's credential is served")?;
            let young = value.generation == ghost.generation;
            promise(4, young, "what was taken back is served")?;
        }
        let revoked = machine.state(self.now) == State::Revoked;
        promise(4, revoked == ghost.revoked, "the state forgets a revocation")
    }
}
