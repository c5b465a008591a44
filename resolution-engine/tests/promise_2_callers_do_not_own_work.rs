//! A caller that gives up cancels nothing; what cannot be undone runs to its end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const MS: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_dropped_leader_leaves_its_flight_to_the_others() {
    let vault = Scripted::new("vault", HOUR);
    *vault.slow.lock().unwrap() = 100 * MS;
    let world = World::new(&[&vault]);
    let ask = || {
        let tool = world.tool.clone();
        tokio::spawn(async move { tool.request(&at("vault/shared")).await })
    };
    let leader = ask();
    world.pass(50 * MS).await;
    let waiter = ask();
    settle().await;
    leader.abort();
    world.pass(50 * MS).await;
    waiter.await.unwrap().unwrap();
    assert_eq!(vault.calls(), 1);
}

#[tokio::test]
async fn everybody_with_patience_beyond_the_answer_is_served_by_one_call() {
    let vault = Scripted::new("vault", HOUR);
    *vault.slow.lock().unwrap() = 100 * MS;
    let world = World::new(&[&vault]);
    let mut callers = Vec::new();
    for _ in 0..20 {
        let tool = world.tool.clone();
        callers.push(tokio::spawn(async move {
            tool.request(&at("vault/shared")).within(60 * MS).await
        }));
        world.pass(10 * MS).await;
    }
    world.pass(100 * MS).await;
    for (nth, caller) in callers.into_iter().enumerate() {
        let answer = caller.await.unwrap();
        // The answer is there at 100 ms: whoever started at 40 ms or later has the patience.
        match answer {
            Ok(_) => assert!(nth >= 4, "caller {nth}"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::DeadlineExceeded);
                assert!(nth <= 4, "caller {nth}");
            }
        }
    }
    assert_eq!(vault.calls(), 1);
}

#[tokio::test]
async fn a_provider_that_hangs_meets_a_limit_and_only_its_own_key() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Hang);
    let world = World::new(&[&vault]);
    let tool = world.tool.clone();
    let hung = tokio::spawn(async move { tool.request(&at("vault/shared")).await });
    settle().await;
    world.tool.request(&at("vault/shared-other")).await.unwrap();
    world.pass(Duration::from_secs(31)).await;
    assert_eq!(hung.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
}

#[tokio::test]
async fn a_provider_that_panics_fails_its_own_key_and_says_nothing_of_its_text() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Panic);
    let world = World::new(&[&vault]);
    let error = world.tool.request(&at("vault/shared")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ProviderPanicked);
    assert!(!format!("{error:?}").contains("canary"));
    world.tool.request(&at("vault/shared-other")).await.unwrap();
    assert_eq!(world.engine.counters().panics, 1);
}

#[tokio::test]
async fn a_committed_exchange_outlives_the_fetch_limit_and_its_callers() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Committed(Duration::from_secs(100), issues("late")));
    let world = World::new(&[&vault]);
    let tool = world.tool.clone();
    let impatient = tokio::spawn(async move {
        tool.request(&at("vault/shared")).within(Duration::from_secs(5)).await
    });
    world.pass(Duration::from_secs(40)).await;
    assert_eq!(impatient.await.unwrap().unwrap_err().code(), ErrorCode::DeadlineExceeded);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(text(&world.tool.request(&at("vault/shared")).await.unwrap()), "late");
    assert_eq!(vault.calls(), 1);
}

#[tokio::test]
async fn a_shutdown_waits_for_a_committed_exchange_and_joins_every_task() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Committed(Duration::from_secs(100), issues("late")));
    vault.then(Act::Hang);
    let world = World::new(&[&vault]);
    let ask = |name: &'static str| {
        let tool = world.tool.clone();
        tokio::spawn(async move { tool.request(&at(name)).await })
    };
    let (committed, hung) = (ask("vault/shared"), ask("vault/shared-other"));
    settle().await;
    let engine = world.engine.clone();
    let down = tokio::spawn(async move { engine.shutdown().await });
    world.pass(Duration::from_secs(10)).await;
    assert!(!down.is_finished(), "an exchange under way is waited for");
    assert_eq!(hung.await.unwrap().unwrap_err().code(), ErrorCode::ShutDown);
    world.pass(Duration::from_secs(100)).await;
    assert!(down.is_finished());
    assert_eq!(text(&committed.await.unwrap().unwrap()), "late", "its caller is still served");
    let refused = world.tool.request(&at("vault/shared")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ShutDown);
    world.engine.shutdown().await;
    assert_eq!(world.clock.next_sleeper(), None, "no task is left waiting");
}

#[tokio::test]
async fn a_call_that_has_not_committed_is_given_up_and_may_not_commit_then() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::After(Duration::from_secs(5), issues("never")));
    let world = World::new(&[&vault]);
    let tool = world.tool.clone();
    let asked = tokio::spawn(async move { tool.request(&at("vault/shared")).await });
    settle().await;
    world.engine.shutdown().await;
    assert_eq!(asked.await.unwrap().unwrap_err().code(), ErrorCode::ShutDown);
    assert_eq!(vault.running.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_warm_read_is_ready_at_its_first_poll_while_another_key_loads() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let warm = at("vault/shared");
    world.tool.request(&warm).await.unwrap();
    vault.then(Act::Hang);
    let tool = world.tool.clone();
    let _cold = tokio::spawn(async move { tool.request(&at("vault/shared-other")).await });
    settle().await;
    let mut read = Box::pin(world.tool.request(&warm).into_future());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(read.as_mut().poll(&mut cx).is_ready());
}

#[tokio::test]
async fn an_engine_that_is_dropped_ends_its_tasks() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    world.tool.request(&at("vault/shared")).await.unwrap();
    let World { clock, engine, tool } = world;
    drop((engine, tool));
    settle().await;
    assert_eq!(clock.next_sleeper(), None);
    assert_eq!(Arc::strong_count(&vault), 1, "the provider is dropped with its engine");
}
