//! A store that blocks, hangs or panics costs its callers their deadline and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::slow::Of;
use common::{Fake, World, own, secret};
use credential_provider_api::{
    Clock as _, CredentialError, CredentialProvider as _, ErrorCode, Request,
};

type Answer = Result<credential_provider_api::Credential, CredentialError>;

/// Asks in the background.
fn ask(world: &Arc<World>, request: Request) -> tokio::task::JoinHandle<Answer> {
    let world = world.clone();
    tokio::spawn(async move { world.read(&request).await })
}

fn world() -> (Arc<World>, Fake) {
    let world = Arc::new(World::new());
    world.fake.put(&own("openai"), "sk-1");
    let fake = world.fake.clone();
    (world, fake)
}

/// Waits in real time for what a thread does, and lets the tasks of this one run meanwhile.
async fn wait_until(
    fake: &Fake,
    what: &'static str,
    so: impl Fn(&common::State) -> bool + Send + 'static,
) {
    let fake = fake.clone();
    tokio::task::spawn_blocking(move || fake.wait_until(what, so)).await.unwrap();
}

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn promise_2_a_call_that_hangs_is_a_timeout_and_the_next_goes_to_a_new_thread() {
    let (world, fake) = world();
    fake.state().hanging = true;
    let hung = ask(&world, world.request("openai"));
    wait_until(&fake, "the call hangs", |s| s.hung == 1).await;
    // Who comes later waits behind it, and is served when it is left to itself.
    world.pass(Duration::from_secs(2)).await;
    let later = ask(&world, world.request("openai"));
    world.pass(Duration::from_secs(1)).await;
    // From here on calls return, but the one that hangs does not know it.
    fake.state().hanging = false;
    world.pass(Duration::from_secs(2)).await;
    assert_eq!(hung.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(secret(&later.await.unwrap().unwrap()), "sk-1");
    assert_eq!(fake.state().opened, 2, "the store was opened again on the new thread");
    fake.let_go(|_| {});
}

#[tokio::test]
async fn promise_2_a_deadline_of_the_request_counts_before_the_configured_limit() {
    let (world, fake) = world();
    fake.state().hanging = true;
    let deadline = world.clock.now().plus(Duration::from_millis(300));
    let hurried = ask(&world, world.request("openai").with_deadline(deadline));
    wait_until(&fake, "the call hangs", |s| s.hung == 1).await;
    world.pass(Duration::from_millis(300)).await;
    assert_eq!(hurried.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    fake.let_go(|state| state.hanging = false);
}

#[tokio::test]
async fn so_many_threads_are_left_to_themselves_and_no_more() {
    let (world, fake) = world();
    fake.state().hanging = true;
    for n in 1..=4 {
        let hung = ask(&world, world.request("openai"));
        wait_until(&fake, "the call hangs", move |s| s.hung == n).await;
        world.pass(LIMIT).await;
        assert_eq!(hung.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    }
    let refused = world.read(&world.request("openai")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
    assert!(refused.detail().contains("4 calls"), "{refused}");
    assert_eq!(fake.state().hung, 4, "a fifth was not begun");
    // When they return, it is asked again.
    fake.let_go(|state| state.hanging = false);
    for _ in 0..500 {
        if let Ok(served) = world.read(&world.request("openai")).await {
            assert_eq!(secret(&served), "sk-1");
            return;
        }
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(2))).await.unwrap();
    }
    panic!("the store is not asked again");
}

#[tokio::test]
async fn a_store_that_panics_is_opened_again() {
    let (world, fake) = world();
    assert_eq!(secret(&world.read(&world.request("openai")).await.unwrap()), "sk-1");
    fake.state().panics = Some("its lock is poisoned: sk-canary-1".into());
    let lost = world.read(&world.request("openai")).await.unwrap_err();
    assert_eq!(lost.code(), ErrorCode::Unavailable);
    assert!(!format!("{lost:?}").contains("canary"));
    assert_eq!(secret(&world.read(&world.request("openai")).await.unwrap()), "sk-1");
    assert_eq!(fake.state().opened, 2);
}

#[tokio::test]
async fn an_outage_is_tried_again_with_each_call() {
    let (world, fake) = world();
    fake.state().down = true;
    for _ in 0..2 {
        let error = world.read(&world.request("openai")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable);
    }
    fake.state().down = false;
    world.read(&world.request("openai")).await.unwrap();
}

#[tokio::test]
async fn the_queue_is_bounded_and_who_gave_up_does_not_count() {
    let (world, fake) = world();
    fake.state().hanging = true;
    let running = ask(&world, world.request("openai"));
    wait_until(&fake, "the call hangs", |s| s.hung == 1).await;
    let waiting: Vec<_> = (0..64).map(|_| ask(&world, world.request("openai"))).collect();
    world.pass(Duration::ZERO).await;
    let refused = world.read(&world.request("openai")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Overloaded);
    for task in &waiting {
        task.abort();
    }
    for task in waiting {
        assert!(task.await.unwrap_err().is_cancelled());
    }
    let late = ask(&world, world.request("openai"));
    world.pass(Duration::ZERO).await;
    fake.let_go(|state| state.hanging = false);
    assert_eq!(secret(&running.await.unwrap().unwrap()), "sk-1");
    assert_eq!(secret(&late.await.unwrap().unwrap()), "sk-1");
    assert_eq!(fake.state().calls, 2, "what nobody waited for was not begun");
}

#[tokio::test]
async fn the_threads_end_with_the_provider() {
    let world = World::new();
    world.fake.put(&own("openai"), "sk-1");
    world.read(&world.request("openai")).await.unwrap();
    let changes = world.provider.changes();
    let World { fake, provider, .. } = world;
    let dropped = Arc::downgrade(&provider);
    drop((provider, changes));
    assert!(dropped.upgrade().is_none());
    let ended = move || {
        (0..2000).any(|_| {
            std::thread::sleep(Duration::from_millis(2));
            // This handle and nobody's store: the thread has closed its own.
            fake.others() == 0
        })
    };
    assert!(tokio::task::spawn_blocking(ended).await.unwrap());
}

#[tokio::test]
async fn promise_2_a_write_runs_to_its_end_although_its_caller_is_gone() {
    let (world, fake) = world();
    fake.state().hanging = true;
    let setting = {
        let world = world.clone();
        tokio::spawn(async move { world.set(&world.request("openai"), &[("key", "sk-2")]).await })
    };
    wait_until(&fake, "the write is under way", |s| s.hung == 1).await;
    setting.abort();
    let _ = setting.await;
    fake.let_go(|state| state.hanging = false);
    wait_until(&fake, "it is written", |s| s.items.values().any(|v| v == b"sk-2")).await;
}

#[tokio::test]
async fn promise_2_behind_a_closed_gate_nothing_is_written() {
    let (world, fake) = world();
    let gate = credential_provider_api::CommitGate::new();
    let request = world.request("openai").with_gate(gate.clone());
    assert!(gate.close());
    let error = world.set(&request, &[("key", "sk-2")]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert_eq!(fake.state().calls, 0);
}

#[tokio::test]
async fn a_write_that_timed_out_while_opening_is_not_done_after_a_later_one() {
    let of = Arc::new(Of::new());
    of.slow.with(|i| i.slow = Some(1));
    let first = {
        let of = of.clone();
        tokio::spawn(async move { of.set("openai", "sk-old").await })
    };
    assert!(of.until(|i| i.stuck).await);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    of.clock.advance(Duration::from_secs(5));
    assert_eq!(first.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    of.set("openai", "sk-new").await.unwrap();
    // The thread left to itself gets its store at last: nobody waits for its call any more.
    of.slow.with(|i| i.stuck = false);
    // Its thread ends when it has seen that.
    assert!(of.until_alone().await);
    assert_eq!(of.slow.with(|i| (i.item.clone(), i.writes)), (Some(b"sk-new".to_vec()), 1));
}
