//! How long a profile that failed is left alone: `auth.cooldowns` of OpenClaw's configuration, up to
//! 2026.6.1; later versions have constants.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::provider_name::normalized;
use super::usage::FailureReason;

/// The times, for one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cooldowns {
    /// The first time without credit; doubles.
    pub billing: Duration,
    /// The longest time without credit.
    pub billing_max: Duration,
    /// The first time refused for good; doubles.
    pub auth_permanent: Duration,
    /// The longest time refused for good.
    pub auth_permanent_max: Duration,
    /// Failures older than this are forgotten.
    pub failure_window: Duration,
    rules: Rules,
}

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    /// OpenClaw 2026.5: eras A and B.
    Files,
    /// OpenClaw 2026.9: era C.
    Databases,
}

impl Default for Cooldowns {
    /// The defaults of OpenClaw 2026.5.
    fn default() -> Self {
        Self {
            billing: hours(5.0),
            billing_max: hours(24.0),
            auth_permanent: hours(10.0 / 60.0),
            auth_permanent_max: hours(1.0),
            failure_window: hours(24.0),
            rules: Rules::Files,
        }
    }
}

impl Cooldowns {
    /// Those of OpenClaw 2026.9, which cannot be configured.
    #[must_use]
    pub fn of_databases() -> Self {
        let ten_minutes = hours(10.0 / 60.0);
        Self { billing: ten_minutes, rules: Rules::Databases, ..Self::default() }
    }

    /// Whether these are the rules of later versions.
    pub(crate) fn is_later(&self) -> bool {
        self.rules == Rules::Databases
    }

    /// The pause after the `count`th failure for a reason, the `errors`th in a row.
    pub(crate) fn cools_for(&self, reason: FailureReason, errors: f64, count: f64) -> Duration {
        if self.is_later() && reason == FailureReason::RateLimit {
            let doubled = (count - 1.0).clamp(0.0, 20.0).exp2();
            return Duration::from_secs(30).mul_f64(doubled).min(hours(24.0));
        }
        Self::after_errors(errors)
    }

    /// The pause after this many errors in a row.
    #[must_use]
    pub(crate) fn after_errors(errors: f64) -> Duration {
        Duration::from_secs(if errors <= 1.0 {
            30
        } else if errors <= 2.0 {
            60
        } else {
            300
        })
    }

    /// The pause after the `count`th failure for a reason that disables.
    #[must_use]
    pub(crate) fn disabled_for(&self, reason: FailureReason, count: f64) -> Duration {
        let (first, longest) = match reason {
            FailureReason::Billing => (self.billing, self.billing_max),
            _ => (self.auth_permanent, self.auth_permanent_max),
        };
        let first = first.max(Duration::from_secs(60));
        let doubled = (count - 1.0).clamp(0.0, 10.0).exp2();
        first.mul_f64(doubled).min(longest.max(first))
    }
}

/// `auth.cooldowns` as it is written. What is no positive number is ignored, as OpenClaw does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Section {
    billing_backoff_hours: Number,
    billing_backoff_hours_by_provider: BTreeMap<String, Number>,
    billing_max_hours: Number,
    auth_permanent_backoff_minutes: Number,
    auth_permanent_max_minutes: Number,
    failure_window_hours: Number,
}

/// A number, or something else that does not count.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(from = "serde_json::Value")]
struct Number(Option<f64>);

impl From<serde_json::Value> for Number {
    fn from(value: serde_json::Value) -> Self {
        Self(value.as_f64().filter(|number| number.is_finite() && *number > 0.0))
    }
}

impl Section {
    /// The times for a provider.
    pub(crate) fn for_provider(&self, provider: &str) -> Cooldowns {
        let provider = normalized(provider);
        let own = self
            .billing_backoff_hours_by_provider
            .iter()
            .find(|(name, _)| normalized(name) == provider)
            .map_or(Number(None), |(_, number)| *number);
        let or = |number: Number, unit: f64, default: Duration| {
            number.0.map_or(default, |number| hours(number * unit))
        };
        let defaults = Cooldowns::default();
        let minute = 1.0 / 60.0;
        Cooldowns {
            billing: or(Number(own.0.or(self.billing_backoff_hours.0)), 1.0, defaults.billing),
            billing_max: or(self.billing_max_hours, 1.0, defaults.billing_max),
            auth_permanent: or(
                self.auth_permanent_backoff_minutes,
                minute,
                defaults.auth_permanent,
            ),
            auth_permanent_max: or(
                self.auth_permanent_max_minutes,
                minute,
                defaults.auth_permanent_max,
            ),
            failure_window: or(self.failure_window_hours, 1.0, defaults.failure_window),
            rules: Rules::Files,
        }
    }
}

/// In whole milliseconds, as OpenClaw counts.
fn hours(hours: f64) -> Duration {
    let seconds = (hours * 3_600_000.0).round() / 1000.0;
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_is_configured_counts_and_what_is_no_number_does_not() {
        let section: Section = serde_json::from_str(
            r#"{"billingBackoffHours":1,"billingBackoffHoursByProvider":{" OpenAI":2},"billingMaxHours":"many","failureWindowHours":-1}"#,
        )
        .unwrap();
        assert_eq!(section.for_provider("openai").billing, hours(2.0));
        assert_eq!(section.for_provider("other").billing, hours(1.0));
        assert_eq!(section.for_provider("other").billing_max, hours(24.0));
        assert_eq!(section.for_provider("other").failure_window, hours(24.0));
    }

    #[test]
    fn a_pause_doubles_up_to_the_longest() {
        let rules = Cooldowns::default();
        let pauses =
            [1.0, 2.0, 3.0, 4.0, 50.0].map(|n| rules.disabled_for(FailureReason::Billing, n));
        assert_eq!(pauses, [5.0, 10.0, 20.0, 24.0, 24.0].map(hours));
        assert_eq!(Cooldowns::after_errors(1.0).as_secs(), 30);
        assert_eq!(Cooldowns::after_errors(9.0).as_secs(), 300);
    }
}
