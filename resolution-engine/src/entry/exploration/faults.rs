//! Faults seeded into the machine, one at a time. The exploration that finds nothing in the shipped
//! machine must find each.

use credential_provider_api::{Revision, Timestamp};

use super::action::{ALPHABET, SITUATIONS};
use super::subject::Subject;
use super::walk::{Found, Tally, walk};
use crate::entry::machine::{
    Answer, Ask, Due, Effect, Ended, Machine, Persistence, Rejection, Used, Withdrawal,
};
use crate::tuning::Tuning;

/// Seeds a fault: what is altered of the machine.
macro_rules! seeded {
    ($name:ident, $($altered:tt)*) => {
        #[derive(Clone, Default)]
        struct $name(Machine);

        impl Subject for $name {
            fn machine(&self) -> &Machine {
                &self.0
            }

            fn machine_mut(&mut self) -> &mut Machine {
                &mut self.0
            }

            $($altered)*
        }
    };
}

seeded! { StartsBesideAFlight,
    fn request(&mut self, ask: Ask, tuning: &Tuning) -> Answer {
        match self.0.request(ask, tuning) {
            Answer::Wait { fallback } => Answer::Start {
                flight: u32::MAX,
                cause: crate::entry::Cause::Cold,
                fallback,
            },
            answer => answer,
        }
    }
}

seeded! { RejectionOfOldWithdraws,
    fn reject(&mut self, revision: Revision) -> Rejection {
        self.0.reject(self.0.revision().unwrap_or(revision))
    }
}

seeded! { RejectionsForceFlightAfterFlight,
    fn request(&mut self, ask: Ask, tuning: &Tuning) -> Answer {
        let tuning = Tuning { forced_pause: std::time::Duration::ZERO, ..tuning.clone() };
        self.0.request(ask, &tuning)
    }
}

// A caller that gives up does not say which flight it waited for: that is remembered here.
#[derive(Clone, Default)]
struct CancelStopsTheFlight {
    machine: Machine,
    flight: u32,
}

impl Subject for CancelStopsTheFlight {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn request(&mut self, ask: Ask, tuning: &Tuning) -> Answer {
        let answer = self.machine.request(ask, tuning);
        if let Answer::Start { flight, .. } = answer {
            self.flight = flight;
        }
        answer
    }

    fn cancel(&mut self) {
        let (end, at) = (Ended::Stopped, Timestamp::EPOCH);
        self.machine.ended(self.flight, end, at, &Tuning::default());
    }
}

seeded! { FailureLeavesCallersWaiting,
    fn ended(&mut self, flight: u32, ended: Ended, now: Timestamp, tuning: &Tuning) -> Effect {
        match ended {
            Ended::Failed(error) => Effect::Fail(error, None),
            ended => self.0.ended(flight, ended, now, tuning),
        }
    }
}

seeded! { ServesWhatHasEnded,
    fn request(&mut self, ask: Ask, tuning: &Tuning) -> Answer {
        let ended = self.0.until().is_some_and(|until| until <= ask.now);
        match self.0.request(ask, tuning) {
            Answer::Fail(_) if ended => Answer::Serve,
            answer => answer,
        }
    }
}

seeded! { ForgetsWhatWasRejected,
    fn ended(&mut self, flight: u32, ended: Ended, now: Timestamp, tuning: &Tuning) -> Effect {
        let rejected = self.0.rejected();
        match (self.0.ended(flight, ended.clone(), now, tuning), ended) {
            (Effect::Fail(..), Ended::Issued { revision, plan }) if rejected == Some(revision) => {
                self.0.adopt(revision, plan, now);
                Effect::Publish(plan.renew_at)
            }
            (effect, _) => effect,
        }
    }
}

seeded! { FailureDropsWhatIsValid,
    fn ended(&mut self, flight: u32, ended: Ended, now: Timestamp, tuning: &Tuning) -> Effect {
        let effect = self.0.ended(flight, ended, now, tuning);
        if let (Effect::Fail(..), Some(revision)) = (&effect, self.0.revision()) {
            self.0.reject(revision);
        }
        effect
    }
}

seeded! { KnowsNoBackOff,
    fn request(&mut self, ask: Ask, tuning: &Tuning) -> Answer {
        let persistence = Persistence::Explicit;
        self.0.request(Ask { persistence, ..ask }, tuning)
    }
}

seeded! { RenewsInALoop,
    fn due(&mut self, now: Timestamp, used: Used) -> Due {
        match (self.0.due(now, used), self.0.until()) {
            (Due::At(_), Some(until)) => {
                self.0.due(until.minus(std::time::Duration::from_millis(1)), used)
            }
            (due, _) => due,
        }
    }
}

seeded! { LateAnswerCounts,
    fn ended(&mut self, flight: u32, ended: Ended, now: Timestamp, tuning: &Tuning) -> Effect {
        match (self.0.ended(flight, ended.clone(), now, tuning), ended) {
            (Effect::Discard, Ended::Issued { revision, plan }) => {
                self.0.adopt(revision, plan, now);
                Effect::Publish(plan.renew_at)
            }
            (effect, _) => effect,
        }
    }
}

/// Remembers the last withdrawal, to fail to fence after a sign-in only.
#[derive(Clone, Default)]
struct LateAnswerCountsAfterASignIn {
    machine: Machine,
    last: Option<Withdrawal>,
}

impl Subject for LateAnswerCountsAfterASignIn {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn withdraw(&mut self, withdrawal: Withdrawal) {
        self.last = Some(withdrawal);
        self.machine.withdraw(withdrawal);
    }

    fn ended(&mut self, flight: u32, ended: Ended, now: Timestamp, tuning: &Tuning) -> Effect {
        match (self.machine.ended(flight, ended.clone(), now, tuning), ended) {
            (Effect::Discard, Ended::Issued { revision, plan })
                if self.last == Some(Withdrawal::SignedIn) =>
            {
                self.machine.adopt(revision, plan, now);
                Effect::Publish(plan.renew_at)
            }
            (effect, _) => effect,
        }
    }
}

seeded! { InvalidationUndoesARevocation,
    fn withdraw(&mut self, withdrawal: Withdrawal) {
        self.0.withdraw(match withdrawal {
            Withdrawal::Invalidated => Withdrawal::ProviderChanged,
            withdrawal => withdrawal,
        });
    }
}

seeded! { SessionEndIsIgnored,
    fn withdraw(&mut self, withdrawal: Withdrawal) {
        if withdrawal != Withdrawal::SessionEnded {
            self.0.withdraw(withdrawal);
        }
    }
}

/// The shortest way to a broken promise.
fn shortest<S: Subject>() -> Option<Found> {
    (1..=4).find_map(|depth| {
        SITUATIONS.iter().find_map(|situation| {
            walk::<S>(situation, ALPHABET, depth, &mut Tally::default()).err()
        })
    })
}

fn breaks<S: Subject>(promise: u8) {
    let found = shortest::<S>();
    let named = found.as_ref().map(|found| found.violation.promise);
    assert_eq!(named, Some(promise), "{found:?}");
}

mod a_seeded_fault_is_found {
    use super::*;

    #[test]
    fn promise_1_a_second_flight_beside_one_that_runs() {
        breaks::<StartsBesideAFlight>(1);
    }

    #[test]
    fn promise_1_a_rejection_of_something_old_that_withdraws() {
        breaks::<RejectionOfOldWithdraws>(1);
    }

    #[test]
    fn promise_1_rejections_that_force_flight_after_flight() {
        breaks::<RejectionsForceFlightAfterFlight>(1);
    }

    #[test]
    fn promise_2_a_caller_that_gives_up_and_stops_the_flight() {
        breaks::<CancelStopsTheFlight>(2);
    }

    #[test]
    fn promise_2_a_failure_that_leaves_callers_waiting() {
        breaks::<FailureLeavesCallersWaiting>(2);
    }

    #[test]
    fn promise_3_what_has_ended_is_served() {
        breaks::<ServesWhatHasEnded>(3);
    }

    #[test]
    fn promise_3_what_was_rejected_is_forgotten() {
        breaks::<ForgetsWhatWasRejected>(3);
    }

    #[test]
    fn promise_3_a_failed_renewal_that_drops_what_is_valid() {
        breaks::<FailureDropsWhatIsValid>(3);
    }

    #[test]
    fn promise_3_no_back_off() {
        breaks::<KnowsNoBackOff>(3);
    }

    #[test]
    fn promise_3_renewals_in_a_loop() {
        breaks::<RenewsInALoop>(3);
    }

    #[test]
    fn promise_4_a_late_answer_that_counts() {
        breaks::<LateAnswerCounts>(4);
    }

    #[test]
    fn promise_4_an_invalidation_that_undoes_a_revocation() {
        breaks::<InvalidationUndoesARevocation>(4);
    }

    #[test]
    fn promise_4_an_end_of_the_session_that_is_ignored() {
        breaks::<SessionEndIsIgnored>(4);
    }

    #[test]
    fn promise_5_a_late_answer_that_counts_after_a_sign_in() {
        breaks::<LateAnswerCountsAfterASignIn>(5);
    }

    #[test]
    fn nothing_in_the_shipped_machine() {
        let found = shortest::<Machine>();
        assert!(found.is_none(), "{found:?}");
    }
}
