//! What is explored: the shipped machine, or one with a fault seeded into it.

use credential_provider_api::{Revision, Timestamp};

use crate::entry::machine::{
    Answer, Ask, Due, Effect, Ended, Machine, Rejection, Used, Withdrawal,
};
use crate::entry::window::Plan;
use crate::tuning::Tuning;

/// A machine under exploration. What a fault does not alter is the shipped machine's own.
pub(super) trait Subject: Clone + Default {
    fn machine(&self) -> &Machine;

    fn machine_mut(&mut self) -> &mut Machine;

    fn request(&mut self, ask: Ask, tuning: &Tuning) -> Answer {
        self.machine_mut().request(ask, tuning)
    }

    /// A caller gives up. The machine has no such event, and that is the point.
    fn cancel(&mut self) {}

    fn ended(&mut self, flight: u32, ended: Ended, now: Timestamp, tuning: &Tuning) -> Effect {
        self.machine_mut().ended(flight, ended, now, tuning)
    }

    fn due(&mut self, now: Timestamp, used: Used) -> Due {
        self.machine_mut().due(now, used)
    }

    fn reject(&mut self, revision: Revision) -> Rejection {
        self.machine_mut().reject(revision)
    }

    fn withdraw(&mut self, withdrawal: Withdrawal) {
        self.machine_mut().withdraw(withdrawal);
    }

    fn adopt(&mut self, revision: Revision, plan: Plan, now: Timestamp) {
        self.machine_mut().adopt(revision, plan, now);
    }
}

impl Subject for Machine {
    fn machine(&self) -> &Machine {
        self
    }

    fn machine_mut(&mut self) -> &mut Machine {
        self
    }
}
