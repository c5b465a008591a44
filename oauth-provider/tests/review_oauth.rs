//! What is shown to people, where issuers may point, and proofs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::World;
use common::beyond::Proofs;
use common::http::Reply;
use common::world::{files, id, mail};
use credential_provider_api::*;
use oauth_provider::{
    GrantType, HttpClient, HttpError, HttpRequest, HttpResponse, OAuthCredential, OAuthProvider,
    OAuthRuntime, TokenBinding, TokenExchange, TokenTypeIdentifier,
};
use serde_json::json;

/// The page: "shown only if the code is letters, digits and hyphens"; src: "Nothing that reads
/// otherwise than it is written", "no tricks in either".
#[tokio::test]
async fn what_a_person_is_shown_reads_as_it_is_written() {
    let world = World::new().await;
    let provider = world.built(world.builder().sign_in_methods([SignInMethod::DeviceCode]));
    let request = world.request("files");
    let good = json!({
        "device_code": "dc", "user_code": "AB-12", "expires_in": 60,
        "verification_uri": "http://127.0.0.1:1/code",
    });
    let mut shown = Vec::new();
    for (name, value) in [
        ("user_code", "AB 12_X"),
        ("user_code", "12-\u{5d0}\u{5d1}-34"),
        ("user_code", "\u{410}\u{412}-12"),
        ("verification_uri", "http://127.0.0.1:1/\u{1b}[2J\u{1b}[1mcode"),
        ("verification_uri", "http://127.0.0.1:1/\u{202e}edoc"),
        ("verification_uri", "http://127.0.0.1:1/co\nOpen https:evil instead"),
        ("verification_uri", "https:\\\\evil.example\\http://127.0.0.1:1/"),
        ("verification_uri_complete", "http://127.0.0.1:1/\u{1b}[2Jcode"),
    ] {
        let mut told = good.clone();
        told[name] = value.into();
        world.issuer.script("/device", [Reply::json(&told)]);
        let end = world.clock.now().plus(Duration::from_secs(600));
        let start = SignInStart::new(FlowId::from_random([7; 32]), end);
        if let Ok((_, SignInProgress::Step(SignInStep::ShowCode { code, url, complete_url, .. }))) =
            provider.start(&request, &start).await
        {
            let all = format!("{code} {url} {}", complete_url.unwrap_or_default());
            if all.contains(value) {
                shown.push(format!("{name}: {value:?}"));
            }
        }
    }
    assert!(shown.is_empty(), "shown as sent:\n{}", shown.join("\n"));
}

/// Answers every `GET` with metadata of `https://login.example`, and every `POST` with an error.
struct Told {
    metadata: serde_json::Value,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpClient for Told {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.asked.lock().unwrap().push(request.url.clone());
        let body = self.metadata.to_string().into_bytes();
        Ok(HttpResponse::new(200, Vec::new(), body.into()))
    }
}

/// The page: "Addresses are https, or http on loopback; an issuer that is not on loopback cannot name
/// an endpoint that is."
#[tokio::test]
async fn an_issuer_elsewhere_cannot_point_at_this_machine() {
    let world = World::new().await;
    let mut named = Vec::new();
    for place in ["https://127.0.0.1:8443/admin", "https://localhost/admin", "https://[::1]/admin"] {
        let metadata = json!({
            "issuer": "https://login.example",
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": place,
            "revocation_endpoint": "https://login.example/revoke",
        });
        let told = Arc::new(Told { metadata, asked: Mutex::default() });
        let runtime = OAuthRuntime { http: told.clone(), ..world.runtime() };
        let id = ProviderId::new("work").unwrap();
        let provider = OAuthProvider::builder(id, "https://login.example", "gateway")
            .credential(OAuthCredential::gateway(self::id("robot")).grant_type(GrantType::ClientCredentials))
            .client_secret("s".into())
            .build(runtime)
            .unwrap();
        let key = Key::gateway(&CredentialRef::parse("work/robot").unwrap());
        let _ = provider.resolve(&world.request_for(key)).await;
        if told.asked.lock().unwrap().iter().any(|url| url.contains("/admin")) {
            named.push(place);
        }
    }
    assert!(named.is_empty(), "the client's secret was sent to {named:?}");
}

/// The page, of ID tokens: "can be granted to providers only: sent to a service it would let that
/// service pose as the person". It is no other if it came by an exchange (RFC 8693 §3).
#[tokio::test]
async fn an_id_token_that_was_exchanged_is_for_providers_only() {
    let world = World::new().await;
    let mut exchange = TokenExchange::of(CredentialRef::parse("corp/identity").unwrap());
    exchange.requested_token_type = Some(TokenTypeIdentifier::IdToken);
    let identity = OAuthCredential::session(id("robot"))
        .grant_type(GrantType::TokenExchange(exchange))
        .origin(Origin::parse("https://mail.example").unwrap());
    let Ok(provider) = world.builder().credential(identity).build(world.runtime()) else { return };
    let described = provider.descriptor().credentials.clone();
    let robot = described.iter().find(|d| d.id.as_str() == "robot").unwrap();
    let signed_in = described.iter().find(|d| d.id.as_str() == "identity").unwrap();
    assert_eq!(format!("{:?}", robot.audience), format!("{:?}", signed_in.audience));
}

struct Corp;

#[async_trait]
impl Source for Corp {
    async fn get(&self, _: Want) -> Result<Arc<Credential>, CredentialError> {
        Ok(Arc::new(Credential::token("subject".into()).with_revision(Revision::new(1).unwrap())))
    }
}

/// RFC 8693 §2.2.1: `issued_token_type` says what it is. What was not asked for is not served.
#[tokio::test]
async fn an_exchanged_token_is_of_the_type_that_was_asked_for() {
    let mut served = Vec::new();
    for (wanted, came, token_type) in [
        (None, "refresh_token", "Bearer"),
        (None, "id_token", "Bearer"),
        (Some(TokenTypeIdentifier::Saml2), "access_token", "Bearer"),
        (Some(TokenTypeIdentifier::IdToken), "refresh_token", "N_A"),
    ] {
        let world = World::new().await;
        let mut exchange = TokenExchange::of(CredentialRef::parse("corp/identity").unwrap());
        exchange.requested_token_type = wanted;
        let robot = OAuthCredential::gateway(id("robot")).grant_type(GrantType::TokenExchange(exchange));
        let provider = world.built(world.builder().credential(robot));
        world.issuer.state().answer = Some(Arc::new(move |answer: &mut serde_json::Value| {
            answer["issued_token_type"] =
                json!(format!("urn:ietf:params:oauth:token-type:{came}"));
            answer["token_type"] = json!(token_type);
        }));
        let key = Key::gateway(&CredentialRef::parse("work/robot").unwrap());
        let request = world.request_for(key).with_source(Arc::new(Corp));
        match provider.resolve(&request).await {
            Ok(_) => served.push(format!("{wanted:?} <- {came}")),
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidResponse, "{error}"),
        }
    }
    assert!(served.is_empty(), "served: {served:?}");
}

/// RFC 9110 §11.6.1: an answer may have several `WWW-Authenticate` headers. RFC 9449 §7.2: a service
/// that takes both kinds of token names both schemes.
#[tokio::test]
async fn a_nonce_is_wanted_also_where_the_challenge_is_the_second_one() {
    let world = World::new().await;
    world.issuer.state().beyond.proofs = Some(Proofs { nonce: None });
    let bare = OAuthProvider::builder(
        ProviderId::new("work").unwrap(),
        world.issuer.url(),
        common::issuer::CLIENT,
    );
    let provider = world.built(
        bare.credential(mail().binding(TokenBinding::DPoP))
            .credential(files().binding(TokenBinding::DPoP)),
    );
    let request = world.request("mail");
    let credential = world.sign_in(&provider, &request, "alice").await.unwrap();
    let origin = Origin::parse("https://mail.example").unwrap();
    let headers = [
        ("WWW-Authenticate", r#"Bearer realm="mail""#),
        ("WWW-Authenticate", r#"DPoP error="use_dpop_nonce", algs="ES256""#),
        ("DPoP-Nonce", "n-1"),
    ];
    assert_eq!(credential.answered(&origin, 401, &headers), Advice::SendAgain);
}
