//! Issuers that are wrong, broken or hostile: each ends in a code, and none hangs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::World;
use common::http::Reply;
use common::world::resolve;
use credential_provider_api::{
    CredentialError, CredentialProvider as _, ErrorCode, HealthStatus, SignIn as _,
};
use oauth_provider::{
    Endpoints, HttpClient as _, HttpError, HttpProblem, HttpRequest, OAuthProvider, ReqwestClient,
};
use serde_json::{Value, json};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const FALLBACK: &str = "/.well-known/oauth-authorization-server";

async fn opened(world: &World, provider: &OAuthProvider) -> Result<String, CredentialError> {
    world.open(provider, &world.request("mail")).await.map(|(_, page)| page)
}

#[tokio::test]
async fn metadata_must_be_of_the_issuer_that_was_configured() {
    let world = World::new().await;
    let cases: [fn(&mut Value); 2] = [
        |m| m["issuer"] = json!("https://evil.example"),
        |m| m["issuer"] = json!(format!("{}/", m["issuer"].as_str().unwrap())),
    ];
    for twist in cases {
        world.issuer.state().metadata = Some(Arc::new(twist));
        let error = opened(&world, &world.provider()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    }
    assert_eq!(world.issuer.count(FALLBACK), 0, "who lies once is not asked again");
}

#[tokio::test]
async fn metadata_that_cannot_be_used_ends_in_a_code() {
    for (reply, expected) in [
        (Reply::of(200, "<html>welcome</html>"), ErrorCode::InvalidResponse),
        (Reply::of(200, "{}"), ErrorCode::InvalidResponse),
        (Reply::Endless(5 << 20), ErrorCode::InvalidResponse),
        (Reply::of(302, "").with("location", "/elsewhere"), ErrorCode::InvalidResponse),
        (Reply::of(500, ""), ErrorCode::Unavailable),
        (Reply::of(429, "").with("retry-after", "4"), ErrorCode::RateLimited),
        (Reply::HangUp, ErrorCode::Unavailable),
        (Reply::Silence, ErrorCode::Timeout),
        (Reply::Drip, ErrorCode::Timeout),
    ] {
        let world = World::new().await;
        world.issuer.script(DISCOVERY, [reply]);
        let error = opened(&world, &world.hasty()).await.unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
        assert_eq!(world.issuer.count("/elsewhere"), 0, "a redirect is not followed");
    }
}

#[tokio::test]
async fn endpoints_must_be_https_unless_all_is_on_loopback() {
    let world = World::new().await;
    for endpoint in ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"]
    {
        world.issuer.state().metadata =
            Some(Arc::new(move |m| m[endpoint] = json!("http://login.example/x")));
        let error = opened(&world, &world.provider()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidResponse, "{endpoint}");
    }
}

#[tokio::test]
async fn an_issuer_without_openid_connect_is_found_by_rfc_8414() {
    let world = World::new().await;
    let url = world.issuer.url();
    let metadata = json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
    });
    world.issuer.script(DISCOVERY, [Reply::of(404, "")]);
    world.issuer.script(FALLBACK, [Reply::json(&metadata)]);
    let (provider, request) = (world.provider(), world.request("files"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    assert_eq!(world.issuer.count(FALLBACK), 1);
    world.issuer.script(FALLBACK, [Reply::of(404, "")]);
    let error = opened(&world, &world.provider()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
}

#[tokio::test]
async fn a_second_document_may_say_where_tokens_are_revoked() {
    for (token, revoked) in [("/token", 1), ("/elsewhere", 0)] {
        let world = World::new().await;
        let silent = |m: &mut Value| drop(m.as_object_mut().unwrap().remove("revocation_endpoint"));
        world.issuer.state().metadata = Some(Arc::new(silent));
        let url = world.issuer.url();
        let later = json!({
            "issuer": url, "token_endpoint": format!("{url}{token}"),
            "revocation_endpoint": format!("{url}/revoke"),
        });
        world.issuer.script(FALLBACK, [Reply::json(&later)]);
        let (provider, request) = (world.provider(), world.request("files"));
        world.sign_in(&provider, &request, "alice").await.unwrap();
        provider.sign_out(&request).await.unwrap();
        assert_eq!(world.issuer.state().revoked.len(), revoked, "{token}");
    }
}

#[tokio::test]
async fn metadata_is_kept_for_an_hour_and_longer_while_it_cannot_be_had() {
    let world = World::new().await;
    let provider = world.provider();
    for (seconds, asked) in [(0, 1), (3599, 1), (1, 2)] {
        world.pass(seconds);
        opened(&world, &provider).await.unwrap();
        assert_eq!(world.issuer.count(DISCOVERY), asked);
    }
    world.issuer.script(DISCOVERY, [Reply::of(500, "")]);
    world.pass(3600);
    opened(&world, &provider).await.unwrap();
    opened(&world, &provider).await.unwrap();
    assert_eq!(world.issuer.count(DISCOVERY), 3);
}

#[tokio::test]
async fn promise_2_a_token_endpoint_that_never_ends_meets_a_limit() {
    for reply in [Reply::Silence, Reply::Drip] {
        let world = World::new().await;
        let (provider, request) = (world.hasty(), world.request("files"));
        world.sign_in(&provider, &request, "alice").await.unwrap();
        world.pass(301);
        world.issuer.script("/token", [reply]);
        let started = Instant::now();
        let error = resolve(&provider, &request).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout);
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn an_issuer_may_be_described_by_its_endpoints() {
    let world = World::new().await;
    let url = world.issuer.url();
    let endpoints = Endpoints::new(format!("{url}/authorize"), format!("{url}/token"))
        .with_revocation(format!("{url}/revoke"))
        .with_jwks(format!("{url}/jwks"));
    let (provider, request) =
        (world.built(world.builder().endpoints(endpoints)), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    world.pass(301);
    resolve(&provider, &request).await.unwrap();
    provider.sign_out(&request).await.unwrap();
    assert_eq!(world.issuer.state().revoked.len(), 1);
    assert_eq!(world.issuer.count(DISCOVERY), 0, "nothing is discovered");
    let health = provider.check(&request, None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Healthy);
    world.issuer.state().down = true;
    assert!(provider.check(&request, None).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_check_asks_the_issuer_each_time() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    for asked in 1..=2 {
        provider.check(&request, None).await.unwrap();
        assert_eq!(world.issuer.count(DISCOVERY), asked);
    }
    world.issuer.state().down = true;
    assert!(provider.check(&request, None).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn promise_7_what_never_left_is_told_from_what_may_have() {
    let world = World::new().await;
    let client = ReqwestClient::builder()
        .read_limit(Duration::from_millis(200))
        .total_limit(Duration::from_millis(400))
        .build()
        .unwrap();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let (url, unsent, unknown) = (world.issuer.url(), HttpError::NotSent, HttpError::Unanswered);
    world.issuer.script("/hangs-up", [Reply::HangUp]);
    world.issuer.script("/silent", [Reply::Silence]);
    world.issuer.script("/drips", [Reply::Drip]);
    world.issuer.script("/large", [Reply::of(200, "12345678901")]);
    world.issuer.script("/endless", [Reply::Endless(11)]);
    for (url, expected) in [
        (closed, unsent(HttpProblem::Unreachable)),
        ("http://login.example/".to_owned(), unsent(HttpProblem::Forbidden)),
        ("nonsense".to_owned(), unsent(HttpProblem::Forbidden)),
        (format!("{url}/hangs-up"), unknown(HttpProblem::Broken)),
        (format!("{url}/silent"), unknown(HttpProblem::Timeout)),
        (format!("{url}/drips"), unknown(HttpProblem::Timeout)),
        (format!("{url}/large"), unknown(HttpProblem::TooLarge)),
        (format!("{url}/endless"), unknown(HttpProblem::TooLarge)),
    ] {
        let limit = if url.ends_with("/drips") { 1 << 20 } else { 10 };
        let post = HttpRequest::post(url.clone(), b"a=b".to_vec().into(), limit);
        assert_eq!(client.send(post).await.unwrap_err(), expected, "{url}");
    }
    world.issuer.script("/fits", [Reply::of(302, "1234567890").with("location", "/large")]);
    let found = client.send(HttpRequest::get(format!("{url}/fits"), 10)).await.unwrap();
    assert_eq!((found.status, found.header("Location")), (302, Some("/large")));
}
