//! Within an engine: what changes on disk reaches consumers without a restart.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{CredentialError, ErrorCode, ReauthReason};
use resolution_engine::{AccessRules, Consumer, ResolutionEngine};

use super::world::{World, a_moment, codex, codex_token, gemini, named, secret};

const CODEX: &str = ".codex/auth.json";
const GEMINI: &str = ".gemini/oauth_creds.json";

fn engine(world: &World) -> (ResolutionEngine, Consumer) {
    let rules = AccessRules::deny_all().allow("model:m", "logins/*").unwrap();
    let engine = ResolutionEngine::builder()
        .clock(Arc::new(world.clock.clone()))
        .provider(world.provider(&["codex", "gemini"]))
        .access(rules)
        .build()
        .unwrap();
    let consumer = engine.consumer("model:m").unwrap();
    (engine, consumer)
}

async fn ask(consumer: &Consumer, id: &str) -> Result<String, CredentialError> {
    let served = consumer.request(&named(id)).await?;
    Ok(secret(&served).to_owned())
}

/// Lets seconds pass, at most these, until the answer is as wanted.
async fn within(
    seconds: u32,
    world: &World,
    consumer: &Consumer,
    id: &str,
    wanted: impl Fn(&Result<String, CredentialError>) -> bool,
) -> Result<String, CredentialError> {
    for _ in 0..seconds {
        world.clock.advance(Duration::from_secs(1));
        // The look at the file is on another thread.
        for _ in 0..20 {
            a_moment().await;
            let answer = ask(consumer, id).await;
            if wanted(&answer) {
                return answer;
            }
        }
    }
    panic!("not within {seconds} s: {:?}", ask(consumer, id).await.map(drop));
}

#[tokio::test]
async fn a_login_changed_on_disk_reaches_consumers_without_a_restart() {
    let world = World::new();
    let (engine, consumer) = engine(&world);
    world.write(GEMINI, gemini("at-1"));
    assert_eq!(ask(&consumer, "gemini").await.unwrap(), "at-1");
    // It is asked for once, and served from memory while nothing changes.
    world.clock.advance(Duration::from_secs(5));
    a_moment().await;
    assert_eq!(ask(&consumer, "gemini").await.unwrap(), "at-1");
    world.write(GEMINI, gemini("at-2"));
    let answer = |wanted: &'static str| {
        move |answer: &Result<String, CredentialError>| answer.as_deref().is_ok_and(|a| a == wanted)
    };
    within(2, &world, &consumer, "gemini", answer("at-2")).await.unwrap();
    // Renamed over, as tools do that replace atomically.
    world.write("new.json", gemini("at-3"));
    fs::rename(world.path("new.json"), world.path(GEMINI)).unwrap();
    within(2, &world, &consumer, "gemini", answer("at-3")).await.unwrap();
    engine.shutdown().await;
}

#[tokio::test]
async fn a_sign_in_and_a_sign_out_in_the_tool_are_noticed() {
    let world = World::new();
    let (engine, consumer) = engine(&world);
    let reason = |wanted: ReauthReason| {
        move |answer: &Result<String, CredentialError>| {
            answer.as_ref().is_err_and(|error| error.reason() == Some(wanted))
        }
    };
    let error = ask(&consumer, "gemini").await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::NotSignedIn));
    world.write(GEMINI, gemini("at-1"));
    within(2, &world, &consumer, "gemini", Result::is_ok).await.unwrap();
    fs::remove_file(world.path(GEMINI)).unwrap();
    within(2, &world, &consumer, "gemini", reason(ReauthReason::NotSignedIn)).await.unwrap_err();
    // One that ended is renewed by the tool.
    world.write(GEMINI, gemini("at-2").replace("1800003600", "1800000000"));
    within(2, &world, &consumer, "gemini", reason(ReauthReason::GrantExpired)).await.unwrap_err();
    world.write(GEMINI, gemini("at-3"));
    assert_eq!(within(2, &world, &consumer, "gemini", Result::is_ok).await.unwrap(), "at-3");
    engine.shutdown().await;
}

#[tokio::test]
async fn promise_3_a_login_is_served_no_longer_than_it_lasts() {
    let world = World::new();
    let (engine, consumer) = engine(&world);
    world.write(GEMINI, gemini("at-1"));
    ask(&consumer, "gemini").await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    let error = ask(&consumer, "gemini").await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::GrantExpired), "{error}");
    engine.shutdown().await;
}

#[tokio::test]
async fn promise_5_another_account_in_the_tool_is_not_taken_for_the_one_before() {
    let world = World::new();
    let (engine, consumer) = engine(&world);
    world.write(CODEX, codex(&codex_token("alice"), "acc-alice"));
    ask(&consumer, "codex").await.unwrap();
    let bob = codex_token("bob");
    world.write(CODEX, codex(&bob, "acc-bob"));
    let mismatch = |answer: &Result<String, CredentialError>| {
        answer.as_ref().is_err_and(|error| error.code() == ErrorCode::AccountMismatch)
    };
    within(2, &world, &consumer, "codex", mismatch).await.unwrap_err();
    // Until somebody who may says that it counts.
    engine.administrator().at(&named("codex")).release().unwrap();
    assert_eq!(ask(&consumer, "codex").await.unwrap(), bob);
    engine.shutdown().await;
}
