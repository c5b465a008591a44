//! The cost of a request and of a renewal among many: the same, whether they are a hundred or a
//! million.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{Clock, CredentialRef, EffectiveSession};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::alloc::allocations;
use crate::clock::{SimulatedClock, simulated};
use crate::report::{Limit, Line};
use crate::world::{Behaviour, Setup, Steady, World, poll_once, reference, room_for, session};

/// Among how many credentials.
pub const SIZES: [usize; 3] = [100, 10_000, 1_000_000];

/// How much more a cost among many may be than the same among the fewest.
const GROWTH: f64 = 1.1;

/// The lines of this theme, instructions apart.
#[must_use]
pub fn lines() -> Vec<Line> {
    let (mut lines, mut renewals) = (Vec::new(), Vec::new());
    for size in SIZES {
        let crowd = Crowd::new(size);
        let (requests, mut nanos) = (100_000, 0.0);
        let allocated = allocations(|| nanos = timed(|| crowd.request(requests)));
        let requests = requests as f64;
        let line = |name: &str, value, unit, limit| {
            Line::new(format!("scale/{name}_among_{size}"), value, unit, limit)
        };
        lines.push(line("request", nanos / requests, "ns", Limit::None));
        lines.push(line("request", allocated / requests, "allocations", Limit::Exactly(0.0)));
        let (mut renewed, mut nanos) = (0, 0.0);
        let allocated = allocations(|| nanos = timed(|| renewed = crowd.renew(|pass| pass())));
        let renewed = renewed as f64;
        lines.push(line("renewal", nanos / renewed, "ns", Limit::None));
        lines.push(line("renewal", allocated / renewed, "allocations", Limit::None));
        renewals.push(allocated / renewed);
    }
    lines.push(growth("renewal_allocations", &renewals));
    lines
}

/// How many times as much something costs among the many as among the fewest; the costs are in the
/// order of sizes. It may well be less: many share what it takes to wake up.
#[must_use]
pub fn growth(what: &str, costs: &[f64]) -> Line {
    let worst = match costs {
        [among_few, among_many @ ..] if !among_many.is_empty() => {
            Some(among_many.iter().copied().fold(0.0, f64::max) / among_few)
        }
        _ => None,
    };
    Line::maybe(format!("scale/{what}_growth"), worst, "ratio", Limit::AtMost(GROWTH))
}

/// This many people with a credential each, of which a hundred at a time are due for renewal.
///
/// Renewals due at one moment share the waking of the scheduler: by the hundred they do so at every
/// size, so what remains to differ is what the size costs.
pub struct Crowd {
    world: World,
    reference: CredentialRef,
    sessions: Vec<EffectiveSession>,
    runtime: Runtime,
}

/// How long before its end a credential is renewed.
const AHEAD: Duration = Duration::from_secs(60);
/// How long a credential lasts.
const LIFE: Duration = Duration::from_secs(3600);
/// How long the first ones last, at least: no longer than it takes to be renewed as late as others.
const FIRST_LIFE: Duration = Duration::from_secs(300);
/// The time between two renewals of a credential.
const PERIOD: Duration = Duration::from_secs(3540);
/// The scheduler sweeps once in this time: every span that is measured is a multiple of it.
const SWEEP: Duration = Duration::from_secs(60);
/// Renewals to measure, at least.
const RENEWALS: u32 = 1_000;

impl Crowd {
    /// Fetches a credential for each, and lets time pass until the first is renewed.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let runtime = simulated();
        let world = runtime.block_on(async {
            let clock = SimulatedClock::new();
            let start = clock.now();
            let behaviour = Behaviour {
                // What is measured is the engine, not the copying of long tokens.
                token: 32,
                expiry: Arc::new(move |request, nth| {
                    Some(if nth < size {
                        start.plus(FIRST_LIFE + spread(nth, size))
                    } else {
                        request.now().plus(LIFE)
                    })
                }),
                ..Behaviour::default()
            };
            let mut tuning = room_for(size);
            tuning.advisory = AHEAD;
            tuning.mandatory = AHEAD / 4;
            let setup =
                Setup { tuning, clock: Some(Arc::new(clock)), random: Some(Arc::new(Steady)) };
            let world = World::new(behaviour, setup);
            world.fill(size).await;
            assert_eq!(world.books.calls(), size, "one call each");
            sleep(FIRST_LIFE - AHEAD + SWEEP / 2).await;
            world
        });
        let sessions = (0..size).map(session).collect();
        let crowd = Self { world, reference: reference(), sessions, runtime };
        // The first read of a credential is judged and audited; the others are measured.
        crowd.request(size);
        crowd
    }

    /// Requests by name, each another person's.
    pub fn request(&self, times: usize) {
        // Outside its runtime the simulated clock would show real time.
        let _entered = self.runtime.enter();
        let mut nth = 0;
        for _ in 0..times {
            // A stride without common factor visits all in no order.
            nth = (nth + 7_919) % self.sessions.len();
            let request = self.world.tool.request(&self.reference);
            let got = poll_once(request.session(&self.sessions[nth]).into_future());
            black_box(got.expect("ready at its first poll")).expect("it is cached");
        }
    }

    /// Lets time pass in spans, each handed to `measure`; returns how many were renewed meanwhile.
    pub fn renew(&self, mut measure: impl FnMut(&mut dyn FnMut())) -> u64 {
        let before = self.world.books.calls();
        let size = u32::try_from(self.sessions.len()).expect("it fits");
        let sweeps = (PERIOD * RENEWALS / size).div_duration_f64(SWEEP).ceil();
        // A round at most between two reads: what nobody reads is not renewed.
        let mut left = SWEEP.mul_f64(sweeps.max(1.0));
        while !left.is_zero() {
            let span = left.min(10 * SWEEP);
            left -= span;
            measure(&mut || self.runtime.block_on(async { sleep(span).await }));
            if !left.is_zero() {
                self.request(self.sessions.len());
            }
        }
        (self.world.books.calls() - before) as u64
    }
}

/// How much later than the first the nth of `size` is due.
fn spread(nth: usize, size: usize) -> Duration {
    let group = nth - nth % SIZES[0];
    PERIOD.mul_f64(group as f64 / size as f64)
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64
}
