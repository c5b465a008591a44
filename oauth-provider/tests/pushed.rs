//! Pushed authorization requests (RFC 9126): the browser carries a reference only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::World;
use common::http::Reply;
use common::world::{HOME, resolve};
use credential_provider_api::{
    Clock as _, ErrorCode, FlowId, SignIn as _, SignInProgress, SignInStart, SignInStep,
};
use oauth_provider::{Endpoints, PushedAuthorization};
use serde_json::json;

#[tokio::test]
async fn an_issuer_that_insists_gets_the_request_before_the_browser() {
    for always in [false, true] {
        let world = World::new().await;
        let mut builder = world.builder();
        if always {
            builder = builder.pushed_authorization(PushedAuthorization::Always);
        } else {
            let require = |metadata: &mut serde_json::Value| {
                metadata["require_pushed_authorization_requests"] = json!(true);
            };
            world.issuer.state().metadata = Some(std::sync::Arc::new(require));
        }
        let (provider, request) = (world.built(builder), world.request("mail"));
        let (_, page) = world.open(&provider, &request).await.unwrap();
        let page = url::Url::parse(&page).unwrap();
        let names: Vec<_> = page.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["client_id", "request_uri"]);
        let pushed = world.issuer.state().beyond.pushed.values().next().unwrap().clone();
        assert_eq!(pushed["redirect_uri"], HOME);
        assert_eq!(pushed["scope"], "openid mail");
        assert_eq!((pushed["state"].len(), pushed["code_challenge"].len()), (32, 43));
        world.sign_in(&provider, &request, "alice").await.unwrap();
        resolve(&provider, &request).await.unwrap();
    }
}

#[tokio::test]
async fn the_page_is_good_for_as_long_as_the_reference() {
    let world = World::new().await;
    let builder = world.builder().pushed_authorization(PushedAuthorization::Always);
    let (provider, request) = (world.built(builder), world.request("files"));
    let now = world.clock.now();
    let start = SignInStart::new(FlowId::from_random([7; 32]), now.plus(Duration::from_secs(600)))
        .with_redirect_uri(Some(HOME.to_owned()));
    let (_, step) = provider.start(&request, &start).await.unwrap();
    let SignInProgress::Step(SignInStep::OpenUrl { expires_at, .. }) = step else {
        panic!("{step:?}")
    };
    assert_eq!(expires_at, now.plus(Duration::from_secs(60)));
}

#[tokio::test]
async fn a_request_that_is_turned_away_ends_in_its_code() {
    let world = World::new().await;
    let builder = world.builder().pushed_authorization(PushedAuthorization::Always);
    let (provider, request) = (world.built(builder), world.request("files"));
    for (reply, code) in [
        (Reply::error(400, "invalid_request"), ErrorCode::ConfigurationInvalid),
        (Reply::error(401, "invalid_client"), ErrorCode::ConfigurationInvalid),
        (Reply::of(429, ""), ErrorCode::RateLimited),
        (Reply::of(500, ""), ErrorCode::Unavailable),
        (Reply::of(201, "{}"), ErrorCode::InvalidResponse),
        (Reply::of(302, "<html>"), ErrorCode::InvalidResponse),
    ] {
        world.issuer.script("/par", [reply]);
        let error = world.open(&provider, &request).await.map(drop).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!format!("{error:?} {error}").contains("canary"), "{error}");
    }
    let url = world.issuer.url();
    let endpoints = Endpoints::new(format!("{url}/authorize"), format!("{url}/token"))
        .with_jwks(format!("{url}/jwks"));
    let builder = world.builder().endpoints(endpoints);
    let provider = world.built(builder.pushed_authorization(PushedAuthorization::Always));
    let error = world.open(&provider, &request).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported, "never sent unpushed");
}
