//! A key that is not cached, and many who want it: on a simulated clock, so every run is the same.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{ErrorCode, EventKind, State};
use resolution_engine::{Delivery, EventStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::clock::{SimulatedClock, simulated};
use crate::report::{Limit, Line};
use crate::world::{Behaviour, Setup, World, poll_once, room_for, session};

/// The lines of this theme.
#[must_use]
pub fn lines() -> Vec<Line> {
    let scenarios = [
        stampede(),
        failing(ErrorCode::Unavailable, "failing_for_now"),
        failing(ErrorCode::ConfigurationInvalid, "failing_for_good"),
        failing_once(),
        leader_dropped(),
        impatient(),
        cross_key(),
    ];
    scenarios.into_iter().flatten().collect()
}

const MS: Duration = Duration::from_millis(1);

/// 10,000 tasks want one cold key.
fn stampede() -> Vec<Line> {
    played(
        50 * MS,
        |_| {},
        async |world| {
            let served = callers(&world, 10_000).served().await;
            vec![
                exactly("stampede_10k_calls", world.books.calls(), "calls", 1),
                exactly("stampede_10k_served", served, "callers", 10_000),
            ]
        },
    )
}

/// 100 wait for a provider that always fails.
fn failing(failure: ErrorCode, name: &str) -> Vec<Line> {
    let fails = |behaviour: &mut Behaviour| {
        behaviour.failing = usize::MAX;
        behaviour.failure = failure;
    };
    played(20 * MS, fails, async |world| {
        let mut events = world.engine.events();
        let served = callers(&world, 100).served().await;
        let flights = flights(&mut events);
        vec![
            exactly(&format!("{name}_flights"), flights, "flights", 1),
            exactly(&format!("{name}_served"), served, "callers", 0),
        ]
    })
}

/// 100 wait for a provider that fails once and then works.
fn failing_once() -> Vec<Line> {
    let once = |behaviour: &mut Behaviour| behaviour.failing = 1;
    played(20 * MS, once, async |world| {
        let served = callers(&world, 100).served().await;
        vec![
            exactly("failing_once_calls", world.books.calls(), "calls", 2),
            exactly("failing_once_served", served, "callers", 100),
        ]
    })
}

/// The caller that started the call is dropped half-way; 50 others wait.
fn leader_dropped() -> Vec<Line> {
    played(
        100 * MS,
        |_| {},
        async |world| {
            let leader = callers(&world, 1);
            sleep(20 * MS).await;
            let others = callers(&world, 50);
            sleep(30 * MS).await;
            leader.abort();
            let served = others.served().await;
            vec![
                exactly("leader_dropped_calls", world.books.calls(), "calls", 1),
                exactly("leader_dropped_served", served, "callers", 50),
            ]
        },
    )
}

/// For 2 s a caller comes every 10 ms and waits for 60 ms; the answer takes 100 ms.
fn impatient() -> Vec<Line> {
    const EVERY: Duration = Duration::from_millis(10);
    const PATIENCE: Duration = Duration::from_millis(60);
    const ANSWER: Duration = Duration::from_millis(100);
    played(
        ANSWER,
        |_| {},
        async |world| {
            let mut in_time = Vec::new();
            for nth in 0..200 {
                let came = EVERY * nth;
                let callers = callers_with(&world, 1, Some(PATIENCE));
                if came + PATIENCE > ANSWER {
                    in_time.push(callers);
                }
                sleep(EVERY).await;
            }
            let (could_be, mut served) = (in_time.len(), 0);
            for caller in in_time {
                served += caller.served().await;
            }
            vec![
                exactly("impatient_calls", world.books.calls(), "calls", 1),
                exactly("impatient_served", served, "callers", could_be),
            ]
        },
    )
}

/// A warm key is read while as many cold ones load as may at once, and more wait.
fn cross_key() -> Vec<Line> {
    played(
        500 * MS,
        |_| {},
        async |world| {
            assert!(world.get(&session(0)).await, "the provider answers");
            let loading: Vec<Callers> = (1..=100).map(|n| caller_of(&world, n, None)).collect();
            sleep(50 * MS).await;
            let ready = poll_once(world.get(&session(0))) == Some(true);
            drop(loading);
            let name = "warm_read_beside_cold_ready_at_once";
            vec![exactly(name, usize::from(ready), "reads", 1)]
        },
    )
}

/// Plays a scenario with a provider that takes `delay` and does `more`.
fn played<F: Future<Output = Vec<Line>>>(
    delay: Duration,
    more: impl FnOnce(&mut Behaviour),
    scenario: impl FnOnce(Arc<World>) -> F,
) -> Vec<Line> {
    let mut behaviour = Behaviour { delay, ..Behaviour::default() };
    more(&mut behaviour);
    simulated().block_on(async {
        let setup = Setup {
            tuning: room_for(1_000),
            clock: Some(Arc::new(SimulatedClock::new())),
            random: None,
        };
        scenario(Arc::new(World::new(behaviour, setup))).await
    })
}

/// Tasks that each ask for the credential of the same session.
struct Callers(Vec<JoinHandle<bool>>);

fn callers(world: &Arc<World>, count: usize) -> Callers {
    callers_with(world, count, None)
}

fn callers_with(world: &Arc<World>, count: usize, patience: Option<Duration>) -> Callers {
    let tasks = (0..count).flat_map(|_| caller_of(world, 1, patience).0);
    Callers(tasks.collect())
}

fn caller_of(world: &Arc<World>, nth: usize, patience: Option<Duration>) -> Callers {
    let world = world.clone();
    Callers(vec![tokio::spawn(async move {
        let session = session(nth);
        match patience {
            Some(patience) => world.get_within(&session, patience).await,
            None => world.get(&session).await,
        }
    })])
}

impl Callers {
    /// Waits for all of them; how many got a credential.
    async fn served(self) -> usize {
        let mut served = 0;
        for task in self.0 {
            served += usize::from(task.await.expect("callers do not panic"));
        }
        served
    }

    fn abort(&self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Flights seen so far: each makes its entry pending.
fn flights(events: &mut EventStream) -> usize {
    let mut flights = 0;
    while let Some(delivery) = events.try_next() {
        let Delivery::Event(event) = delivery else {
            panic!("events were missed");
        };
        flights +=
            usize::from(matches!(event.kind, EventKind::StateChanged { to: State::Pending, .. }));
    }
    flights
}

fn exactly(name: &str, value: usize, unit: &'static str, limit: usize) -> Line {
    let limit = Limit::Exactly(limit as f64);
    Line::new(format!("cold/{name}"), value as f64, unit, limit)
}
