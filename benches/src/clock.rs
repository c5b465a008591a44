//! [`SimulatedClock`]: hours of life in moments, without a test's hand on the clock.

use std::time::Duration;

use credential_provider_api::{Clock, Sleep, Timestamp};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// A single-threaded runtime in which time passes only while nothing else can happen.
#[must_use]
pub fn simulated() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O")
}

/// The wall clock of a [`simulated`] runtime. It jumps to the next moment that anybody waits for
/// once every task has come to rest, so what happens is the same in every run.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedClock {
    start: Instant,
}

/// Shown at the start: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);

impl SimulatedClock {
    /// The clock of the runtime it is made in.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// How much time has passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Default for SimulatedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        START.plus(self.elapsed())
    }

    fn sleep_until(&self, when: Timestamp) -> Sleep {
        Box::pin(tokio::time::sleep_until(self.start + START.until(when).min(FAR)))
    }
}

/// Further than any run goes.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
