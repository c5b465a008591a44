//! A gateway that starts with hundreds of sessions.
#![allow(
    clippy::field_reassign_with_default,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking; it uses a part of the world"
)]

#[path = "identities/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use credential_provider_api::{
    Clock as _, CredentialRef, EffectiveSession, ErrorCode, SignInAnswer,
};
use futures::future::join_all;
use resolution_engine::Tuning;
use serde_json::json;
use volcengine_provider::emulator::{Emulator, Faults, Person};

use world::{ACCOUNT, CALLBACK, Host, World, account, member, name, page};

const SESSIONS: usize = 500;
/// Where retries make each call several.
const FEW: usize = 50;
const KEYS: usize = 20;

/// How many calls are made at once.
const CALLS: usize = 4;
const USERS: [&str; 2] = ["alice", "bob"];

/// A gateway with everybody signed in and nothing asked for yet.
async fn crowd(
    size: usize,
    retries: u32,
    attempts: u32,
) -> (World, Vec<EffectiveSession>, Vec<CredentialRef>) {
    let mut tuning = Tuning::default();
    (tuning.calls, tuning.calls_per_provider) = (CALLS, CALLS);
    (tuning.entries, tuning.waiters) = (50_000, 50_000);
    tuning.attempts = attempts;
    // Nobody gives up because of how fast this machine is.
    let patience = Duration::from_secs(6 * 3600);
    (tuning.fetch_limit, tuning.default_deadline) = (patience, patience);
    let mut host = Host { tuning, ..Host::default() };
    let state = host.state.account_mut(ACCOUNT).unwrap();
    let providers = &mut state.api_key_providers;
    for number in 0..KEYS {
        let mut one = providers[0].clone();
        one.name = format!("k{number}");
        providers.push(one);
    }
    state.user_pools[0].clients[0].id_token.lifetime_seconds = 43_200;
    host.settings = json!({
        "retries": retries, "workload": { "durationSeconds": 43_200 },
        "userPool": { "name": "people", "clientName": "gateway", "callbackUrl": CALLBACK },
    });
    let world = host.start().await;
    let sessions: Vec<_> = (0..size).map(|number| member(&format!("m{number}"))).collect();
    for number in 0..size {
        let flow = world.begin("identity", &format!("m{number}")).await.unwrap();
        let person = Person::Allows(USERS[number % 2]);
        let back = world.emulator.browse(&page(&flow), person).await.unwrap();
        flow.answer(SignInAnswer::Pasted(back.into())).await.unwrap();
    }
    let names = (0..KEYS).map(|number| name(&format!("key/k{number}"))).collect();
    (world, sessions, names)
}

fn user(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "u-alice" } else { "u-bob" }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_1_five_hundred_sessions_exchange_once_each_at_four_calls_at_a_time() {
    // The clock stands still; nothing may end for want of real time.
    let (world, sessions, names) = crowd(SESSIONS, 0, 3).await;
    let tool = world.engine.consumer("tool:web").unwrap();
    let asking = sessions.iter().flat_map(|session| {
        names.iter().map(|name| tool.request(name).session(session).into_future())
    });
    let answers = join_all(asking).await;
    for (number, answer) in answers.into_iter().enumerate() {
        let key = answer.unwrap();
        assert_eq!(key.account(), account(user(number / KEYS)).as_ref(), "{number}");
    }
    let counters = world.emulator.counters();
    assert_eq!(counters.action("GetWorkloadAccessTokenForJWT"), SESSIONS as u64);
    assert_eq!(counters.action("GetResourceApiKey"), (SESSIONS * KEYS) as u64);
    assert!(counters.most_in_flight <= CALLS as u64, "{}", counters.most_in_flight);
    world.stop().await;
}

/// Of 100 calls 30 are throttled and 5 find their connection closed; each takes 50 ms.
fn bad_day() -> Faults {
    let mut faults = Faults::default();
    (faults.throttled_percent, faults.dropped_percent) = (30, 5);
    faults.latency_millis = LATENCY;
    faults
}

const LATENCY: u64 = 50;
/// What four calls at a time come to, and those that are under way when a second begins.
const MOST_IN_A_SECOND: u64 = 1000 / LATENCY * CALLS as u64 + CALLS as u64;

/// Moves the clock to the next moment that somebody waits for, whenever no call moves on by itself.
async fn time_passes(
    clock: &credential_provider_api::ManualClock,
    emulator: &Emulator,
    done: &AtomicBool,
) {
    let moved = || {
        let counters = emulator.counters();
        (counters.in_flight, counters.actions.values().sum::<u64>(), counters.dropped)
    };
    let mut last = moved();
    while !done.load(Ordering::SeqCst) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let is = moved();
        // What is further off is nobody's pause between two tries.
        let next = clock.next_sleeper().filter(|next| clock.now().until(*next).as_secs() < 4);
        if let Some(next) = next.filter(|_| is == last) {
            clock.set(next.max(clock.now()));
        }
        last = is;
    }
}

/// Asks for `wanted` on a bad day: what was not had, and in which code.
async fn ask(
    world: &Arc<World>,
    wanted: &[(usize, &EffectiveSession, &CredentialRef)],
) -> BTreeMap<usize, ErrorCode> {
    let tool = world.engine.consumer("tool:web").unwrap();
    let done = AtomicBool::new(false);
    let asking = async {
        let asked = wanted
            .iter()
            .map(|(_, session, name)| tool.request(name).session(session).into_future());
        let answers = join_all(asked).await;
        done.store(true, Ordering::SeqCst);
        answers
    };
    let (answers, ()) = futures::join!(asking, time_passes(&world.clock, &world.emulator, &done));
    let mut failed = BTreeMap::new();
    for (answer, (number, _, _)) in answers.into_iter().zip(wanted) {
        match answer {
            Ok(key) => {
                assert_eq!(key.account(), account(user(number / KEYS)).as_ref(), "{number}");
            }
            Err(error) => {
                assert!(error.is_transient(), "{number}: {error}");
                failed.insert(*number, error.code());
            }
        }
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_3_a_crowd_on_a_bad_day_is_served_under_the_limit_of_calls() {
    let (world, sessions, names) = crowd(FEW, 5, 3).await;
    let world = Arc::new(world);
    let before = world.emulator.counters();
    world.emulator.set_faults(bad_day());
    let all: Vec<_> = sessions.iter().flat_map(|s| names.iter().map(move |n| (s, n))).collect();
    let all: Vec<_> = all.iter().enumerate().map(|(number, (s, n))| (number, *s, *n)).collect();
    assert_eq!(ask(&world, &all).await, BTreeMap::new(), "eighteen tries are enough for everybody");
    let counters = world.emulator.counters();
    assert!(counters.throttled > 300 && counters.dropped > 30, "{counters:?}");
    let ok = |action| counters.outcome(action, "ok");
    assert_eq!(ok("GetResourceApiKey"), (FEW * KEYS) as u64, "none is fetched twice");
    assert_eq!(ok("GetWorkloadAccessTokenForJWT"), FEW as u64);
    assert!(counters.most_in_flight <= CALLS as u64, "{}", counters.most_in_flight);
    let rate = counters.most_in_a_second;
    assert!(rate <= MOST_IN_A_SECOND.max(before.most_in_a_second), "{rate} calls in a second");
    Arc::into_inner(world).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_9_without_retries_each_of_a_crowd_is_served_or_told_why_not() {
    let (world, sessions, names) = crowd(SESSIONS, 0, 1).await;
    let world = Arc::new(world);
    world.emulator.set_faults(bad_day());
    let all: Vec<_> = sessions.iter().flat_map(|s| names.iter().map(move |n| (s, n))).collect();
    let mut left: Vec<_> = all.iter().enumerate().map(|(n, (s, c))| (n, *s, *c)).collect();
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..30 {
        let failed = ask(&world, &left).await;
        for code in failed.values() {
            assert!(matches!(code, ErrorCode::RateLimited | ErrorCode::Unavailable), "{code}");
            *codes.entry(code.as_str()).or_default() += 1;
        }
        if round == 0 {
            // A workload token that is not had fails all twenty of its session.
            assert!(failed.len() > SESSIONS * KEYS / 4, "{}", failed.len());
        }
        left.retain(|(number, _, _)| failed.contains_key(number));
        // Failures are remembered for at most 5 min.
        world.pass(301);
        if left.is_empty() {
            break;
        }
    }
    assert_eq!(left.len(), 0, "everybody is served in the end");
    assert!(codes["rate_limited"] > codes["unavailable"], "{codes:?}");
    let counters = world.emulator.counters();
    assert_eq!(counters.outcome("GetResourceApiKey", "ok"), (SESSIONS * KEYS) as u64);
    assert_eq!(counters.outcome("GetWorkloadAccessTokenForJWT", "ok"), SESSIONS as u64);
    assert!(counters.most_in_flight <= CALLS as u64, "{}", counters.most_in_flight);
    Arc::into_inner(world).unwrap().stop().await;
}
