//! Proof of possession (RFC 9449): a token that was stolen is of no use.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::World;
use common::beyond::{Proofs, thumbprint, verified};
use common::world::{files, mail, resolve};
use credential_provider_api::{
    Advice, Clock as _, Credential, ErrorCode, ExposeSecret as _, GrantStore as _, Origin,
    OutgoingRequest, ReauthReason, SignIn as _,
};
use oauth_provider::{OAuthProvider, TokenBinding};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn provider(world: &World) -> OAuthProvider {
    let builder = OAuthProvider::builder(
        credential_provider_api::ProviderId::new("work").unwrap(),
        world.issuer.url(),
        common::issuer::CLIENT,
    );
    world.built(
        builder
            .credential(mail().binding(TokenBinding::DPoP))
            .credential(files().binding(TokenBinding::DPoP)),
    )
}

async fn world(nonce: Option<&str>) -> World {
    let world = World::new().await;
    let nonce = nonce.map(str::to_owned);
    world.issuer.state().beyond.proofs = Some(Proofs { nonce });
    world
}

fn mail_origin() -> Origin {
    Origin::parse("https://mail.example").unwrap()
}

/// The header and claims of the proof for a request, and the token beside it.
fn proof(world: &World, credential: &Credential) -> (Value, Value, String) {
    let origin = mail_origin();
    let request = OutgoingRequest::new("GET", &origin, "/v1/inbox").with_query("page=2");
    let added = credential.authorize(&request, world.clock.now()).unwrap();
    let header = |name: &str| {
        let found = added.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.expose_secret().to_owned()).unwrap()
    };
    let (head, claims) = verified(&header("DPoP"), None).expect("signed with the key it names");
    (head, claims, header("Authorization"))
}

#[tokio::test]
async fn every_request_carries_a_proof_of_its_own() {
    let world = world(None).await;
    let (provider, request) = (provider(&world), world.request("mail"));
    let credential = world.sign_in(&provider, &request, "alice").await.unwrap();
    let (header, claims, authorization) = proof(&world, &credential);
    let token = credential.secret().unwrap().expose_secret();
    assert_eq!(authorization, format!("DPoP {token}"));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert_eq!(claims["htm"], "GET");
    assert_eq!(claims["htu"], "https://mail.example/v1/inbox", "no query");
    assert_eq!(claims["iat"], world.clock.now().as_millis() / 1000);
    use base64::Engine as _;
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(token));
    assert_eq!(claims["ath"], hash);
    let (_, next, _) = proof(&world, &credential);
    assert_ne!(next["jti"], claims["jti"]);
    let evil = Origin::parse("https://evil.example").unwrap();
    let error = credential
        .authorize(&OutgoingRequest::new("GET", &evil, "/"), world.clock.now())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::OriginDenied);
}

#[tokio::test]
async fn one_key_from_sign_in_through_renewal_and_restart_and_another_for_each_login() {
    let world = world(None).await;
    let (first, request) = (provider(&world), world.request("mail"));
    let (mut state, page) = world.open(&first, &request).await.unwrap();
    let asked = url::Url::parse(&page).unwrap();
    let bound = asked.query_pairs().find(|(name, _)| name == "dpop_jkt").unwrap().1.into_owned();
    let query = world.issuer.consent(&page, "alice");
    let answer = oauth_provider::callback(&query).unwrap().answer;
    let done = common::world::answer(&first, &request, &mut state, answer).await.unwrap();
    let signed_in = first.accept(&request, done).await.unwrap().unwrap();
    let key = |credential: &Credential| thumbprint(&proof(&world, credential).0["jwk"]);
    assert_eq!(key(&signed_in), bound, "the code was bound to it (RFC 9449 §10)");
    assert_eq!(key(&resolve(&first, &request).await.unwrap()), bound, "what is stored");
    world.pass(301);
    assert_eq!(key(&resolve(&first, &request).await.unwrap()), bound, "what was renewed");
    world.pass(301);
    let restarted = provider(&world);
    assert_eq!(key(&resolve(&restarted, &request).await.unwrap()), bound, "after a restart");
    assert_eq!(world.issuer.count("refresh_token"), 2);
    let again = world.sign_in(&restarted, &request, "alice").await.unwrap();
    assert_ne!(key(&again), bound, "another login");
}

#[tokio::test]
async fn a_server_that_wants_its_nonce_gets_it() {
    let world = world(Some("n-1")).await;
    let (provider, request) = (provider(&world), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    assert_eq!(world.issuer.count("authorization_code"), 2, "once more, with the nonce");
    world.pass(301);
    resolve(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.count("refresh_token"), 1, "the nonce is remembered");
    world.issuer.state().beyond.proofs = Some(Proofs { nonce: Some("n-2".into()) });
    world.pass(301);
    let credential = resolve(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.count("refresh_token"), 3, "and replaced");

    // A service has nonces of its own.
    assert_eq!(proof(&world, &credential).1.get("nonce"), None, "the issuer's is not for it");
    let challenge = [("dpop-nonce", "s-1"), ("WWW-Authenticate", r#"DPoP error="use_dpop_nonce""#)];
    assert_eq!(credential.answered(&mail_origin(), 401, &challenge), Advice::SendAgain);
    assert_eq!(proof(&world, &credential).1["nonce"], "s-1");
    assert_eq!(credential.answered(&mail_origin(), 200, &[("DPoP-Nonce", "s-2")]), Advice::Done);
    assert_eq!(proof(&world, &credential).1["nonce"], "s-2");
    let dead = [("www-authenticate", r#"DPoP error="invalid_token""#), ("dpop-nonce", "s-3")];
    assert_eq!(credential.answered(&mail_origin(), 401, &dead), Advice::Done, "rejected it is");
    world.pass(1);
    let renewed = resolve(&provider, &request).await.unwrap();
    assert_eq!(proof(&world, &renewed).1["nonce"], "s-3", "kept across renewals");
}

#[tokio::test]
async fn a_server_that_never_has_enough_is_asked_twice() {
    let world = world(None).await;
    let (provider, request) = (provider(&world), world.request("files"));
    let more = common::http::Reply::error(400, "use_dpop_nonce").with("dpop-nonce", "again");
    world.issuer.script("/token", [more]);
    let error = world.sign_in(&provider, &request, "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    assert_eq!(world.issuer.count("authorization_code"), 2);
}

#[tokio::test]
async fn a_token_that_was_not_bound_after_all_is_not_served() {
    let world = World::new().await;
    let (provider, request) = (provider(&world), world.request("files"));
    let error = world.sign_in(&provider, &request, "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    // Nor one that is bound where nobody asked.
    world.issuer.state().answer =
        Some(std::sync::Arc::new(|answer: &mut Value| answer["token_type"] = json!("DPoP")));
    let plain = world.provider();
    let error = world.sign_in(&plain, &request, "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
}

#[tokio::test]
async fn promise_7_a_renewal_that_lost_its_binding_does_not_lose_the_login() {
    let world = world(None).await;
    let (provider, request) = (provider(&world), world.request("files"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    world.issuer.state().answer =
        Some(std::sync::Arc::new(|answer: &mut Value| answer["token_type"] = json!("Bearer")));
    world.pass(301);
    let error = resolve(&provider, &request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    world.issuer.state().answer = None;
    resolve(&provider, &request).await.expect("the rotated grant was kept");
    assert_eq!(world.issuer.count("refresh_token"), 2);
}

#[tokio::test]
async fn a_login_that_cannot_be_renewed_keeps_its_key_until_its_end() {
    let world = world(None).await;
    let none = |a: &mut Value| drop(a.as_object_mut().unwrap().remove("refresh_token"));
    world.issuer.state().answer = Some(std::sync::Arc::new(none));
    let (first, request) = (provider(&world), world.request("mail"));
    let credential = world.sign_in(&first, &request, "alice").await.unwrap();
    let restarted = provider(&world);
    let kept = resolve(&restarted, &request).await.unwrap();
    assert_eq!(proof(&world, &kept).0["jwk"], proof(&world, &credential).0["jwk"]);
    world.pass(301);
    let error = resolve(&restarted, &request).await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::GrantExpired));
}

#[tokio::test]
async fn promise_6_the_key_is_nowhere_to_be_seen() {
    let world = world(None).await;
    let (provider, request) = (provider(&world), world.request("mail"));
    let credential = world.sign_in(&provider, &request, "alice").await.unwrap();
    let encoded = credential.encode().unwrap();
    let loaded = world.store.load(&world.key("mail")).await.unwrap();
    let grant = loaded.record.unwrap().grant.unwrap();
    let grant: Value = serde_json::from_slice(grant.expose()).unwrap();
    let scalar = grant["proofKey"].as_str().unwrap();
    let shown = format!("{credential:?} {provider:?} {:?}", credential.material());
    assert!(!shown.contains(scalar), "{shown}");
    assert!(!String::from_utf8_lossy(encoded.expose_secret()).contains(scalar));
}

#[tokio::test]
async fn a_login_that_is_bound_otherwise_than_set_up_is_neither_served_nor_spent() {
    let world = world(None).await;
    let (bound, request) = (provider(&world), world.request("mail"));
    world.sign_in(&bound, &request, "alice").await.unwrap();
    world.issuer.state().beyond.proofs = None;
    let plain = world.provider();
    for _ in 0..2 {
        let error = resolve(&plain, &request).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth);
        world.pass(301);
    }
    assert_eq!(world.issuer.count("refresh_token"), 0);
    world.sign_in(&plain, &request, "alice").await.unwrap();
    let error = resolve(&bound, &request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReauth, "and the other way round");
}
