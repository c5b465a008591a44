//! When a credential is renewed and until when it is served.

use std::time::Duration;

use credential_provider_api::{Freshness, ServingWindow, Timestamp};

use crate::tuning::Tuning;

/// The life of one issue, planned when it is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Renewal ahead starts here.
    pub(crate) renew_at: Timestamp,
    /// The window it is served in.
    pub(crate) window: ServingWindow,
}

/// Plans the life of a credential received at `now` that ends at `end`.
///
/// Spans are shares of the life left at receipt, so that a source which answers with a half-used
/// token is asked once per half life and never in a loop. `jitter` (0–255) spreads renewals that
/// would fall together over a quarter of the advisory span.
pub(crate) fn plan(
    now: Timestamp,
    end: Option<Timestamp>,
    freshness: Freshness,
    tuning: &Tuning,
    jitter: u8,
) -> Option<Plan> {
    let stale = match freshness {
        Freshness::Never => return None,
        Freshness::For(span) => now.plus(span),
        _ => Timestamp::MAX,
    };
    let end = end.unwrap_or(Timestamp::MAX).min(stale);
    if end == Timestamp::MAX {
        return Some(Plan { renew_at: Timestamp::MAX, window: ServingWindow::ALWAYS });
    }
    let life = now.until(end);
    let skew = (life / 100).clamp(Duration::from_millis(100), Duration::from_secs(5));
    let until = end.minus(skew);
    if until <= now {
        return None;
    }
    let advisory = (life / 5).min(tuning.advisory);
    let mandatory = (life / 20).min(tuning.mandatory).max(skew);
    let spread = advisory / 4 * u32::from(jitter) / 256;
    let renew_at = end.minus(advisory).plus(spread);
    let renew_by = end.minus(mandatory).max(renew_at).min(until);
    Some(Plan { renew_at: renew_at.min(renew_by), window: ServingWindow { renew_by, until } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn after(secs: u64, jitter: u8) -> Plan {
        let end = NOW.plus(Duration::from_secs(secs));
        plan(NOW, Some(end), Freshness::UntilChanged, &Tuning::default(), jitter).unwrap()
    }

    #[test]
    fn promise_3_an_hour_is_renewed_five_minutes_ahead_and_awaited_in_the_last() {
        let plan = after(3600, 0);
        assert_eq!(NOW.until(plan.renew_at), Duration::from_secs(3300));
        assert_eq!(NOW.until(plan.window.renew_by), Duration::from_secs(3540));
        assert_eq!(NOW.until(plan.window.until), Duration::from_secs(3595));
    }

    #[test]
    fn promise_3_short_lives_use_shares() {
        let plan = after(10, 0);
        assert_eq!(NOW.until(plan.renew_at), Duration::from_secs(8));
        assert_eq!(NOW.until(plan.window.renew_by), Duration::from_millis(9_500));
        assert_eq!(NOW.until(plan.window.until), Duration::from_millis(9_900));
    }

    #[test]
    fn what_never_ends_is_never_renewed() {
        let plan = plan(NOW, None, Freshness::UntilChanged, &Tuning::default(), 0).unwrap();
        assert_eq!(plan.window, ServingWindow::ALWAYS);
    }

    #[test]
    fn freshness_ends_it_before_its_expiry() {
        let end = Some(NOW.plus(Duration::from_secs(3600)));
        let fresh = Freshness::For(Duration::from_secs(60));
        let plan = plan(NOW, end, fresh, &Tuning::default(), 0).unwrap();
        assert!(plan.window.until < NOW.plus(Duration::from_secs(60)));
        let never = super::plan(NOW, end, Freshness::Never, &Tuning::default(), 0);
        assert!(never.is_none());
    }

    proptest! {
        #[test]
        fn promise_3_the_order_of_moments_holds(millis in 1u64..10_000_000_000, jitter: u8) {
            let end = NOW.plus(Duration::from_millis(millis));
            let planned = plan(NOW, Some(end), Freshness::UntilChanged, &Tuning::default(), jitter);
            if let Some(Plan { renew_at, window }) = planned {
                prop_assert!(NOW.plus(Duration::from_millis(millis / 2)) <= renew_at);
                prop_assert!(renew_at <= window.renew_by);
                prop_assert!(window.renew_by <= window.until);
                prop_assert!(window.until.plus(Duration::from_millis(100)) <= end);
            } else {
                prop_assert!(millis <= 100);
            }
        }
    }
}
