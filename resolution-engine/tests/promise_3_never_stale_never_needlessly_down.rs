//! Nothing past its end is served; what is valid is served while renewal fails.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const MIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_used_credential_is_renewed_ahead_without_anybody_waiting() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    world.pass(30 * MIN).await;
    world.tool.request(&key).await.unwrap();
    world.pass(29 * MIN).await;
    assert_eq!(vault.calls(), 2, "renewed within the last five minutes");
    let second = world.tool.request(&key).await.unwrap();
    assert_ne!(text(&first), text(&second));
    assert_eq!(world.engine.counters().renewals, 1);
}

#[tokio::test]
async fn a_credential_nobody_uses_is_not_renewed() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    world.tool.request(&key).await.unwrap();
    world.tool.request(&key).await.unwrap();
    world.pass(56 * MIN).await;
    assert_eq!(vault.calls(), 2, "it was used once since it was issued");
    world.pass(10 * 60 * MIN).await;
    assert_eq!(vault.calls(), 2, "and never since");
}

#[tokio::test]
async fn nothing_past_its_end_is_served() {
    let vault = Scripted::new("vault", Some(10 * MIN));
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let handle = world.tool.request(&key).bind().unwrap();
    let first = handle.get().await.unwrap();
    world.clock.advance(10 * MIN - Duration::from_secs(5));
    assert_eq!(handle.try_get().unwrap_err().code(), ErrorCode::Expired);
    let second = world.tool.request(&key).await.unwrap();
    assert_ne!(text(&first), text(&second));
}

#[tokio::test]
async fn a_valid_credential_is_served_while_its_renewal_fails() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    for _ in 0..200 {
        vault.then(Act::Answer(fails(ErrorCode::Unavailable)));
    }
    world.pass(54 * MIN).await;
    world.tool.request(&key).await.unwrap();
    let before = vault.calls();
    for _ in 0..10 {
        world.pass(Duration::from_secs(30)).await;
        let served = world.ask(&key).await.unwrap();
        assert_eq!(text(&served), text(&first));
    }
    let tries = vault.calls() - before;
    assert!((3..=30).contains(&tries), "{tries} tries in five minutes: it backs off");
    let states: Vec<State> =
        world.engine.administrator().snapshot().iter().map(|s| s.state).collect();
    assert_eq!(states, [State::BackingOff]);
    world.pass(2 * MIN).await;
    let error = world.ask(&key).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    vault.script.lock().unwrap().clear();
    world.tool.request(&key).retry().await.unwrap();
}

#[tokio::test]
async fn a_source_that_fails_once_serves_everybody_with_two_calls() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::After(Duration::from_millis(20), fails(ErrorCode::Unavailable)));
    let world = World::new(&[&vault]);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let tool = world.tool.clone();
            tokio::spawn(async move { tool.request(&at("vault/shared")).await })
        })
        .collect();
    world.pass(Duration::from_secs(2)).await;
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(vault.calls(), 2);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let vault = Scripted::new("vault", HOUR);
    let asked = Duration::from_secs(90);
    let limited = CredentialError::new(ErrorCode::RateLimited, "").with_retry_after(asked);
    vault.then(Act::Answer(Err(limited)));
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let error = world.tool.request(&key).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (ErrorCode::RateLimited, Some(asked)));
    world.pass(Duration::from_secs(60)).await;
    let error = world.tool.request(&key).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)), "what is left of it");
    assert_eq!(vault.calls(), 1);
    world.pass(Duration::from_secs(30)).await;
    world.tool.request(&key).await.unwrap();
}

#[tokio::test]
async fn needs_reauth_fails_fast_and_is_told_once() {
    let vault = Scripted::new("vault", HOUR);
    let gone = CredentialError::needs_reauth(ReauthReason::GrantRejected, "");
    vault.then(Act::Answer(Err(gone)));
    let world = World::new(&[&vault]);
    let mut events = world.engine.events();
    for _ in 0..5 {
        let error = world.tool.request(&at("vault/shared")).await.unwrap_err();
        assert_eq!(error.reason(), Some(ReauthReason::GrantRejected));
    }
    assert_eq!(vault.calls(), 1);
    let mut told = 0;
    while let Some(resolution_engine::Delivery::Event(event)) = events.try_next() {
        if let EventKind::StateChanged { to: State::NeedsReauth, error, .. } = event.kind {
            assert!(error.is_some());
            told += 1;
        }
    }
    assert_eq!(told, 1);
}

#[tokio::test]
async fn a_caller_may_ask_for_a_life_of_its_own() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    world.pass(40 * MIN).await;
    let same = world.tool.request(&key).min_validity(10 * MIN).await.unwrap();
    assert_eq!(text(&same), text(&first));
    let longer = world.tool.request(&key).min_validity(30 * MIN).await.unwrap();
    assert_ne!(text(&longer), text(&first));
    // A source whose credentials never last that long gives its best, without a storm of calls.
    for _ in 0..10 {
        world.tool.request(&key).min_validity(2 * 60 * MIN).await.unwrap();
    }
    assert_eq!(vault.calls(), 2);
}

#[tokio::test]
async fn a_renewal_that_a_person_asks_for_is_made_and_takes_nothing_away_if_it_fails() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    let renewed = world.tool.request(&key).renew().await.unwrap();
    assert_ne!(text(&renewed), text(&first));
    assert_eq!(vault.calls(), 2);
    // Again at once is no storm: what the last one brought is the answer.
    let again = world.tool.request(&key).renew().await.unwrap();
    assert_eq!((text(&again), vault.calls()), (text(&renewed), 2));
    world.pass(MIN).await;
    vault.then(Act::Answer(fails(ErrorCode::NotConfigured)));
    let failed = world.tool.request(&key).renew().await;
    assert!(failed.is_err(), "{failed:?}");
    let served = world.tool.request(&key).await.unwrap();
    assert_eq!(text(&served), text(&renewed));
}

#[tokio::test]
async fn cold_callers_go_before_background_renewals_and_limits_hold() {
    let vault = Scripted::new("vault", Some(10 * MIN));
    let mut tuning = tuning();
    tuning.calls_per_provider = 4;
    let world = World::tuned(&[&vault], tuning);
    let names: Vec<CredentialRef> = (0..300).map(|n| at(&format!("vault/shared-{n}"))).collect();
    for name in &names {
        world.tool.request(name).await.unwrap();
        world.tool.request(name).await.unwrap();
    }
    *vault.slow.lock().unwrap() = Duration::from_millis(100);
    world.pass(8 * MIN + Duration::from_secs(31)).await;
    let before = vault.calls();
    assert!(before > 300, "renewals are under way");
    let tool = world.tool.clone();
    let cold = tokio::spawn(async move { tool.request(&at("vault/shared-cold")).await });
    settle().await;
    world.pass(Duration::from_millis(100)).await;
    assert!(cold.is_finished(), "the reserve is for the cold");
    cold.await.unwrap().unwrap();
    world.pass(MIN).await;
    assert_eq!(vault.calls(), 601, "each was renewed once");
    let most = vault.most.load(std::sync::atomic::Ordering::SeqCst);
    assert!(most <= 4, "{most} calls at once");
}

#[tokio::test]
async fn what_may_not_be_cached_is_asked_for_each_time_but_shared_at_one_moment() {
    let vault = Scripted::new("vault", HOUR);
    let fresh = |n: &str| {
        let credential = Credential::token(n.into()).with_freshness(Freshness::Never);
        Act::After(Duration::from_millis(10), Ok(credential.into()))
    };
    vault.then(fresh("one")).then(fresh("two"));
    let world = World::new(&[&vault]);
    let ask = || {
        let tool = world.tool.clone();
        tokio::spawn(async move { tool.request(&at("vault/shared")).await.unwrap() })
    };
    let (a, b) = (ask(), ask());
    world.pass(Duration::from_millis(10)).await;
    assert_eq!(text(&a.await.unwrap()), text(&b.await.unwrap()));
    let c = ask();
    world.pass(Duration::from_millis(10)).await;
    assert_eq!(text(&c.await.unwrap()), "two");
}

#[tokio::test]
async fn a_clock_that_jumps_ends_what_is_over() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    // A suspended laptop: nobody ran, and now it is tomorrow.
    world.clock.advance(24 * 60 * MIN);
    let second = world.tool.request(&key).await.unwrap();
    assert_ne!(text(&first), text(&second));
}
