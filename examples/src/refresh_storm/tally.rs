//! What the tasks of a process saw, and how its parent is told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use credential_provider_api::CredentialError;
use serde_json::{Value, json};

/// Counts while tasks run.
#[derive(Default)]
pub(super) struct Tally {
    served: AtomicU64,
    slowest: AtomicU64,
    failed: Mutex<BTreeMap<String, u64>>,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) served: u64,
    pub(super) slowest: Duration,
    /// By error: the code, and the reason if there is one.
    pub(super) failed: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn note<T>(&self, took: Duration, answer: &Result<T, CredentialError>) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.slowest.fetch_max(micros, Ordering::Relaxed);
        let Err(error) = answer else {
            self.served.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let reason = error.reason().map(|reason| format!(": {}", reason.as_str()));
        let name = format!("{}{}", error.code(), reason.unwrap_or_default());
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            served: self.served.load(Ordering::Relaxed),
            slowest: Duration::from_micros(self.slowest.load(Ordering::Relaxed)),
            failed: self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Counts {
    /// One line.
    pub(super) fn line(&self) -> String {
        let slowest = u64::try_from(self.slowest.as_micros()).unwrap_or(u64::MAX);
        json!({ "served": self.served, "slowest": slowest, "failed": self.failed }).to_string()
    }

    /// From a line; `None` if it is another's, or was cut off by a kill.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let number = |name: &str| value.get(name)?.as_u64();
        let failed = value.get("failed")?.as_object()?.iter();
        let failed = failed.map(|(name, count)| Some((name.clone(), count.as_u64()?)));
        Some(Self {
            served: number("served")?,
            slowest: Duration::from_micros(number("slowest")?),
            failed: failed.collect::<Option<_>>()?,
        })
    }

    /// Both.
    pub(super) fn add(&mut self, other: &Self) {
        self.served += other.served;
        self.slowest = self.slowest.max(other.slowest);
        for (name, count) in &other.failed {
            *self.failed.entry(name.clone()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use credential_provider_api::{ErrorCode, ReauthReason};

    #[test]
    fn a_tally_reaches_the_parent_as_it_is() {
        let tally = Tally::default();
        tally.note(Duration::from_millis(3), &Ok(()));
        let lost = CredentialError::needs_reauth(ReauthReason::RenewalInterrupted, "");
        tally.note(Duration::ZERO, &Err::<(), _>(lost));
        tally.note(Duration::ZERO, &Err::<(), _>(CredentialError::new(ErrorCode::Timeout, "")));
        let counts = tally.counts();
        assert_eq!(Counts::parse(&counts.line()), Some(counts.clone()));
        assert_eq!((counts.served, counts.slowest), (1, Duration::from_millis(3)));
        assert_eq!(counts.failed["needs_reauth: renewal_interrupted"], 1);
        assert_eq!(Counts::parse(&counts.line()[..9]), None);
    }
}
