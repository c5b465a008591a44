//! ID tokens are believed by the strict reading only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::World;
use common::http::Reply;
use common::issuer::CLIENT;
use common::tokens::Signer;
use credential_provider_api::{CredentialError, ErrorCode, Origin};
use oauth_provider::{IdTokenAlgorithm, OAuthProvider};
use serde_json::{Value, json};

async fn tried(world: &World, provider: &OAuthProvider) -> Result<String, CredentialError> {
    let done = world.finish(provider, &world.request("mail"), "alice").await?;
    Ok(done.account.unwrap().as_str().to_owned())
}

async fn refused(world: &World, what: &str, says: &str) {
    let error = tried(world, &world.provider()).await.expect_err(what);
    assert_eq!(error.code(), ErrorCode::InvalidResponse, "{what}: {error}");
    assert!(error.detail().contains(says), "{what}: {error}");
}

type Twist = fn(&mut Value);

#[tokio::test]
async fn every_claim_must_be_right() {
    let world = World::new().await;
    let cases: &[(&str, &str, Twist)] = &[
        ("another issuer", "another issuer", |c| c["iss"] = json!("https://evil.example")),
        ("a slash more", "another issuer", |c| {
            c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap()));
        }),
        ("another audience", "audience", |c| c["aud"] = json!("other")),
        ("one audience too many", "audience", |c| {
            c["aud"] = json!([CLIENT, "other"]);
            c["azp"] = json!(CLIENT);
        }),
        ("another party", "another client", |c| c["azp"] = json!("other")),
        ("another nonce", "another sign-in", |c| c["nonce"] = json!("other")),
        ("no nonce", "another sign-in", |c| drop(c.as_object_mut().unwrap().remove("nonce"))),
        ("no subject", "cannot be read", |c| drop(c.as_object_mut().unwrap().remove("sub"))),
        ("empty subject", "no subject", |c| c["sub"] = json!("")),
        ("no issue", "cannot be read", |c| drop(c.as_object_mut().unwrap().remove("iat"))),
        ("no end", "cannot be read", |c| drop(c.as_object_mut().unwrap().remove("exp"))),
        ("ended", "clocks", |c| {
            c["exp"] = json!(c["iat"].as_u64().unwrap() - 30);
            c["iat"] = json!(c["iat"].as_u64().unwrap() - 300);
        }),
        ("not yet issued", "clocks", |c| c["iat"] = json!(c["iat"].as_u64().unwrap() + 31)),
        ("ends before it begins", "ends before", |c| c["exp"] = c["iat"].clone()),
    ];
    for (what, says, twist) in cases {
        world.issuer.state().claims = Some(Arc::new(*twist));
        refused(&world, what, says).await;
    }
}

#[tokio::test]
async fn two_clocks_may_be_half_a_minute_apart() {
    let world = World::new().await;
    let late: Twist = |c| c["iat"] = json!(c["iat"].as_u64().unwrap() + 30);
    let early: Twist = |c| {
        let now = c["iat"].as_u64().unwrap();
        (c["iat"], c["exp"]) = (json!(now - 300), json!(now - 29));
    };
    for skew in [late, early] {
        world.issuer.state().claims = Some(Arc::new(skew));
        tried(&world, &world.provider()).await.unwrap();
    }
}

#[tokio::test]
async fn only_allowed_algorithms_sign() {
    let world = World::new().await;
    for alg in ["none", "HS256", "RS384", "EdDSA"] {
        world.issuer.state().header = Some(Arc::new(move |h| h["alg"] = json!(alg)));
        let error = tried(&world, &world.provider()).await.expect_err(alg);
        assert_eq!(error.code(), ErrorCode::InvalidResponse, "{alg}: {error}");
    }
    world.issuer.state().header = Some(Arc::new(|h| h["alg"] = json!("RS384")));
    let builder = world.builder().id_token_algorithms([IdTokenAlgorithm::RS384]);
    tried(&world, &world.built(builder)).await.unwrap();
}

#[tokio::test]
async fn the_signature_must_be_by_a_key_of_the_issuer() {
    let world = World::new().await;
    world.issuer.state().signer = Signer::Other;
    refused(&world, "another key", "signature").await;
    world.issuer.state().header = Some(Arc::new(|h| h["kid"] = json!("made-up")));
    refused(&world, "another key id", "does not list").await;
}

#[tokio::test]
async fn keys_are_fetched_again_for_a_new_one_but_not_at_once() {
    let world = World::new().await;
    let provider = world.provider();
    tried(&world, &provider).await.unwrap();
    tried(&world, &provider).await.unwrap();
    assert_eq!(world.issuer.count("/jwks"), 1, "kept");
    {
        let mut state = world.issuer.state();
        state.keys = vec![(Signer::Other, "k2")];
        state.signer = Signer::Other;
        state.header = Some(Arc::new(|h| h["kid"] = json!("k2")));
    }
    assert!(tried(&world, &provider).await.is_err());
    assert_eq!(world.issuer.count("/jwks"), 1, "a made-up key id costs the issuer nothing");
    world.pass(30);
    tried(&world, &provider).await.unwrap();
    assert_eq!(world.issuer.count("/jwks"), 2);
    world.pass(300);
    tried(&world, &provider).await.unwrap();
    assert_eq!(world.issuer.count("/jwks"), 3, "they are kept for five minutes");
}

#[tokio::test]
async fn promise_3_keys_that_cannot_be_fetched_again_still_serve() {
    let world = World::new().await;
    let provider = world.provider();
    tried(&world, &provider).await.unwrap();
    world.issuer.script("/jwks", [Reply::of(500, "")]);
    world.pass(301);
    tried(&world, &provider).await.unwrap();
}

#[tokio::test]
async fn bad_keys_end_in_a_code_before_the_code_is_spent() {
    let world = World::new().await;
    for (bad, expected) in [
        (Reply::of(200, "<html>"), ErrorCode::InvalidResponse),
        (Reply::of(200, "{\"keys\":7}"), ErrorCode::InvalidResponse),
        (Reply::of(404, ""), ErrorCode::InvalidResponse),
        (Reply::of(302, "").with("location", "/elsewhere"), ErrorCode::InvalidResponse),
        (Reply::of(503, ""), ErrorCode::Unavailable),
        (Reply::Endless(5 << 20), ErrorCode::InvalidResponse),
        (Reply::HangUp, ErrorCode::Unavailable),
    ] {
        let said = format!("{bad:.60?}");
        world.issuer.script("/jwks", [bad]);
        let error = tried(&world, &world.provider()).await.expect_err("bad keys");
        assert_eq!(error.code(), expected, "{error} {}", said.chars().take(60).collect::<String>());
    }
    assert_eq!(world.issuer.count("authorization_code"), 0);
    assert_eq!(world.issuer.count("/elsewhere"), 0);
}

#[tokio::test]
async fn keys_that_are_no_keys_are_no_reason_to_believe() {
    let world = World::new().await;
    let keys = json!({ "keys": [{ "kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB" }, { "kty": "?" }] });
    world.issuer.script("/jwks", [Reply::json(&keys)]);
    let error = tried(&world, &world.provider()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
}

#[tokio::test]
async fn keys_elsewhere_need_the_hosts_word() {
    let world = World::new().await;
    let elsewhere = common::issuer::Issuer::start(world.clock.clone()).await;
    let place = format!("{}/jwks", elsewhere.url());
    world.issuer.state().metadata = Some(Arc::new(move |m| m["jwks_uri"] = json!(place)));
    let error = tried(&world, &world.provider()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    let trusted = world.builder().jwks_origin(Origin::parse(&elsewhere.url()).unwrap());
    tried(&world, &world.built(trusted)).await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_was_asked_who_signed_in_must_say() {
    let world = World::new().await;
    let mute: Twist = |a| drop(a.as_object_mut().unwrap().remove("id_token"));
    world.issuer.state().answer = Some(Arc::new(mute));
    refused(&world, "no ID token", "no ID token").await;
    world.issuer.state().answer = Some(Arc::new(|a| a["id_token"] = json!("x".repeat(70_000))));
    refused(&world, "a huge ID token", "too long").await;
}

#[tokio::test]
async fn several_audiences_need_the_hosts_word_and_a_party() {
    let world = World::new().await;
    let provider = || world.built(world.builder().trusted_audience("other"));
    let both: Twist = |c| c["aud"] = json!([CLIENT, "other"]);
    world.issuer.state().claims = Some(Arc::new(both));
    assert!(tried(&world, &provider()).await.is_err(), "no party");
    let named: Twist = |c| {
        c["aud"] = json!([CLIENT, "other"]);
        c["azp"] = json!(CLIENT);
    };
    world.issuer.state().claims = Some(Arc::new(named));
    tried(&world, &provider()).await.unwrap();
}

#[tokio::test]
async fn the_account_may_be_another_claim() {
    let world = World::new().await;
    let by = |claim: &str| world.built(world.builder().account_claim(claim));
    assert_eq!(tried(&world, &by("email")).await.unwrap(), "alice@example.com");
    assert_eq!(tried(&world, &world.provider()).await.unwrap(), "alice");
    let error = tried(&world, &by("upn")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
}
