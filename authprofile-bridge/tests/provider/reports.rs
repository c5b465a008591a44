//! What consumers saw goes into OpenClaw's books, and the next request gets what it would choose then.

use std::time::Duration;

use credential_provider_api::*;
use resolution_engine::Consumer;

use super::world::{World, ask, at, secret, until};

const TWO: &str = r#"{"x:a": {"type":"api_key","provider":"x","key":"a"}, "x:b": {"type":"api_key","provider":"x","key":"b"}}"#;

async fn served(tool: &Consumer, model: &str) -> Result<String, CredentialError> {
    Ok(secret(&*tool.request(&at("x")).hint(Hint::model(model)).await?))
}

#[tokio::test]
async fn too_many_requests_are_one_models_until_another_meets_them() {
    let world = World::with(TWO);
    let (_engine, tool) = world.engine(world.builder());
    let name = at("x");
    let limited = Outcome::RateLimited { retry_after: Some(Duration::from_secs(7)) };
    for (expected, other) in [("a", "b"), ("b", "a")] {
        let ask = || tool.request(&name).hint(Hint::model("big"));
        let known = ask().await.unwrap();
        assert_eq!(secret(&known), expected);
        ask().report(&known, limited.clone()).unwrap();
        until("the next one is chosen", async || {
            served(&tool, "big").await.map_or(true, |now| now == other && expected == "a")
        })
        .await;
        world.unlocked().await;
    }
    let state = world.json("main", "auth-state.json");
    let usage = &state["usageStats"]["x:a"];
    assert_eq!(
        (&usage["cooldownReason"], &usage["cooldownModel"]),
        (&"rate_limit".into(), &"big".into())
    );
    assert_eq!(usage["cooldownUntil"], world.millis(30_000));
    let error = served(&tool, "big").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(error.detail().contains("rate_limit"), "{error}");
    // Another model is not concerned, at the same time.
    assert_eq!(served(&tool, "small").await.unwrap(), "a");
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(served(&tool, "big").await.unwrap(), "a");
}

#[tokio::test]
async fn success_is_remembered_and_the_least_lately_used_is_next() {
    let world = World::with(TWO);
    let (_engine, tool) = world.engine(world.builder());
    let name = at("x");
    for (expected, next) in [("a", "b"), ("b", "a"), ("a", "b")] {
        world.clock.advance(Duration::from_secs(1));
        let known = tool.request(&name).await.unwrap();
        assert_eq!(secret(&known), expected);
        tool.request(&name).report(&known, Outcome::Success).unwrap();
        let id = format!("x:{expected}");
        until("it is noted", async || {
            let state = world.json("main", "auth-state.json");
            state["lastGood"]["x"] == id.as_str()
                && state["usageStats"][&id]["lastUsed"] == world.millis(0)
        })
        .await;
        world.unlocked().await;
        assert_eq!(secret(&tool.request(&name).await.unwrap()), next);
    }
}

#[tokio::test]
async fn no_credit_and_a_rejected_key_put_a_profile_last_for_their_time() {
    let world = World::with(TWO);
    let (_engine, tool) = world.engine(world.builder());
    let name = at("x");
    let first = tool.request(&name).await.unwrap();
    tool.request(&name).report(&first, Outcome::Billing).unwrap();
    until("b is next", async || served(&tool, "m").await.is_ok_and(|key| key == "b")).await;
    world.unlocked().await;
    let second = tool.request(&name).await.unwrap();
    tool.request(&name).report(&second, Outcome::Rejected).unwrap();
    until("none is left", async || {
        served(&tool, "m").await.is_err_and(|error| error.code() == ErrorCode::RateLimited)
    })
    .await;
    world.unlocked().await;
    let error = served(&tool, "m").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)), "the soonest end");
    assert!(error.detail().contains("billing"), "the gravest reason: {error}");
    let state = world.json("main", "auth-state.json");
    assert_eq!(state["usageStats"]["x:a"]["disabledUntil"], world.millis(5 * 3_600_000));
    assert_eq!(state["usageStats"]["x:b"]["cooldownReason"], "auth");
    // Named by its id it is served all the same; the rejected one needs another key.
    assert_eq!(secret(&tool.request(&at("x:a")).await.unwrap()), "a");
    assert_eq!(tool.request(&at("x:b")).await.unwrap_err().code(), ErrorCode::Rejected);
}

#[tokio::test]
async fn providers_that_never_cool_down_do_not() {
    let world = World::with(r#"{"o:a": {"type":"api_key","provider":"openrouter","key":"a"}}"#);
    let provider = world.provider(world.builder());
    let limited = Outcome::RateLimited { retry_after: None };
    let seen = Observation::new(Revision::FIRST, limited);
    provider.report(&world.request("o:a"), &seen).await.unwrap();
    assert!(!world.text("main", "auth-state.json").contains("usageStats"));
    assert_eq!(ask(&provider, &world.request("openrouter")).await.unwrap(), "-> o:a");
}

#[tokio::test]
async fn era_a_keeps_its_books_in_its_one_file() {
    let world = World::new();
    world.write("main", TWO);
    let provider = world.provider(world.builder());
    let seen = Observation::new(Revision::FIRST, Outcome::Billing);
    provider.report(&world.request("x:a"), &seen).await.unwrap();
    let file = world.json("main", "auth-profiles.json");
    assert_eq!(file["usageStats"]["x:a"]["disabledReason"], "billing");
    assert!(!world.file("main", "auth-state.json").exists());
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:b");
}

#[tokio::test]
async fn a_store_that_is_only_read_is_not_written_and_the_books_are_kept_in_memory() {
    let world = World::with(TWO);
    let before = (world.text("main", "auth-profiles.json"), world.text("main", "auth-state.json"));
    let provider = world.provider(world.builder().read_only());
    let seen = Observation::new(Revision::FIRST, Outcome::Billing);
    provider.report(&world.request("x:a"), &seen).await.unwrap();
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:b");
    let after = (world.text("main", "auth-profiles.json"), world.text("main", "auth-state.json"));
    assert_eq!(after, before);
    // What the store says since counts more.
    world.write_file(
        "main",
        "auth-state.json",
        r#"{"usageStats":{"x:a":{"lastUsed":1},"x:b":{"lastUsed":2}}}"#,
    );
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:a");
}

#[tokio::test]
async fn the_use_of_an_inherited_profile_is_noted_where_it_is() {
    let world = World::with(TWO);
    std::fs::create_dir_all(world.file("research", "")).unwrap();
    let agent = authprofile_bridge::openclaw::AgentId::new("research");
    let provider = world.provider(world.builder().agent(agent));
    let seen = Observation::new(Revision::FIRST, Outcome::Billing);
    provider.report(&world.request("x:a"), &seen).await.unwrap();
    assert!(world.text("main", "auth-state.json").contains("billing"));
    assert!(!world.file("research", "auth-profiles.json").exists());
    assert_eq!(ask(&provider, &world.request("x")).await.unwrap(), "-> x:b");
}
