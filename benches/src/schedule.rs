//! Renewals: what one costs to keep in mind, and what becomes of callers when all are due at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use credential_provider_api::{Clock, Timestamp};
use resolution_engine::measure::Wheel;
use tokio::time::{Instant, sleep};

use crate::alloc::live;
use crate::clock::{SimulatedClock, simulated};
use crate::report::{Limit, Line};
use crate::world::{Behaviour, Setup, Steady, World, room_for, session};

/// The lines of this theme.
#[must_use]
pub fn lines() -> Vec<Line> {
    let mut lines = vec![bytes_per_renewal()];
    lines.extend(rush());
    lines
}

/// A million renewals spread over an hour.
fn bytes_per_renewal() -> Line {
    const RENEWALS: u32 = 1_000_000;
    /// Ticks of 100 ms in an hour.
    const HOUR: u32 = 36_000;
    let entry = Arc::new(0_u8);
    let before = live();
    let mut wheel: Wheel<Weak<u8>> = Wheel::new(0);
    for nth in 0..RENEWALS {
        // A stride without common factor: expiries come in no order.
        let due = (u64::from(nth) * 7_919 % u64::from(HOUR)) as u32 + 1;
        wheel.insert(Arc::downgrade(&entry), due);
    }
    let bytes = (live() - before) / f64::from(RENEWALS);
    assert_eq!(wheel.len(), RENEWALS as usize);
    let limit = Limit::AtMost(24.0);
    Line::new("schedule/bytes_per_renewal_at_1m", bytes, "bytes", limit)
}

/// How long the provider takes.
const LATENCY: Duration = Duration::from_millis(50);
/// Credentials due within one second.
const DUE: usize = 100_000;
/// Their life, the last second of which differs.
const LIFE: Duration = Duration::from_secs(3600);
/// Provider calls at once.
const CALLS: usize = 64;
/// People who come while the renewals run, one after the other.
const COLD: usize = 300;

/// 100,000 renewals are due in one second, and people come whom nobody has served yet.
fn rush() -> Vec<Line> {
    simulated().block_on(async {
        let mut tuning = room_for(DUE + COLD);
        tuning.calls = CALLS;
        tuning.calls_per_provider = CALLS;
        let clock = SimulatedClock::new();
        let setup = Setup { tuning, clock: Some(Arc::new(clock)), random: Some(Arc::new(Steady)) };
        let world = Arc::new(World::new(issuing_for_one_second(clock.now()), setup));
        fill(&world).await;
        assert_eq!(world.books.calls(), DUE, "one call each");
        while world.books.calls() == DUE {
            sleep(Duration::from_millis(100)).await;
        }
        let worst = worst_wait(&world).await;
        let under_way = world.books.calls() < 2 * DUE;
        assert!(under_way, "the callers came while renewals ran");
        sleep(LIFE / 12).await;
        let renewed = world.books.calls() - DUE - COLD;
        let line = |name: &str, value, unit, limit| {
            Line::new(format!("schedule/rush_{name}"), value, unit, limit)
        };
        let (peak, two_latencies) = (world.books.peak() as f64, millis(2 * LATENCY));
        vec![
            line("peak_calls", peak, "calls", Limit::AtMost(CALLS as f64)),
            line("renewed", renewed as f64, "renewals", Limit::Exactly(DUE as f64)),
            line("worst_cold_wait", millis(worst), "ms", Limit::AtMost(two_latencies)),
        ]
    })
}

/// Issues first what ends in one certain second, then what lasts for its life.
fn issuing_for_one_second(start: Timestamp) -> Behaviour {
    Behaviour {
        delay: LATENCY,
        expiry: Arc::new(move |request, nth| {
            let tenth = Duration::from_millis(nth as u64 % 10 * 100);
            let from = if nth < DUE { start } else { request.now() };
            Some(from.plus(LIFE + tenth))
        }),
        ..Behaviour::default()
    }
}

/// Gets the credentials of all, as many at once as may be.
async fn fill(world: &Arc<World>) {
    let getter = |first| {
        let world = world.clone();
        async move {
            for nth in (first..DUE).step_by(CALLS) {
                assert!(world.get(&session(nth)).await, "the provider answers");
            }
        }
    };
    let getters: Vec<_> = (0..CALLS).map(|first| tokio::spawn(getter(first))).collect();
    for getter in getters {
        getter.await.expect("getters do not panic");
    }
}

/// The longest that any newcomer waited.
async fn worst_wait(world: &World) -> Duration {
    let mut worst = Duration::ZERO;
    for nth in DUE..DUE + COLD {
        let came = Instant::now();
        assert!(world.get(&session(nth)).await, "the provider answers");
        worst = worst.max(came.elapsed());
        // Out of step with the provider, so that they come at every moment of its calls.
        sleep(Duration::from_millis(17)).await;
    }
    worst
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
