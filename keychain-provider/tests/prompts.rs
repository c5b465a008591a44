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

use common::{Fake, Prompted, World, builder, own, secret};
use credential_provider_api::{CredentialError, ErrorCode, Request};

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
    use credential_provider_api::{CredentialProvider as _, HealthStatus};
    let (world, fake) = locked();
    let health = world.provider.check(&world.asking("openai"), None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Degraded);
    assert!(health.detail.as_str().contains("locked"), "{health:?}");
    assert_eq!(fake.state().prompts, 0);
}
