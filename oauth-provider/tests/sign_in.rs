//! Signing in: what comes back counts once, for its own flow, from its own issuer.
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
use common::world::{HOME, answer, resolve};
use credential_provider_api::{
    CredentialKind, CredentialProvider as _, ErrorCode, ExposeSecret as _, FlowId, SecretString,
    SignIn as _, SignInAnswer, SignInMethod, SignInProgress, SignInStart, Timestamp,
};
use oauth_provider::callback;

fn code(text: &str) -> SignInAnswer {
    callback(text).unwrap().answer
}

#[tokio::test]
async fn a_sign_in_counts_when_it_is_accepted() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    assert_eq!(resolve(&provider, &request).await.unwrap_err().code(), ErrorCode::NeedsReauth);
    let done = world.finish(&provider, &request, "alice").await.unwrap();
    assert_eq!(done.account.as_ref().unwrap().as_str(), "alice");
    assert_eq!(resolve(&provider, &request).await.unwrap_err().code(), ErrorCode::NeedsReauth);
    let first = provider.accept(&request, done).await.unwrap().unwrap();
    let served = resolve(&provider, &request).await.unwrap();
    assert!(served.same_secrets(&first));
    assert_eq!(served.kind(), CredentialKind::OAuth2);
    assert_eq!(served.scopes(), ["openid", "mail"]);
    assert_eq!(served.account().unwrap().as_str(), "alice");
    assert_eq!(provider.account(&request).await.unwrap().unwrap().as_str(), "alice");
}

#[tokio::test]
async fn the_page_has_what_rfc_6749_and_7636_and_8707_ask_for() {
    let world = World::new().await;
    let builder = world.builder().authorization_parameter("access_type", "offline");
    let provider = world.built(builder);
    let mut key = world.key("mail");
    let resource = "https://api.example/v1";
    key.variant = credential_provider_api::Variant::builder().resource(resource).build().unwrap();
    let request = world.request_for(key);
    let (_, page) = world.open(&provider, &request).await.unwrap();
    let page = url::Url::parse(&page).unwrap();
    let asked: std::collections::BTreeMap<_, _> = page.query_pairs().into_owned().collect();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "gateway"),
        ("redirect_uri", HOME),
        ("scope", "openid mail"),
        ("code_challenge_method", "S256"),
        ("resource", resource),
        ("access_type", "offline"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    assert_eq!((asked["code_challenge"].len(), asked["nonce"].len()), (43, 43));
    assert_eq!(asked["state"].len(), 32);
}

#[tokio::test]
async fn a_pasted_address_will_do() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let (mut state, page) = world.open(&provider, &request).await.unwrap();
    let query = world.issuer.consent(&page, "alice");
    let elsewhere = SignInAnswer::Pasted(format!("https://evil.example/?{query}").into());
    let error = answer(&provider, &request, &mut state, elsewhere).await.unwrap_err();
    assert!(error.is_transient(), "the flow waits for the right one");
    let pasted = SignInAnswer::Pasted(format!(" {HOME}?{query}\n").into());
    answer(&provider, &request, &mut state, pasted).await.unwrap();
}

#[tokio::test]
async fn an_id_token_is_a_credential_of_its_own() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("identity"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    let credential = resolve(&provider, &request).await.unwrap();
    assert_eq!(credential.kind(), CredentialKind::Token);
    assert_eq!(credential.secret().unwrap().expose_secret().split('.').count(), 3);
    assert!(credential.origins().is_empty(), "it is sent to no service");
    let described = provider.descriptor().credential(&request.key().credential).unwrap();
    assert_eq!(described.audience, credential_provider_api::Audience::Providers);
}

#[tokio::test]
async fn a_mixed_up_state_waits_for_the_right_one() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let (mut mine, page) = world.open(&provider, &request).await.unwrap();
    let (_, other) = world.open(&provider, &request).await.unwrap();
    let theirs = world.issuer.consent(&other, "mallory");
    let error = answer(&provider, &request, &mut mine, code(&theirs)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    assert_eq!(world.issuer.count("authorization_code"), 0, "the code was not sent");
    let right = world.issuer.consent(&page, "alice");
    answer(&provider, &request, &mut mine, code(&right)).await.unwrap();
}

#[tokio::test]
async fn a_code_injected_into_another_flow_is_refused_by_its_proof_key() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let (mut mine, page) = world.open(&provider, &request).await.unwrap();
    let (_, other) = world.open(&provider, &request).await.unwrap();
    let theirs = callback(&world.issuer.consent(&other, "mallory")).unwrap().answer;
    let SignInAnswer::Callback(mut parameters) = theirs else { panic!("a callback") };
    let state = callback(&world.issuer.consent(&page, "alice")).unwrap().flow;
    parameters.insert("state".to_owned(), state.expose().into());
    let forged = SignInAnswer::Callback(parameters);
    let error = answer(&provider, &request, &mut mine, forged).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FlowEnded);
}

#[tokio::test]
async fn a_replayed_code_ends_the_flow() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let (mut state, page) = world.open(&provider, &request).await.unwrap();
    let query = world.issuer.consent(&page, "alice");
    answer(&provider, &request, &mut state, code(&query)).await.unwrap();
    let error = answer(&provider, &request, &mut state, code(&query)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FlowEnded);
    assert_eq!(world.issuer.count("authorization_code"), 1, "a code is sent once");
}

#[tokio::test]
async fn a_code_that_was_not_spent_may_be_sent_again() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let (mut state, page) = world.open(&provider, &request).await.unwrap();
    let query = world.issuer.consent(&page, "alice");
    world.issuer.script("/token", [Reply::of(429, "").with("retry-after", "3")]);
    let error = answer(&provider, &request, &mut state, code(&query)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RateLimited);
    world.issuer.usual("/token");
    answer(&provider, &request, &mut state, code(&query)).await.unwrap();
}

#[tokio::test]
async fn what_comes_back_says_from_which_issuer() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    type Twist = fn(&mut std::collections::BTreeMap<String, SecretString>);
    let wrong: [Twist; 2] = [
        |p| drop(p.insert("iss".to_owned(), "https://evil.example".into())),
        |p| drop(p.remove("iss")),
    ];
    for twist in wrong {
        let (mut state, page) = world.open(&provider, &request).await.unwrap();
        let SignInAnswer::Callback(mut found) = code(&world.issuer.consent(&page, "alice")) else {
            panic!("a callback")
        };
        twist(&mut found);
        let mixed = SignInAnswer::Callback(found);
        let error = answer(&provider, &request, &mut state, mixed).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::FlowEnded);
    }
    assert_eq!(world.issuer.count("authorization_code"), 0);
}

#[tokio::test]
async fn an_issuer_that_promises_no_iss_need_not_send_one() {
    let world = World::new().await;
    let no_promise = |metadata: &mut serde_json::Value| {
        metadata.as_object_mut().unwrap().remove("authorization_response_iss_parameter_supported");
    };
    world.issuer.state().metadata = Some(std::sync::Arc::new(no_promise));
    let (provider, request) = (world.provider(), world.request("mail"));
    let (mut state, page) = world.open(&provider, &request).await.unwrap();
    let SignInAnswer::Callback(mut found) = code(&world.issuer.consent(&page, "alice")) else {
        panic!("a callback")
    };
    found.remove("iss");
    answer(&provider, &request, &mut state, SignInAnswer::Callback(found)).await.unwrap();
}

#[tokio::test]
async fn promise_9_a_person_who_says_no_ends_the_flow() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    for (error, expected) in [
        ("access_denied", ErrorCode::FlowEnded),
        ("invalid_scope", ErrorCode::ConfigurationInvalid),
        ("login_required", ErrorCode::InteractionRequired),
        ("temporarily_unavailable", ErrorCode::Unavailable),
    ] {
        let (mut state, page) = world.open(&provider, &request).await.unwrap();
        let flow = callback(&world.issuer.consent(&page, "alice")).unwrap().flow;
        let issuer: String =
            url::form_urlencoded::byte_serialize(world.issuer.url().as_bytes()).collect();
        let query = format!("error={error}&iss={issuer}&state={}", flow.expose());
        let said = answer(&provider, &request, &mut state, code(&query)).await.unwrap_err();
        assert_eq!(said.code(), expected, "{error}");
        assert!(said.detail().starts_with(error));
    }
}

#[tokio::test]
async fn a_sign_in_needs_a_place_to_come_back_to() {
    let world = World::new().await;
    let request = world.request("mail");
    let begin = |uri: Option<&str>| {
        SignInStart::new(FlowId::from_text("s"), Timestamp::MAX)
            .with_redirect_uri(uri.map(Into::into))
    };
    let provider = world.provider();
    for (uri, expected) in [
        (None, ErrorCode::NotConfigured),
        (Some("http://host.example/callback"), ErrorCode::ConfigurationInvalid),
        (Some("not an address"), ErrorCode::ConfigurationInvalid),
    ] {
        let failed = provider.start(&request, &begin(uri)).await.map(drop).unwrap_err();
        assert_eq!(failed.code(), expected);
    }
    let configured = world.built(world.builder().redirect_uri(HOME));
    assert!(matches!(
        configured.start(&request, &begin(None)).await.unwrap().1,
        SignInProgress::Step(_)
    ));
    let device = begin(Some(HOME)).with_method(Some(SignInMethod::DeviceCode));
    let failed = provider.start(&request, &device).await.map(drop).unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unsupported);
}

#[tokio::test]
async fn a_flow_is_answered_for_its_own_key() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let (mut state, page) = world.open(&provider, &request).await.unwrap();
    let query = world.issuer.consent(&page, "alice");
    let other = world.request("files");
    let error = answer(&provider, &other, &mut state, code(&query)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert_eq!(world.issuer.count("authorization_code"), 0);
}
