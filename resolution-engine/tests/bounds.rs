//! What happens at each bound.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use resolution_engine::*;
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

#[tokio::test]
async fn a_flood_of_unknown_sessions_pushes_out_no_live_one() {
    let vault = Scripted::new("vault", HOUR);
    let mut tuning = tuning();
    tuning.entries = 100;
    tuning.sessions = 100;
    let world = World::tuned(&[&vault], tuning);
    let key = at("vault/own");
    let live: Vec<EffectiveSession> = (0..50).map(|n| person(&format!("live{n}"))).collect();
    for session in &live {
        world.tool.request(&key).session(session).await.unwrap();
    }
    for n in 0..10_000 {
        let gone = CredentialError::needs_reauth(ReauthReason::NotSignedIn, "");
        vault.then(Act::Answer(Err(gone)));
        let stranger = person(&format!("stranger{n}"));
        let error = world.tool.request(&key).session(&stranger).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth, "{n}");
    }
    let counters = world.engine.counters();
    assert!(counters.entries <= 100 && counters.sessions <= 100, "{counters:?}");
    let before = vault.calls();
    for session in &live {
        world.tool.request(&key).session(session).await.unwrap();
    }
    assert_eq!(vault.calls(), before, "every live one was still cached");
}

#[tokio::test]
async fn a_table_full_of_live_entries_refuses_more_until_some_are_idle() {
    let vault = Scripted::new("vault", None);
    let mut tuning = tuning();
    tuning.entries = 10;
    let world = World::tuned(&[&vault], tuning);
    let name = |n: usize| at(&format!("vault/shared{n}"));
    for n in 0..10 {
        world.tool.request(&name(n)).await.unwrap();
    }
    let error = world.tool.request(&name(10)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Overloaded);
    assert!(error.to_string().contains("limit of 10 entries"), "{error}");
    world.pass(Duration::from_secs(16 * 60)).await;
    world.tool.request(&name(0)).await.unwrap();
    world.tool.request(&name(10)).await.unwrap();
    assert_eq!(world.engine.counters().entries, 2, "the idle ones went");
}

#[tokio::test]
async fn entries_nobody_uses_are_forgotten_and_pinned_ones_are_not() {
    let vault = Scripted::new("vault", None);
    let world = World::new(&[&vault]);
    let pinned = world.tool.request(&at("vault/shared-pinned")).bind().unwrap();
    pinned.get().await.unwrap();
    world.tool.request(&at("vault/shared")).await.unwrap();
    world.tool.request(&at("vault/own")).session(&person("a")).await.unwrap();
    world.engine.administrator().at(&at("vault/shared-gone")).revoke().await.unwrap();
    world.pass(Duration::from_secs(2 * 3600)).await;
    let counters = world.engine.counters();
    assert_eq!((counters.entries, counters.sessions), (2, 0), "a handle and a revocation stay");
    pinned.with(|_| ()).unwrap();
    let error = world.tool.request(&at("vault/shared-gone")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Revoked);
    world.engine.administrator().at(&at("vault/shared-gone")).release().unwrap();
    world.tool.request(&at("vault/shared-gone")).await.unwrap();
}

#[tokio::test]
async fn waiters_handles_and_flows_are_bounded() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Hang);
    let mut tuning = tuning();
    tuning.waiters = 5;
    tuning.handles = 5;
    let world = World::tuned(&[&vault], tuning);
    let ask = || {
        let tool = world.tool.clone();
        tokio::spawn(async move { tool.request(&at("vault/shared")).await })
    };
    let waiting: Vec<_> = (0..5).map(|_| ask()).collect();
    settle().await;
    let error = ask().await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Overloaded);
    drop(waiting);
    let key = at("vault/shared-other");
    let bound: Vec<Handle> = (0..5).map(|_| world.tool.request(&key).bind().unwrap()).collect();
    assert_eq!(world.tool.request(&key).bind().unwrap_err().code(), ErrorCode::Overloaded);
    drop(bound);
    assert_eq!(world.engine.counters().handles, 0);
    world.tool.request(&key).bind().unwrap();
}

#[tokio::test]
async fn a_slow_listener_is_told_how_much_it_missed() {
    let vault = Scripted::new("vault", HOUR);
    let mut tuning = tuning();
    tuning.event_buffer = 8;
    let world = World::tuned(&[&vault], tuning);
    let mut events = world.engine.events();
    for n in 0..20 {
        world.tool.request(&at(&format!("vault/shared{n}"))).await.unwrap();
    }
    let Some(Delivery::Missed(missed)) = events.try_next() else { panic!("nothing missed") };
    let mut seen = 0;
    while let Some(Delivery::Event(_)) = events.try_next() {
        seen += 1;
    }
    assert!(missed > 0 && seen == 8, "{missed} missed, {seen} seen");
    assert_eq!(world.engine.administrator().snapshot().len(), 20, "the snapshot has it all");
}
