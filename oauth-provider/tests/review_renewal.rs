//! A rotated refresh token is never lost, whatever comes beside it.
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
use common::world::resolve;
use credential_provider_api::{ErrorCode, SignIn as _};
use serde_json::{Value, json};

/// The page: "A renewal that brings a new refresh token beside something that cannot be believed or
/// used […] keeps that refresh token and is an error."
#[tokio::test]
async fn promise_7_a_rotated_grant_beside_what_cannot_be_used_is_kept() {
    let mut lost = Vec::new();
    for (name, value) in [
        ("token_type", json!("mac")),
        ("expires_in", json!(-1)),
        ("expires_in", json!("soon")),
        ("expires_in", json!("")),
        ("expires_in", json!({})),
        ("scope", json!(["mail", "openid"])),
        ("access_token", json!("")),
        ("access_token", json!("a b")),
        ("access_token", Value::Null),
        ("id_token", json!(7)),
    ] {
        let world = World::new().await;
        let (provider, request) = (world.provider(), world.request("files"));
        world.sign_in(&provider, &request, "alice").await.unwrap();
        world.pass(301);
        let shown = format!("{name}: {value}");
        world.issuer.state().answer = Some(Arc::new(move |a| a[name] = value.clone()));
        let first = resolve(&provider, &request).await;
        world.issuer.state().answer = None;
        world.pass(301);
        if let Err(error) = resolve(&provider, &request).await {
            lost.push(format!("{shown}: {:?} then {error}", first.map(drop).map_err(|e| e.code())));
        }
    }
    assert!(lost.is_empty(), "logins lost:\n{}", lost.join("\n"));
}

/// "NaN" is a number to Rust, and `f64::min` makes a hundred years of it.
#[tokio::test]
async fn no_number_is_not_a_hundred_years() {
    let world = World::new().await;
    world.issuer.state().answer = Some(Arc::new(|a| a["expires_in"] = json!("NaN")));
    let (provider, request) = (world.provider(), world.request("files"));
    let credential = world.sign_in(&provider, &request, "alice").await;
    let end = credential.ok().and_then(|credential| credential.expires_at());
    assert!(end.is_none_or(|end| end < credential_provider_api::Clock::now(&world.clock).plus(std::time::Duration::from_secs(3_000_000_000))));
}

/// The page: "A login thrown away […] is revoked too."
#[tokio::test]
async fn a_login_whose_id_token_is_not_believed_is_thrown_away_and_revoked() {
    let world = World::new().await;
    world.issuer.state().claims = Some(Arc::new(|c| c["nonce"] = json!("another")));
    let (provider, request) = (world.provider(), world.request("mail"));
    world.finish(&provider, &request, "alice").await.map(drop).unwrap_err();
    assert_eq!(world.issuer.state().revoked.len(), 1, "its refresh token is still good");
}

/// The page: "Keys and metadata that cannot be fetched again still serve."
#[tokio::test]
async fn promise_3_keys_and_metadata_that_cannot_be_fetched_again_still_serve() {
    for (path, reply) in [
        ("/jwks", Reply::of(404, "")),
        ("/jwks", Reply::of(200, "<html>we are down for maintenance</html>")),
        ("/.well-known/openid-configuration", Reply::of(404, "")),
        ("/.well-known/openid-configuration", Reply::of(200, "<html>maintenance</html>")),
    ] {
        let world = World::new().await;
        let (provider, request) = (world.provider(), world.request("mail"));
        world.sign_in(&provider, &request, "alice").await.unwrap();
        let shown = format!("{path} {reply:?}");
        world.issuer.script(path, [reply]);
        world.pass(3700);
        resolve(&provider, &request).await.unwrap_or_else(|e| panic!("{shown}: {e}"));
    }
}

/// Each request for an ID token that has ended, and that renewals do not bring, spends a grant.
#[tokio::test]
async fn an_id_token_that_no_renewal_brings_is_asked_for_once() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("identity"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    let mute = |a: &mut Value| drop(a.as_object_mut().unwrap().remove("id_token"));
    world.issuer.state().answer = Some(Arc::new(mute));
    world.pass(301);
    for _ in 0..5 {
        let error = resolve(&provider, &request).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth);
    }
    assert!(world.issuer.count("refresh_token") <= 1, "{}", world.issuer.count("refresh_token"));
    let _ = provider.sign_out(&request).await;
}
