//! What goes wrong on purpose.

use std::time::Duration;

use serde::Deserialize;

/// Switches for faults; nothing is wrong by default. They concern the calls of the OpenAPI, not the
/// pages and the metadata server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Faults {
    /// Of 100 calls, how many get `FlowLimitExceeded` (429).
    pub throttled_percent: u8,
    /// The `Retry-After` of these, in seconds; none if absent.
    pub retry_after_seconds: Option<u64>,
    /// Of 100 calls, how many find the connection closed before anything happened.
    pub dropped_percent: u8,
    /// Of 100 calls, how many are carried out and then find the connection closed.
    pub lost_percent: u8,
    /// How long each call waits before anything happens, by the emulator's clock.
    pub latency_millis: u64,
    /// How far the emulator's time is ahead of its clock; behind if negative.
    pub clock_skew_seconds: i64,
    /// Answers in place of an action's own.
    pub failures: Vec<Failure>,
}

/// An answer in place of an action's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Failure {
    /// The action; every one if `*`.
    pub action: String,
    /// The HTTP status. The service also puts errors into answers with 200.
    pub status: u16,
    /// The error's code; without one the answer is [`body`](Self::body) as it stands.
    #[serde(default)]
    pub code: String,
    /// The error's message, or the whole body if there is no code.
    #[serde(default)]
    pub body: String,
    /// The `Retry-After`, in seconds.
    #[serde(default)]
    pub retry_after_seconds: Option<u64>,
    /// How many calls get it; all if absent.
    #[serde(default)]
    pub times: Option<u64>,
}

impl Failure {
    /// `status` and `code` for the next `times` calls of `action`.
    #[must_use]
    pub fn new(
        action: impl Into<String>,
        status: u16,
        code: impl Into<String>,
        times: u64,
    ) -> Self {
        Self {
            action: action.into(),
            status,
            code: code.into(),
            body: "set by the test".into(),
            retry_after_seconds: None,
            times: Some(times),
        }
    }

    /// A body that is no envelope, as a proxy in between gives, for the next `times` calls.
    #[must_use]
    pub fn page(
        action: impl Into<String>,
        status: u16,
        body: impl Into<String>,
        times: u64,
    ) -> Self {
        Self { body: body.into(), ..Self::new(action, status, "", times) }
    }

    /// With a `Retry-After`.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl Faults {
    /// The failure that is next for `action`, used up if it was the last of its number.
    pub(crate) fn take(&mut self, action: &str) -> Option<Failure> {
        let place = self.failures.iter().position(|failure| {
            (failure.action == action || failure.action == "*") && failure.times != Some(0)
        })?;
        let failure = self.failures.get_mut(place)?;
        let found = failure.clone();
        match &mut failure.times {
            Some(1) => drop(self.failures.remove(place)),
            Some(times) => *times -= 1,
            None => {}
        }
        Some(found)
    }

    pub(crate) const fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_millis)
    }
}
