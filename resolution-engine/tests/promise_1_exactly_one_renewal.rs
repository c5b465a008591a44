//! One provider call in flight per key; a rejection names the revision it is about.
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
const MS: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_credential_is_fetched_once_and_then_served() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let openai = at("vault/shared");
    let first = world.tool.request(&openai).await.unwrap();
    let again = world.tool.request(&openai).await.unwrap();
    assert_eq!(text(&first), text(&again));
    assert_eq!(vault.calls(), 1);
    assert_eq!(world.engine.counters().hits, 1);
}

#[tokio::test]
async fn a_thousand_tasks_on_a_cold_key_make_one_call() {
    let vault = Scripted::new("vault", HOUR);
    *vault.slow.lock().unwrap() = 50 * MS;
    let world = World::new(&[&vault]);
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let tool = world.tool.clone();
            tokio::spawn(async move { tool.request(&at("vault/shared")).await.unwrap() })
        })
        .collect();
    world.pass(50 * MS).await;
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((vault.calls(), world.engine.counters().waiters), (1, 0));
}

#[tokio::test]
async fn a_thousand_rejections_of_one_revision_cause_one_renewal() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let dead = world.tool.request(&key).await.unwrap();
    let revision = dead.revision().unwrap();
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let tool = world.tool.clone();
            tokio::spawn(async move {
                tool.request(&at("vault/shared")).reject(revision).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_ne!(text(&task.await.unwrap()), text(&dead));
    }
    assert_eq!(vault.calls(), 2);
    // Late news about the old revision changes nothing.
    world.tool.request(&key).reject(revision).await.unwrap();
    world.tool.request(&key).report(&dead, Outcome::Rejected).unwrap();
    world.tool.request(&key).await.unwrap();
    assert_eq!(vault.calls(), 2);
}

#[tokio::test]
async fn forced_renewals_are_at_most_one_in_ten_seconds() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    let second = world.tool.request(&key).reject(first.revision().unwrap()).await.unwrap();
    let refused = world.tool.request(&key).reject(second.revision().unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Rejected);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(10)));
    // The rejected revision is not served meanwhile, to anybody.
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::Rejected);
    world.pass(Duration::from_secs(10)).await;
    let third = world.tool.request(&key).await.unwrap();
    assert_ne!(text(&third), text(&second));
    assert_eq!(vault.calls(), 3);
}

#[tokio::test]
async fn the_same_secret_after_a_rejection_is_not_a_new_revision() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Answer(issues("same"))).then(Act::Answer(issues("same")));
    vault.then(Act::Answer(Ok(Resolution::Unchanged))).then(Act::Answer(issues("other")));
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    let refused = world.tool.request(&key).reject(first.revision().unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Rejected);
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::Rejected);
    world.pass(Duration::from_secs(20)).await;
    assert_eq!(text(&world.tool.request(&key).await.unwrap()), "other");
    let named = vault.rejected.lock().unwrap().clone();
    assert_eq!(named, [None, first.revision(), first.revision(), first.revision()]);
}

#[tokio::test]
async fn a_hundred_waiters_on_a_failing_provider_share_one_flight() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::After(20 * MS, fails(ErrorCode::NotConfigured)));
    let world = World::new(&[&vault]);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let tool = world.tool.clone();
            tokio::spawn(async move { tool.request(&at("vault/shared")).await.unwrap_err() })
        })
        .collect();
    world.pass(20 * MS).await;
    for task in tasks {
        assert_eq!(task.await.unwrap().code(), ErrorCode::NotConfigured);
    }
    assert_eq!(vault.calls(), 1);
    // Remembered for a while, then tried again; an explicit retry does not wait.
    world.tool.request(&at("vault/shared")).await.unwrap_err();
    assert_eq!(vault.calls(), 1);
    world.tool.request(&at("vault/shared")).retry().await.unwrap();
    assert_eq!(vault.calls(), 2);
}
