//! How flights end, and what is taken back or put in place meanwhile.

use std::time::Duration;

use credential_provider_api::{CredentialError, ErrorCode, Freshness, ReauthReason, Timestamp};

use super::action::{End, HOUR};
use super::ghost::{Failing, Ghost, Held, Record, Running, TUNING, Value, Violation, promise};
use super::subject::Subject;
use super::world::{Met, Possible, World};
use crate::entry::machine::{Effect, Ended, Rejection, Withdrawal};
use crate::entry::window::{Plan, plan};

/// What a flight brings: the record, its planned life, and what the machine is told.
struct Brought {
    issue: Option<(Record, Plan)>,
    ended: Ended,
    failing: Failing,
}

impl<S: Subject> World<S> {
    pub(super) fn end(&mut self, end: End) -> Result<Possible, Violation> {
        let Some(flight) = self.ghost.running.pop() else {
            return Ok(Possible::No);
        };
        let (brought, now) = (self.bring(end, flight), self.now);
        let stopped = matches!(brought.ended, Ended::Stopped);
        let effect = self.subject.ended(flight.number, brought.ended, now, &TUNING);
        if flight.generation != self.ghost.generation {
            late(&self.ghost, flight, &effect)?;
            self.meet(Met::LateAnswer);
        } else if !stopped {
            self.land(flight, brought.issue, brought.failing, &effect)?;
        }
        self.dismiss(flight.number, &effect)?;
        Ok(Possible::Yes)
    }

    fn bring(&mut self, end: End, flight: Running) -> Brought {
        let now = self.now;
        let record = match (end, flight.record) {
            (End::Again, Some(record)) => Some(record),
            (End::Again, None) => Some(self.ghost.mint(secs(now, HOUR))),
            (End::Fresh(life), _) => Some(self.ghost.mint(secs(now, life))),
            _ => None,
        };
        let error = |code| Ended::Failed(CredentialError::new(code, ""));
        let failed = |ended, failing| Brought { issue: None, ended, failing };
        let transient = Failing::Transient(Duration::ZERO);
        if let Some(record) = record {
            let newer = self.ghost.record.is_none_or(|kept| kept.revision < record.revision);
            if newer && flight.account == self.ghost.account {
                self.ghost.record = Some(record);
            }
            let fresh = Freshness::UntilChanged;
            return match plan(now, Some(record.end), fresh, &TUNING, 0) {
                Some(plan) => Brought {
                    issue: Some((record, plan)),
                    ended: Ended::Issued { revision: record.revision, plan },
                    failing: transient,
                },
                // What the shell makes of a credential that has ended already.
                None => failed(error(ErrorCode::InvalidResponse), transient),
            };
        }
        match end {
            End::Passing => failed(Ended::Passing, transient),
            End::Unchanged => failed(Ended::Unchanged, transient),
            End::Permanent => failed(error(ErrorCode::NotConfigured), Failing::Permanent),
            End::Reauth => {
                let error = CredentialError::needs_reauth(ReauthReason::GrantRejected, "");
                failed(Ended::Failed(error), Failing::Reauth)
            }
            End::RetryAfter(pause) => {
                let pause = Duration::from_secs(pause);
                let error = CredentialError::new(ErrorCode::RateLimited, "");
                let error = error.with_retry_after(pause);
                failed(Ended::Failed(error), Failing::Transient(pause))
            }
            End::Stopped => failed(Ended::Stopped, transient),
            _ => failed(error(ErrorCode::Unavailable), transient),
        }
    }

    /// Carries out what follows from the end of a flight that counts.
    fn land(
        &mut self,
        flight: Running,
        issue: Option<(Record, Plan)>,
        failing: Failing,
        effect: &Effect,
    ) -> Held {
        let (ghost, now) = (&mut self.ghost, self.now);
        match effect {
            Effect::Publish(at) => {
                let Some((record, plan)) = issue else {
                    return promise(3, false, "something is published that nobody issued");
                };
                let rejected = ghost.rejected.contains(&record.revision);
                promise(3, !rejected, "what was rejected is served again")?;
                let in_time = *at <= plan.window.until;
                promise(3, in_time, "it is looked at again after its end")?;
                ghost.serve(value(record, plan, flight.generation, flight.account, now));
                self.meet(Met::Publish);
            }
            Effect::Keep(at) => {
                let Some(value) = ghost.valid(now) else {
                    return promise(3, false, "nothing is kept");
                };
                let ahead = now <= *at && *at <= value.plan.window.until;
                promise(3, ahead, "it is looked at again too early or too late")?;
                ghost.calm();
                ghost.serving = Some(Value { answered: now, ..value });
                self.meet(Met::Keep);
            }
            Effect::Pass => {
                ghost.calm();
                // The source has gone over to answers that are not kept.
                (ghost.dead, ghost.forced) = (false, None);
                ghost.rejected.clear();
                self.meet(Met::Pass);
            }
            Effect::Fail(_, at) => {
                let refused =
                    issue.is_some_and(|(record, _)| !ghost.rejected.contains(&record.revision));
                promise(3, !refused, "a good answer is taken for a failure")?;
                ghost.fail(now, failing);
                let until = ghost.valid(now).map(|value| value.plan.window.until);
                let ahead = at.is_none_or(|at| until.is_some_and(|until| at < until));
                promise(3, ahead, "what will have ended is looked at again")?;
                self.meet(Met::Fail);
            }
            Effect::Discard => return promise(2, false, "an answer that counts is lost"),
        }
        Ok(())
    }

    /// Those who waited are told; those whose answer counts no more ask again.
    fn dismiss(&mut self, flight: u32, effect: &Effect) -> Held {
        let waiters = &mut self.ghost.waiters;
        let told: Vec<_> = waiters.extract_if(.., |w| w.flight == flight).collect();
        if !matches!(effect, Effect::Discard) {
            return Ok(());
        }
        for waiter in told {
            // Those whose session has ended are told so, whoever has its name now.
            let over = self.ghost.session_ended;
            if over.is_none_or(|ended| waiter.generation >= ended) {
                self.meet(Met::AskAgain);
                self.request(waiter.wish)?;
            }
        }
        Ok(())
    }

    pub(super) fn reject_served(&mut self) -> Result<Possible, Violation> {
        let Some(value) = self.ghost.serving else {
            return Ok(Possible::No);
        };
        let rejection = self.subject.reject(value.revision);
        let withdrawn = rejection == Rejection::Withdrawn;
        promise(3, withdrawn, "what is seen rejected stays")?;
        self.ghost.reject(value.revision);
        self.meet(Met::RejectionOfServed);
        Ok(Possible::Yes)
    }

    pub(super) fn reject_old(&mut self) -> Result<Possible, Violation> {
        let serving = self.ghost.serving.map(|value| value.revision);
        let Some(old) = self.ghost.old.filter(|old| Some(*old) != serving) else {
            return Ok(Possible::No);
        };
        let rejection = self.subject.reject(old);
        let served = self.subject.machine().revision() == serving;
        let nothing = rejection == Rejection::Old && served;
        promise(1, nothing, "the rejection of something old changes something")?;
        self.meet(Met::RejectionOfOld);
        Ok(Possible::Yes)
    }

    pub(super) fn withdraw(&mut self, withdrawal: Withdrawal) -> Held {
        self.subject.withdraw(withdrawal);
        self.ghost.withdraw(withdrawal);
        let gone = self.subject.machine().revision().is_none();
        promise(4, gone, "what is taken back is still served")
    }

    pub(super) fn adopt(&mut self) -> Result<Possible, Violation> {
        let (ghost, now) = (&mut self.ghost, self.now);
        if !ghost.adoptable {
            return Ok(Possible::No);
        }
        ghost.adoptable = false;
        let record = ghost.mint(secs(now, HOUR));
        ghost.record = Some(record);
        let fresh = Freshness::UntilChanged;
        let Some(plan) = plan(now, Some(record.end), fresh, &TUNING, 0) else {
            return Ok(Possible::No);
        };
        let value = value(record, plan, ghost.generation, ghost.account, now);
        ghost.serve(value);
        ghost.forced = None;
        self.subject.adopt(record.revision, plan, now);
        self.meet(Met::Adopt);
        Ok(Possible::Yes)
    }
}

/// An answer from before a withdrawal counts for nothing.
fn late(ghost: &Ghost, flight: Running, effect: &Effect) -> Held {
    if matches!(effect, Effect::Discard) {
        return Ok(());
    }
    let own = flight.account == ghost.account;
    promise(5, own, "a late answer for somebody else counts")?;
    promise(4, false, "a late answer counts")
}

fn value(record: Record, plan: Plan, generation: u32, account: u8, now: Timestamp) -> Value {
    Value { revision: record.revision, end: record.end, plan, generation, account, answered: now }
}

fn secs(now: Timestamp, life: u64) -> Timestamp {
    now.plus(Duration::from_secs(life))
}
