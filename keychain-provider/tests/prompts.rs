//! A prompt is raised only if the request allows asking, and then one for all.
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
use common::{Fake, Prompted, World, builder, own, secret};
use credential_provider_api::{
    CredentialError, CredentialProvider as _, ErrorCode, Interaction, Request,
};

type Answer = Result<credential_provider_api::Credential, CredentialError>;

fn locked() -> (Arc<World>, Fake) {
    let world = Arc::new(World::of(builder().prompt_limit(Duration::from_secs(60))));
    for id in ["openai", "bot/1", "bot/2"] {
        world.fake.put(&own(id), id);
    }
    world.fake.state().locked = true;
    let fake = world.fake.clone();
    (world, fake)
}

fn ask(world: &Arc<World>, request: Request) -> tokio::task::JoinHandle<Answer> {
    let world = world.clone();
    tokio::spawn(async move { world.read(&request).await })
}

async fn prompted(fake: &Fake, prompts: usize) {
    let fake = fake.clone();
    let wait = move || fake.wait_until("a prompt is shown", |s| s.prompts >= prompts);
    tokio::task::spawn_blocking(wait).await.unwrap();
}

#[tokio::test]
async fn without_leave_to_ask_the_answer_is_locked_and_no_prompt_is_raised() {
    let (world, fake) = locked();
    let error = world.read(&world.request("openai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    let error = world.set(&world.request("openai"), &[("key", "sk-2")]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    assert_eq!(fake.state().prompts, 0);
}

#[tokio::test]
async fn one_prompt_serves_all_who_wait_reads_and_writes() {
    let (world, fake) = locked();
    let reads = ["openai", "bot/1", "bot/2"].map(|id| ask(&world, world.asking(id)));
    let writing = {
        let world = world.clone();
        tokio::spawn(async move { world.set(&world.asking("bot/3"), &[("token", "t3")]).await })
    };
    prompted(&fake, 1).await;
    // While it stands, who may not ask is answered at once.
    let error = world.read(&world.request("openai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    fake.let_go(|state| state.prompt = Some(Prompted::Unlocked));
    for (read, id) in reads.into_iter().zip(["openai", "bot/1", "bot/2"]) {
        assert_eq!(secret(&read.await.unwrap().unwrap()), id);
    }
    writing.await.unwrap().unwrap();
    assert_eq!(fake.state().prompts, 1);
}

#[tokio::test]
async fn a_prompt_declined_is_not_repeated_for_ten_seconds() {
    let (world, fake) = locked();
    fake.state().prompt = Some(Prompted::Declined);
    for _ in 0..3 {
        let error = world.read(&world.asking("openai")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InteractionRequired);
    }
    assert_eq!(fake.state().prompts, 1);
    world.clock.advance(Duration::from_millis(9_999));
    world.read(&world.asking("openai")).await.unwrap_err();
    assert_eq!(fake.state().prompts, 1);
    world.clock.advance(Duration::from_millis(1));
    fake.state().prompt = Some(Prompted::Unlocked);
    assert_eq!(secret(&world.read(&world.asking("openai")).await.unwrap()), "openai");
    assert_eq!(fake.state().prompts, 2);
}

#[tokio::test]
async fn a_prompt_is_waited_for_to_its_limit_or_the_requests_and_stays_the_only_one() {
    let (world, fake) = locked();
    let patient = ask(&world, world.asking("openai"));
    prompted(&fake, 1).await;
    let deadline = world.request("x").now().plus(Duration::from_secs(10));
    let hurried = ask(&world, world.asking("bot/1").with_deadline(deadline));
    world.waits_for(Duration::from_secs(10)).await;
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(hurried.await.unwrap().unwrap_err().code(), ErrorCode::InteractionRequired);
    world.waits_for(Duration::from_secs(50)).await;
    world.pass(Duration::from_secs(50)).await;
    assert_eq!(patient.await.unwrap().unwrap_err().code(), ErrorCode::InteractionRequired);
    // It stands all the same: the next one joins it.
    let next = ask(&world, world.asking("openai"));
    world.waits_for(Duration::from_secs(60)).await;
    fake.let_go(|state| state.prompt = Some(Prompted::Unlocked));
    assert_eq!(secret(&next.await.unwrap().unwrap()), "openai");
    assert_eq!(fake.state().prompts, 1);
}

#[tokio::test]
async fn a_check_asks_nobody() {
    use credential_provider_api::HealthStatus;
    let (world, fake) = locked();
    let health = world.provider.check(&world.asking("openai"), None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Degraded);
    assert!(health.detail.as_str().contains("locked"), "{health:?}");
    assert_eq!(fake.state().prompts, 0);
}

#[tokio::test]
async fn all_who_wait_for_one_prompt_are_served_wherever_their_item_is() {
    let of = Of::new();
    of.slow.with(|i| {
        i.item = Some(b"v".to_vec());
        i.standing = true;
        i.locked = vec!["bot/1".into(), "bot/2".into()];
    });
    let ask = |id: &str| {
        let (provider, request) =
            (of.provider.clone(), of.request(id).with_interaction(Interaction::Allowed));
        tokio::spawn(async move { provider.resolve(&request).await })
    };
    let first = ask("bot/1");
    assert!(of.until(|i| i.prompts == 1).await);
    let second = ask("bot/2");
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
    of.slow.with(|i| i.standing = false);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_store_that_hangs_when_it_is_opened_to_unlock_does_not_end_unlocking_for_ever() {
    let of = Of::new();
    of.slow.with(|i| {
        i.item = Some(b"v".to_vec());
        i.locked = vec!["openai".into()];
        i.slow = Some(2);
    });
    let ask = || {
        let (provider, request) =
            (of.provider.clone(), of.request("openai").with_interaction(Interaction::Allowed));
        tokio::spawn(async move { provider.resolve(&request).await })
    };
    let first = ask();
    assert!(of.until(|i| i.stuck).await);
    for _ in 0..130 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        of.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(first.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    // Every opening from here on is quick: one call hung, and no prompt was ever shown.
    let next = ask();
    let prompted = of.until(|i| i.prompts == 1).await;
    next.abort();
    of.slow.with(|i| i.stuck = false);
    assert!(prompted, "unlocking waits for the one call that hung");
}

#[tokio::test]
async fn a_prompt_declined_after_everybody_left_is_not_repeated_for_ten_seconds_either() {
    let (world, fake) = locked();
    let first = ask(&world, world.asking("openai"));
    prompted(&fake, 1).await;
    first.abort();
    let _ = first.await;
    fake.let_go(|s| s.prompt = Some(Prompted::Declined));
    // Until its thread is done with it, and has let go of the store.
    for _ in 0..5000 {
        if fake.state().open == 1 {
            break;
        }
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
    }
    assert_eq!(fake.state().open, 1, "the one that reads");
    fake.state().prompt = Some(Prompted::Unlocked);
    let error = world.read(&world.asking("openai")).await.map(|c| secret(&c).to_owned());
    assert_eq!(fake.state().prompts, 1, "a second prompt at once: {error:?}");
}

#[tokio::test]
async fn what_stays_locked_after_its_prompt_is_an_answer_with_a_next_step() {
    let of = Of::new();
    of.slow.with(|i| {
        i.locked = vec!["openai".into()];
        i.stubborn = true;
    });
    let request = of.request("openai").with_interaction(Interaction::Allowed);
    let error = of.provider.resolve(&request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported, "{error}");
    assert_eq!(of.slow.with(|i| i.prompts), 1, "no second prompt");
}

#[tokio::test]
async fn a_prompt_is_waited_for_two_minutes_unless_configured() {
    let world = Arc::new(World::new());
    world.fake.state().locked = true;
    let asked = ask(&world, world.asking("openai"));
    prompted(&world.fake, 1).await;
    world.waits_for(Duration::from_secs(120)).await;
    world.pass(Duration::from_secs(120)).await;
    assert_eq!(asked.await.unwrap().unwrap_err().code(), ErrorCode::InteractionRequired);
}
