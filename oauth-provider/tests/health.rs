//! Whether a token is still accepted (RFC 7662), and where a session ends at the issuer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::World;
use common::http::Reply;
use common::world::resolve;
use credential_provider_api::{
    CredentialProvider as _, ErrorCode, ExposeSecret as _, HealthStatus, SignIn as _,
};
use oauth_provider::Endpoints;

#[tokio::test]
async fn a_token_that_was_revoked_elsewhere_is_found_out() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    let current = resolve(&provider, &request).await.unwrap();
    let health = provider.check(&request, Some(&current)).await.unwrap();
    assert_eq!(health.status, HealthStatus::Healthy);
    assert_eq!(world.issuer.count("/introspect"), 1);
    world.issuer.state().beyond.active.clear();
    let health = provider.check(&request, Some(&current)).await.unwrap();
    assert_eq!(health.status, HealthStatus::Failing);
    provider.check(&request, None).await.unwrap();
    assert_eq!(world.issuer.count("/introspect"), 2, "without a token nothing is asked about");
}

#[tokio::test]
async fn another_issuers_token_is_not_asked_about_here() {
    let (world, other) = (World::new().await, World::new().await);
    let (theirs, request) = (other.provider(), other.request("mail"));
    let token = other.sign_in(&theirs, &request, "alice").await.unwrap();
    let health = world.provider().check(&world.request("mail"), Some(&token)).await.unwrap();
    assert_eq!(health.status, HealthStatus::Healthy);
    assert_eq!(world.issuer.count("/introspect"), 0, "it would be given away");
}

#[tokio::test]
async fn an_issuer_that_will_not_say_is_no_fault_of_the_token() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let current = world.sign_in(&provider, &request, "alice").await.unwrap();
    for reply in [Reply::error(401, "invalid_client"), Reply::of(403, "<html>"), Reply::of(200, "")]
    {
        world.issuer.script("/introspect", [reply]);
        let health = provider.check(&request, Some(&current)).await.unwrap();
        assert_eq!(health.status, HealthStatus::Healthy);
        assert!(!health.detail.as_str().is_empty(), "it says so");
    }
    world.issuer.script("/introspect", [Reply::of(503, "").with("retry-after", "7")]);
    let error = provider.check(&request, Some(&current)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert_eq!(error.retry_after().unwrap().as_secs(), 7);
}

#[tokio::test]
async fn the_page_that_ends_a_session_has_no_token_in_it() {
    let world = World::new().await;
    let builder = world.builder().post_logout_redirect_uri("https://host.example/bye");
    let (provider, request) = (world.built(builder), world.request("mail"));
    let token = world.sign_in(&provider, &request, "alice").await.unwrap();
    let page = provider.logout_page(&request).await.unwrap().unwrap();
    let page = url::Url::parse(&page).unwrap();
    let asked: Vec<_> = page.query_pairs().into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        asked,
        [
            pair("client_id", "gateway"),
            pair("post_logout_redirect_uri", "https://host.example/bye")
        ]
    );
    assert!(!page.as_str().contains(token.secret().unwrap().expose_secret()));
    let url = world.issuer.url();
    let endpoints = Endpoints::new(format!("{url}/authorize"), format!("{url}/token"))
        .with_jwks(format!("{url}/jwks"));
    let without = world.built(world.builder().endpoints(endpoints));
    assert_eq!(without.logout_page(&request).await.unwrap(), None);
}
