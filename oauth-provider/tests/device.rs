//! Signing in on another device (RFC 8628).
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
use common::beyond::Verdict;
use common::http::Reply;
use common::world::resolve;
use credential_provider_api::{
    Clock as _, CredentialError, CredentialProvider as _, ErrorCode, FlowId, FlowState, Request,
    SignIn as _, SignInAnswer, SignInMethod, SignInProgress, SignInStart, SignInStep, SignedIn,
};
use oauth_provider::OAuthProvider;

fn provider(world: &World) -> OAuthProvider {
    let methods = [SignInMethod::AuthorizationCode, SignInMethod::DeviceCode];
    world.built(world.builder().sign_in_methods(methods))
}

async fn begin(
    world: &World,
    provider: &OAuthProvider,
    request: &Request,
) -> Result<(FlowState, SignInStep), CredentialError> {
    let end = world.clock.now().plus(Duration::from_secs(600));
    let start = SignInStart::new(FlowId::from_random([7; 32]), end);
    match provider.start(request, &start).await? {
        (state, SignInProgress::Step(step)) => Ok((state, step)),
        other => panic!("{:?}", other.1),
    }
}

/// What a poll says, once the interval has passed.
async fn poll(
    world: &World,
    provider: &OAuthProvider,
    request: &Request,
    state: &mut FlowState,
) -> Result<Result<SignedIn, Duration>, CredentialError> {
    match provider.answer(request, state, SignInAnswer::Poll).await? {
        SignInProgress::Finished(done) => Ok(Ok(done)),
        SignInProgress::Pending { poll_after } => {
            world.clock.advance(poll_after);
            Ok(Err(poll_after))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_code_entered_elsewhere_signs_in_here() {
    let world = World::new().await;
    world.issuer.state().beyond.interval = Some(2);
    let (provider, request) = (provider(&world), world.request("mail"));
    let (mut state, step) = begin(&world, &provider, &request).await.unwrap();
    let SignInStep::ShowCode { code, url, complete_url, expires_at, poll_every } = step else {
        panic!("{step:?}")
    };
    assert_eq!(code, "WDJB-MJHT");
    assert_eq!(url, format!("{}/code", world.issuer.url()));
    assert_eq!(complete_url.unwrap(), format!("{}/code?user_code=WDJB-MJHT", world.issuer.url()));
    assert_eq!(expires_at, world.clock.now().plus(Duration::from_secs(120)));
    assert_eq!(poll_every, Duration::from_secs(2));
    let mut asked = 0;
    for _ in 0..3 {
        let answer = poll(&world, &provider, &request, &mut state).await.unwrap();
        assert_eq!(answer.unwrap_err(), Duration::from_secs(2), "not before the interval");
        asked += 1;
    }
    let polls = world.issuer.count("urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!((asked, polls), (3, 2), "the first came too soon and was not sent");
    world.issuer.decide(Verdict::Approved("alice"));
    let done = poll(&world, &provider, &request, &mut state).await.unwrap().unwrap();
    assert_eq!(done.account.as_ref().unwrap().as_str(), "alice");
    provider.accept(&request, done).await.unwrap();
    world.pass(301);
    assert_eq!(resolve(&provider, &request).await.unwrap().account().unwrap().as_str(), "alice");
    assert_eq!(world.issuer.count("refresh_token"), 1);
}

#[tokio::test]
async fn an_issuer_that_wants_less_gets_less() {
    let world = World::new().await;
    let (provider, request) = (provider(&world), world.request("files"));
    let (mut state, step) = begin(&world, &provider, &request).await.unwrap();
    let SignInStep::ShowCode { poll_every, .. } = step else { panic!("{step:?}") };
    assert_eq!(poll_every, Duration::from_secs(5), "the interval of an issuer that names none");
    world.clock.advance(poll_every);
    world.issuer.script("/token", [Reply::error(400, "slow_down")]);
    let after = poll(&world, &provider, &request, &mut state).await.unwrap().unwrap_err();
    assert_eq!(after, Duration::from_secs(10), "five seconds more (RFC 8628 §3.5)");
    world.issuer.script("/token", [Reply::error(400, "authorization_pending")]);
    let after = poll(&world, &provider, &request, &mut state).await.unwrap().unwrap_err();
    assert_eq!(after, Duration::from_secs(10), "and for all polls to come");
    // One that fails is asked again, later each time, and the flow goes on.
    world.issuer.script("/token", [Reply::of(502, "<html>")]);
    for wait in [20, 40, 60, 60] {
        let error = poll(&world, &provider, &request, &mut state).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        let calls = world.issuer.state().calls.len();
        let pending = provider.answer(&request, &mut state, SignInAnswer::Poll).await.unwrap();
        let SignInProgress::Pending { poll_after } = pending else { panic!("{pending:?}") };
        assert_eq!(poll_after, Duration::from_secs(wait));
        assert_eq!(world.issuer.state().calls.len(), calls, "and not before");
        if wait == 60 {
            break;
        }
        world.clock.advance(poll_after);
    }
}

#[tokio::test]
async fn no_and_too_late_end_it() {
    for verdict in [Verdict::Denied, Verdict::Expired] {
        let world = World::new().await;
        let (provider, request) = (provider(&world), world.request("files"));
        let (mut state, _) = begin(&world, &provider, &request).await.unwrap();
        world.pass(5);
        world.issuer.decide(verdict.clone());
        let error = poll(&world, &provider, &request, &mut state).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::FlowEnded, "{verdict:?}");
        let calls = world.issuer.state().calls.len();
        let again = poll(&world, &provider, &request, &mut state).await.unwrap_err();
        assert_eq!(again.code(), ErrorCode::FlowEnded);
        assert_eq!(world.issuer.state().calls.len(), calls, "nobody is asked any more");
    }
    let world = World::new().await;
    let (provider, request) = (provider(&world), world.request("files"));
    let (mut state, _) = begin(&world, &provider, &request).await.unwrap();
    world.pass(120);
    let calls = world.issuer.state().calls.len();
    let error = poll(&world, &provider, &request, &mut state).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FlowEnded, "the code's own end");
    assert_eq!(world.issuer.state().calls.len(), calls);
}

#[tokio::test]
async fn tokens_come_once() {
    let world = World::new().await;
    let (provider, request) = (provider(&world), world.request("files"));
    let (mut state, _) = begin(&world, &provider, &request).await.unwrap();
    world.issuer.decide(Verdict::Approved("alice"));
    world.pass(5);
    poll(&world, &provider, &request, &mut state).await.unwrap().unwrap();
    world.pass(5);
    let again = poll(&world, &provider, &request, &mut state).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::FlowEnded);
}

#[tokio::test]
async fn what_a_person_would_be_shown_is_looked_at_first() {
    let world = World::new().await;
    let (provider, request) = (provider(&world), world.request("files"));
    let good = serde_json::json!({
        "device_code": "dc", "user_code": "AB-12", "expires_in": 60,
        "verification_uri": "http://127.0.0.1:1/code",
    });
    for (name, value) in [
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri", "http://evil.example/"),
        ("user_code", "AB\u{202e}12"),
        ("user_code", "go to https://evil.example and enter your password"),
        ("user_code", ""),
        ("device_code", ""),
    ] {
        let mut told = good.clone();
        told[name] = value.into();
        world.issuer.script("/device", [Reply::json(&told)]);
        let error = begin(&world, &provider, &request).await.map(drop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidResponse, "{name} {value}");
    }
    world.issuer.script("/device", [Reply::json(&good)]);
    begin(&world, &provider, &request).await.unwrap();
    for (reply, code) in [
        (Reply::error(400, "unauthorized_client"), ErrorCode::ConfigurationInvalid),
        (Reply::of(503, ""), ErrorCode::Unavailable),
        (Reply::of(200, "<html>"), ErrorCode::InvalidResponse),
    ] {
        world.issuer.script("/device", [reply]);
        let error = begin(&world, &provider, &request).await.map(drop).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!format!("{error:?} {error}").contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_way_that_is_not_set_up_is_not_offered() {
    let world = World::new().await;
    let request = world.request("mail");
    let end = world.clock.now().plus(Duration::from_secs(600));
    let start = SignInStart::new(FlowId::from_random([7; 32]), end);
    let device = start.clone().with_method(Some(SignInMethod::DeviceCode));
    let browser_only = world.provider();
    assert_eq!(browser_only.descriptor().sign_in, [SignInMethod::AuthorizationCode]);
    let error = browser_only.start(&request, &device).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    // Both are, and nothing could come back from a browser: the device it is.
    let both = provider(&world);
    let (_, step) = both.start(&request, &start).await.unwrap();
    assert!(matches!(step, SignInProgress::Step(SignInStep::ShowCode { .. })), "{step:?}");
    let home = start.with_redirect_uri(Some(common::world::HOME.to_owned()));
    let (_, step) = both.start(&request, &home).await.unwrap();
    assert!(matches!(step, SignInProgress::Step(SignInStep::OpenUrl { .. })), "{step:?}");
}
