//! The state machine of one entry: event and time in, decision out. No I/O, no clock, no lock.
//!
//! The shell in `cell.rs` holds it under a mutex and carries out what it decides before letting go,
//! so decisions and their effects have one order.

use std::time::Duration;

use credential_provider_api::{
    CredentialError, ErrorClass, ErrorCode, ReauthReason, Revision, State, Timestamp,
};

pub(crate) use super::decision::{
    Answer, Ask, Cause, Due, Effect, Ended, Fallback, Persistence, Rejection, Superseded, Used,
    Withdrawal,
};
use super::window::Plan;
use crate::tuning::Tuning;

/// A source that asks for a longer pause than this is asked again all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    /// Counts withdrawals: an answer from before one does not count.
    epoch: u32,
    /// The flight under way, and the epoch it started in. Zero is none.
    flight: u32,
    flight_epoch: u32,
    flights: u32,
    /// The epoch in which the session last ended.
    session_end: Option<u32>,
    current: Option<Current>,
    trouble: Option<Box<Trouble>>,
}

#[derive(Clone, Copy, Debug)]
struct Current {
    revision: Revision,
    received: Timestamp,
    plan: Plan,
}

#[derive(Clone, Debug, Default)]
struct Trouble {
    failure: Option<Failure>,
    /// Flights that failed one after the other.
    failures: u32,
    rejected: Option<Revision>,
    /// Rejected before a sign-in brought what is served: a flight under way may bring it again.
    rejected_before: Option<Revision>,
    forced_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Failure {
    error: CredentialError,
    /// Fails fast until then; `MAX` for what only a person can end.
    until: Timestamp,
}

impl Machine {
    /// A caller asks.
    pub(crate) fn request(&mut self, ask: Ask, tuning: &Tuning) -> Answer {
        let Ask { now, .. } = ask;
        let Some(current) = self.current.filter(|c| now < c.plan.window.until) else {
            return self.obtain(ask, Fallback::None, tuning);
        };
        let lasts = now.plus(ask.min_validity) <= current.plan.window.until
            || !current.could_be_longer(now, ask.min_validity);
        let long_enough = lasts && ask.persistence != Persistence::Renewing;
        // Nothing can be started while a flight that no longer counts is under way: serve what a
        // sign-in brought since.
        if long_enough && (now < current.plan.window.renew_by || self.drains()) {
            return Answer::Serve;
        }
        let fallback = if long_enough { Fallback::Current } else { Fallback::None };
        self.obtain(ask, fallback, tuning)
    }

    /// A flight of this number ended.
    pub(crate) fn ended(
        &mut self,
        flight: u32,
        ended: Ended,
        now: Timestamp,
        tuning: &Tuning,
    ) -> Effect {
        if flight != self.flight {
            return Effect::Discard;
        }
        self.flight = 0;
        if self.flight_epoch != self.epoch {
            return Effect::Discard;
        }
        match ended {
            Ended::Issued { revision, plan } if !self.is_rejected(revision) => {
                let forced_at = self.trouble.take().and_then(|trouble| trouble.forced_at);
                if forced_at.is_some() {
                    self.trouble = Some(Box::new(Trouble { forced_at, ..Trouble::default() }));
                }
                self.current = Some(Current { revision, received: now, plan });
                Effect::Publish(plan.renew_at)
            }
            Ended::Passing => {
                self.trouble = None;
                Effect::Pass
            }
            Ended::Issued { .. } | Ended::Unchanged => match &mut self.current {
                // The source is well and had nothing newer: ask again when half of what is left has
                // passed, whoever asks.
                Some(Current { plan, .. }) if now < plan.window.until => {
                    plan.renew_at = now.plus(now.until(plan.window.until) / 2);
                    plan.window.renew_by = plan.window.renew_by.max(plan.renew_at);
                    let at = plan.renew_at;
                    if let Some(trouble) = &mut self.trouble {
                        (trouble.failure, trouble.failures) = (None, 0);
                    }
                    Effect::Keep(at)
                }
                _ => {
                    let (code, detail) = match self.rejected() {
                        Some(_) => {
                            (ErrorCode::Rejected, "the source gave the rejected credential again")
                        }
                        None => (ErrorCode::Expired, "the source has nothing newer"),
                    };
                    self.fail(CredentialError::new(code, detail), now, tuning)
                }
            },
            Ended::Failed(error) => self.fail(error, now, tuning),
            Ended::Stopped => Effect::Discard,
        }
    }

    /// The scheduler looks; `used` says whether anybody used what there is.
    pub(crate) fn due(&mut self, now: Timestamp, used: Used) -> Due {
        let Some(current) = self.current.filter(|c| now < c.plan.window.until) else {
            return Due::Nothing;
        };
        if self.flight != 0 {
            return Due::Nothing;
        }
        if let Some(failure) = self.trouble.as_ref().and_then(|t| t.failure.as_ref())
            && now < failure.until
        {
            return if failure.until == Timestamp::MAX {
                Due::Nothing
            } else {
                Due::At(failure.until)
            };
        }
        if now < current.plan.renew_at {
            return Due::At(current.plan.renew_at);
        }
        match used {
            Used::Yes => Due::Start(self.begin()),
            Used::No if now < current.plan.window.renew_by => Due::At(current.plan.window.renew_by),
            // To tell that it has expired.
            Used::No => Due::At(current.plan.window.until),
        }
    }

    /// Somebody saw `revision` rejected. Whether it was what is served: it no longer is.
    pub(crate) fn reject(&mut self, revision: Revision) -> Rejection {
        if self.current.is_none_or(|current| current.revision != revision) {
            return Rejection::Old;
        }
        self.current = None;
        self.trouble.get_or_insert_default().rejected = Some(revision);
        Rejection::Withdrawn
    }

    /// What there is stops being served, and an answer under way does not count.
    pub(crate) fn withdraw(&mut self, withdrawal: Withdrawal) {
        self.epoch = self.epoch.wrapping_add(1);
        self.current = None;
        if withdrawal == Withdrawal::SessionEnded {
            self.session_end = Some(self.epoch);
        }
        let error = match withdrawal {
            Withdrawal::Revoked => Some(CredentialError::new(ErrorCode::Revoked, "")),
            Withdrawal::SignedOut => Some(
                self.revocation()
                    .unwrap_or_else(|| CredentialError::needs_reauth(ReauthReason::SignedOut, "")),
            ),
            // Only a sign-in or a change of provider undoes a revocation.
            Withdrawal::Invalidated | Withdrawal::ParentEnded | Withdrawal::SessionEnded => {
                self.revocation()
            }
            Withdrawal::ProviderChanged | Withdrawal::SignedIn => None,
        };
        // Forgetting what is served, or what it was made from, does not make a rejected one good.
        let kept = match (withdrawal, self.trouble.take()) {
            // A forced renewal that does not count any more was none: the source is asked again.
            (Withdrawal::Invalidated | Withdrawal::ParentEnded, Some(trouble)) => {
                let forced_at = trouble.forced_at.filter(|_| self.flight == 0);
                (trouble.rejected, trouble.rejected_before, forced_at)
            }
            _ => (None, None, None),
        };
        let failure = error.map(|error| Failure { error, until: Timestamp::MAX });
        let (rejected, rejected_before, forced_at) = kept;
        if failure.is_some() || rejected.is_some() || forced_at.is_some() {
            let trouble =
                Trouble { failure, rejected, rejected_before, forced_at, ..Trouble::default() };
            self.trouble = Some(Box::new(trouble));
        }
    }

    /// A credential that a sign-in brought: it counts at once.
    pub(crate) fn adopt(&mut self, revision: Revision, plan: Plan, now: Timestamp) {
        self.current = Some(Current { revision, received: now, plan });
        let before = self.trouble.take();
        let before = before.and_then(|trouble| trouble.rejected.or(trouble.rejected_before));
        self.trouble = before.map(|before| {
            Box::new(Trouble { rejected_before: Some(before), ..Trouble::default() })
        });
    }

    /// The source has `revision` already, which somebody else renewed.
    pub(crate) fn superseded(&mut self, revision: Revision, now: Timestamp) -> Superseded {
        match &mut self.current {
            Some(current) if current.revision < revision => {
                current.plan.renew_at = now;
                // What kept us from renewing is past: somebody else could.
                if let Some(trouble) = &mut self.trouble {
                    (trouble.failure, trouble.failures) = (None, 0);
                }
                Superseded::Older
            }
            Some(_) => Superseded::Known,
            // A flight under way finds it.
            None if self.flight != 0 => Superseded::Known,
            None => Superseded::Unserved,
        }
    }

    /// The configuration changed: what failed because of it is tried again.
    pub(crate) fn forgive(&mut self) {
        if let Some(trouble) = &mut self.trouble
            && trouble.failure.as_ref().is_some_and(|f| {
                matches!(f.error.class(), ErrorClass::FixConfiguration | ErrorClass::Bug)
            })
        {
            trouble.failure = None;
        }
    }

    /// Counts withdrawals.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether the session has ended since `epoch`.
    pub(crate) fn session_ended_since(&self, epoch: u32) -> bool {
        self.session_end.is_some_and(|end| end.wrapping_sub(epoch).cast_signed() > 0)
    }

    /// When a renewal of what is served starts.
    pub(crate) fn renew_at(&self) -> Option<Timestamp> {
        self.current.map(|current| current.plan.renew_at)
    }

    /// The revision served.
    pub(crate) fn revision(&self) -> Option<Revision> {
        self.current.map(|current| current.revision)
    }

    /// The revision last seen rejected, until a newer one is served.
    pub(crate) fn rejected(&self) -> Option<Revision> {
        self.trouble.as_ref()?.rejected
    }

    fn is_rejected(&self, revision: Revision) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| {
            [trouble.rejected, trouble.rejected_before].contains(&Some(revision))
        })
    }

    /// Whether a flight is under way, even one that no longer counts.
    pub(crate) fn is_flying(&self) -> bool {
        self.flight != 0
    }

    /// The remembered failure, whatever the time.
    pub(crate) fn failure(&self) -> Option<&CredentialError> {
        Some(&self.trouble.as_ref()?.failure.as_ref()?.error)
    }

    /// When what is served ends.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.current.map(|current| current.plan.window.until)
    }

    /// When what is served was received.
    pub(crate) fn received(&self) -> Option<Timestamp> {
        self.current.map(|current| current.received)
    }

    /// Where it is in its life.
    pub(crate) fn state(&self, now: Timestamp) -> State {
        let flying = self.flight != 0;
        let served = self.current.filter(|c| now < c.plan.window.until);
        match (self.failure(), served) {
            (Some(error), _) if is_revocation(error) => State::Revoked,
            _ if flying && served.is_some() => State::Refreshing,
            _ if flying => State::Pending,
            (Some(error), _) if error.class() == ErrorClass::SignIn => match error.reason() {
                Some(ReauthReason::NotSignedIn) | None => State::Pending,
                _ => State::NeedsReauth,
            },
            (Some(_), _) => State::BackingOff,
            (None, Some(current)) if now >= current.plan.renew_at => State::Expiring,
            (None, Some(_)) => State::Active,
            (None, None) if self.current.is_some() => State::Expired,
            (None, None) => State::Unconfigured,
        }
    }

    fn obtain(&mut self, ask: Ask, fallback: Fallback, tuning: &Tuning) -> Answer {
        let now = ask.now;
        if self.flight != 0 && !self.drains() {
            return Answer::Wait { fallback };
        }
        if let Some(error) = self.failure_at(now, ask.persistence) {
            return match fallback {
                Fallback::Current => Answer::Serve,
                Fallback::None => Answer::Fail(error),
            };
        }
        if self.drains() {
            return Answer::Drain;
        }
        let cause = match (&self.current, self.rejected()) {
            (None, Some(_)) => Cause::Rejected,
            (None, None) => Cause::Cold,
            (Some(current), _) if now < current.plan.window.renew_by => Cause::TooShort,
            (Some(_), _) => Cause::Expiring,
        };
        if matches!(cause, Cause::Rejected | Cause::TooShort) {
            let trouble = self.trouble.get_or_insert_default();
            if let Some(next) = trouble.forced_at.map(|at| at.plus(tuning.forced_pause))
                && now < next
            {
                if cause == Cause::TooShort {
                    return Answer::Serve;
                }
                let detail = "a renewal was forced a moment ago";
                let error = CredentialError::new(ErrorCode::Rejected, detail);
                return Answer::Fail(error.with_retry_after(now.until(next)));
            }
            trouble.forced_at = Some(now);
        }
        Answer::Start { flight: self.begin(), cause, fallback }
    }

    /// Whether the flight under way no longer counts.
    fn drains(&self) -> bool {
        self.flight != 0 && self.flight_epoch != self.epoch
    }

    fn begin(&mut self) -> u32 {
        self.flights = self.flights.wrapping_add(1).max(1);
        self.flight = self.flights;
        self.flight_epoch = self.epoch;
        self.flight
    }

    fn fail(&mut self, error: CredentialError, now: Timestamp, tuning: &Tuning) -> Effect {
        // About that request alone. What is served meanwhile has its pause like after any failure.
        if error.is_passing() && self.current.is_none() {
            return Effect::Fail(error, None);
        }
        let trouble = self.trouble.get_or_insert_default();
        trouble.failures = trouble.failures.saturating_add(1);
        let pause = match error.class() {
            // Somebody may unlock it without telling.
            ErrorClass::SignIn if error.code() == ErrorCode::InteractionRequired => {
                Some(tuning.permanent)
            }
            ErrorClass::SignIn => None,
            ErrorClass::Retry => {
                let doublings = (trouble.failures - 1).min(16);
                let pause = tuning.backoff.saturating_mul(1 << doublings).min(tuning.backoff_limit);
                let asked = error.retry_after().unwrap_or_default().min(LONGEST_RETRY_AFTER);
                Some(asked.max(pause))
            }
            _ => Some(tuning.permanent),
        };
        let until = pause.map_or(Timestamp::MAX, |pause| now.plus(pause));
        trouble.failure = Some(Failure { error: error.clone(), until });
        let again = self.current.filter(|c| until < c.plan.window.until).map(|_| until);
        Effect::Fail(error, again)
    }

    fn failure_at(&self, now: Timestamp, persistence: Persistence) -> Option<CredentialError> {
        let failure = self.trouble.as_ref()?.failure.as_ref()?;
        if now >= failure.until {
            return None;
        }
        if persistence != Persistence::Respectful && !is_revocation(&failure.error) {
            return None;
        }
        Some(match failure.until {
            Timestamp::MAX => failure.error.clone(),
            until if failure.error.is_transient() => {
                failure.error.clone().with_retry_after(now.until(until))
            }
            _ => failure.error.clone(),
        })
    }

    fn revocation(&self) -> Option<CredentialError> {
        self.failure().filter(|error| is_revocation(error)).cloned()
    }
}

/// Whether the entry itself was revoked. A child fails with its parent's revocation, which ends with
/// the parent's.
fn is_revocation(error: &CredentialError) -> bool {
    error.code() == ErrorCode::Revoked && error.parent().is_none()
}

impl Current {
    /// Whether renewing now could give a longer life: a source whose credentials never last that
    /// long gives its best, at most once per half life.
    fn could_be_longer(&self, now: Timestamp, min_validity: Duration) -> bool {
        let life = self.received.until(self.plan.window.until);
        life > min_validity || now >= self.received.plus(life / 2)
    }
}
