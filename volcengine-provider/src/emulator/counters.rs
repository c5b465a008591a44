//! What was asked for.

use std::collections::BTreeMap;

use serde::Serialize;

/// What was asked for since the start, refused and dropped calls included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Counters {
    /// OpenAPI calls by action.
    pub actions: BTreeMap<String, u64>,
    /// OpenAPI calls by the access key id they name; `` for calls that name none.
    pub keys: BTreeMap<String, u64>,
    /// Answers by action and what came of it: `GetResourceApiKey ok`, `AssumeRole AccessDenied`.
    pub outcomes: BTreeMap<String, u64>,
    /// Requests to everything else, by method and path.
    pub pages: BTreeMap<String, u64>,
    /// Calls whose connection was closed on purpose.
    pub dropped: u64,
    /// Calls that were throttled on purpose.
    pub throttled: u64,
    /// OpenAPI calls under way now.
    pub in_flight: u64,
    /// The most there ever were at one time.
    pub most_in_flight: u64,
    /// The most that arrived within one second of the emulator's clock.
    pub most_in_a_second: u64,
    /// Sign-ins at user pools, as `pool client user identity_provider`.
    pub sign_ins: Vec<String>,
    /// The second that is counted now, and its calls.
    #[serde(skip)]
    second: (i64, u64),
}

impl Counters {
    /// How often `action` was called.
    #[must_use]
    pub fn action(&self, action: &str) -> u64 {
        self.actions.get(action).copied().unwrap_or_default()
    }

    /// How often `action` ended in `code`, `ok` for an answer without an error.
    #[must_use]
    pub fn outcome(&self, action: &str, code: &str) -> u64 {
        self.outcomes.get(&format!("{action} {code}")).copied().unwrap_or_default()
    }

    pub(crate) fn arrived(&mut self, action: &str, key: &str, second: i64) {
        *self.actions.entry(action.to_owned()).or_default() += 1;
        *self.keys.entry(key.to_owned()).or_default() += 1;
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        let before = if self.second.0 == second { self.second.1 } else { 0 };
        self.second = (second, before + 1);
        self.most_in_a_second = self.most_in_a_second.max(before + 1);
    }

    pub(crate) fn ended(&mut self, action: &str, outcome: &str) {
        *self.outcomes.entry(format!("{action} {outcome}")).or_default() += 1;
    }

    pub(crate) fn page(&mut self, method: &str, path: &str) {
        *self.pages.entry(format!("{method} {path}")).or_default() += 1;
    }
}
