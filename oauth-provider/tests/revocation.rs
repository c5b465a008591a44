//! Revocation (RFC 7009): what is signed out here is ended there, and nobody else's.
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
use credential_provider_api::{
    CredentialProvider as _, ErrorCode, ExposeSecret as _, ReauthReason, Revocation, SignIn as _,
};
use serde_json::Value;

#[tokio::test]
async fn promise_4_a_sign_out_ends_the_grant_at_the_issuer() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    assert_eq!(provider.sign_out(&request).await.unwrap(), Revocation::Remote);
    let revoked = world.issuer.state().revoked.clone();
    assert!(revoked.len() == 1 && revoked[0].starts_with("rt-"), "{revoked:?}");
    let error = resolve(&provider, &request).await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::SignedOut));
    assert_eq!(
        provider.sign_out(&request).await.unwrap(),
        Revocation::LocalOnly,
        "nobody is there"
    );
}

#[tokio::test]
async fn without_a_refresh_token_the_access_token_is_revoked() {
    let world = World::new().await;
    let none = |a: &mut Value| drop(a.as_object_mut().unwrap().remove("refresh_token"));
    world.issuer.state().answer = Some(Arc::new(none));
    let (provider, request) = (world.provider(), world.request("mail"));
    let issued = world.sign_in(&provider, &request, "alice").await.unwrap();
    assert_eq!(provider.revoke(&request, None).await.unwrap(), Revocation::Remote);
    let revoked = world.issuer.state().revoked.clone();
    assert_eq!(revoked, [issued.secret().unwrap().expose_secret()]);
}

#[tokio::test]
async fn without_a_refresh_token_the_end_is_the_end() {
    let world = World::new().await;
    let none = |a: &mut Value| drop(a.as_object_mut().unwrap().remove("refresh_token"));
    world.issuer.state().answer = Some(Arc::new(none));
    let (provider, request) = (world.provider(), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    world.pass(301);
    let error = resolve(&provider, &request).await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::GrantExpired));
}

#[tokio::test]
async fn promise_4_it_is_forgotten_here_whatever_the_issuer_says() {
    let removed = |m: &mut Value| drop(m.as_object_mut().unwrap().remove("revocation_endpoint"));
    for (reply, expected) in [
        (None, Ok(Revocation::LocalOnly)),
        (Some(Reply::error(400, "unsupported_token_type")), Ok(Revocation::LocalOnly)),
        (Some(Reply::error(401, "invalid_client")), Err(ErrorCode::ConfigurationInvalid)),
        (Some(Reply::of(503, "").with("retry-after", "5")), Err(ErrorCode::Unavailable)),
        (Some(Reply::of(429, "")), Err(ErrorCode::RateLimited)),
        (Some(Reply::of(404, "<html>")), Err(ErrorCode::InvalidResponse)),
        (Some(Reply::of(302, "").with("location", "/token")), Err(ErrorCode::InvalidResponse)),
        (Some(Reply::HangUp), Err(ErrorCode::Unavailable)),
    ] {
        let world = World::new().await;
        match reply {
            Some(reply) => world.issuer.script("/revoke", [reply]),
            None => world.issuer.state().metadata = Some(Arc::new(removed)),
        }
        let (provider, request) = (world.provider(), world.request("files"));
        world.sign_in(&provider, &request, "alice").await.unwrap();
        let answer = provider.sign_out(&request).await;
        if let Err(error) = &answer
            && error.code() == ErrorCode::Unavailable
            && error.retry_after().is_some()
        {
            assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(5)));
        }
        assert_eq!(answer.map_err(|error| error.code()), expected);
        let error = resolve(&provider, &request).await.unwrap_err();
        assert_eq!(error.reason(), Some(ReauthReason::SignedOut));
    }
}

#[tokio::test]
async fn a_second_sign_in_of_the_same_person_leaves_the_first_to_age() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    world.sign_in(&provider, &request, "alice").await.unwrap();
    assert!(world.issuer.state().revoked.is_empty());
    let done = world.finish(&provider, &request, "alice").await.unwrap();
    provider.discard(&request, done).await;
    assert!(world.issuer.state().revoked.is_empty(), "it could end the one that counts");
}

#[tokio::test]
async fn another_persons_login_is_revoked_when_it_is_replaced_or_thrown_away() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    let done = world.finish(&provider, &request, "bob").await.unwrap();
    provider.discard(&request, done).await;
    assert_eq!(world.issuer.state().revoked.len(), 1, "bob's, thrown away");
    world.sign_in(&provider, &request, "bob").await.unwrap();
    assert_eq!(world.issuer.state().revoked.len(), 2, "alice's, replaced");
    world.pass(301);
    resolve(&provider, &request).await.expect("bob's counts and can be renewed");
}

#[tokio::test]
async fn a_login_thrown_away_where_nobody_is_signed_in_is_revoked() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("files"));
    let done = world.finish(&provider, &request, "alice").await.unwrap();
    provider.discard(&request, done).await;
    assert_eq!(world.issuer.state().revoked.len(), 1);
}
