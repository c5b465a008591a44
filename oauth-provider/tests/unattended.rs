//! Tokens that nobody signs in for, and clients that prove who they are with a key. The token exchange
//! is tried on a double of our own only: no server here speaks it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::World;
use common::beyond::verified;
use common::http::Reply;
use common::issuer::CLIENT;
use common::world::{id, mail, resolve};
use credential_provider_api::{
    Clock as _, Credential, CredentialError, CredentialKind, CredentialProvider as _,
    CredentialRef, ErrorCode, ExposeSecret as _, GrantStore as _, Key, ProviderId, Reason, Request,
    Resolution, Revision, Source, Variant, Want, async_trait,
};
use oauth_provider::{
    AssertionAudience, ClientAuthentication, GrantType, JwtBearer, OAuthCredential, OAuthProvider,
    OAuthProviderBuilder, SigningAlgorithm, TokenExchange, TokenTypeIdentifier,
};
use p256::ecdsa::VerifyingKey;
use p256::pkcs8::DecodePrivateKey as _;

/// Keys made for these tests; they open nothing.
const P256: &str = include_str!("common/p256.pem");
const RSA: &str = include_str!("common/one.pem");

fn public() -> VerifyingKey {
    *p256::ecdsa::SigningKey::from_pkcs8_pem(P256).unwrap().verifying_key()
}

fn named(text: &str) -> CredentialRef {
    CredentialRef::parse(text).unwrap()
}

/// A client without a secret.
fn bare(world: &World) -> OAuthProviderBuilder {
    OAuthProvider::builder(ProviderId::new("work").unwrap(), world.issuer.url(), CLIENT)
}

fn robot(grant_type: GrantType) -> OAuthCredential {
    OAuthCredential::gateway(id("robot")).grant_type(grant_type).scopes(["jobs"])
}

fn request(world: &World) -> Request {
    let key = Key::new(&named("work/robot"), None, Variant::none());
    world.request_for(key)
}

/// Gives `subject`, a later one for each that is refused, and writes down what was wanted.
#[derive(Default)]
struct Subjects {
    wanted: Mutex<Vec<Want>>,
}

#[async_trait]
impl Source for Subjects {
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        let mut wanted = self.wanted.lock().unwrap();
        wanted.push(want.clone());
        let number = wanted.iter().filter(|other| other.credential == want.credential).count();
        let token = format!("{}-{number}", want.credential.to_string().replace('/', "-"));
        let credential = if want.credential.to_string().ends_with("identity") {
            Credential::token(token.into())
        } else {
            Credential::oauth2(token.into())
        };
        Ok(Arc::new(credential.with_revision(Revision::new(number as u64).unwrap())))
    }
}

fn last(world: &World) -> BTreeMap<String, String> {
    world.issuer.state().beyond.forms.last().unwrap().clone()
}

#[tokio::test]
async fn a_client_acts_for_itself() {
    let world = World::new().await;
    let provider = world.built(world.builder().credential(robot(GrantType::ClientCredentials)));
    let request = request(&world);
    let first = resolve(&provider, &request).await.unwrap();
    assert_eq!(first.kind(), CredentialKind::OAuth2);
    let end = world.clock.now().plus(std::time::Duration::from_secs(300));
    assert_eq!(first.expires_at(), Some(end));
    let sent = last(&world);
    assert_eq!((&*sent["grant_type"], &*sent["scope"]), ("client_credentials", "jobs"));
    let renewed = provider.refresh(&request, &first, Reason::Expiring).await.unwrap();
    let Resolution::Credential(renewed) = renewed else { panic!("{renewed:?}") };
    assert!(!renewed.same_secrets(&first));
    assert!(world.store.list().await.unwrap().is_empty(), "nothing is kept");
    let sign_in = provider.sign_in().unwrap();
    let end = world.clock.now().plus(std::time::Duration::from_secs(60));
    let flow = credential_provider_api::FlowId::from_random([1; 32]);
    let start = credential_provider_api::SignInStart::new(flow, end);
    let error = sign_in.start(&request, &start).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
}

#[tokio::test]
async fn what_an_issuer_refuses_has_its_code() {
    let world = World::new().await;
    let provider = world.built(world.builder().credential(robot(GrantType::ClientCredentials)));
    for (reply, code) in [
        (Reply::error(401, "invalid_client"), ErrorCode::ConfigurationInvalid),
        (Reply::error(400, "invalid_scope"), ErrorCode::ConfigurationInvalid),
        (Reply::error(400, "invalid_grant"), ErrorCode::Rejected),
        (Reply::of(429, ""), ErrorCode::RateLimited),
        (Reply::of(502, ""), ErrorCode::Unavailable),
    ] {
        world.issuer.script("/token", [reply]);
        let error = resolve(&provider, &request(&world)).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!format!("{error:?} {error}").contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_client_proves_itself_with_a_key_and_each_proof_is_good_once() {
    let world = World::new().await;
    let builder = bare(&world).client_key(P256.into()).client_key_id("k-7").credential(mail());
    let (provider, request) = (world.built(builder), world.request("mail"));
    world.sign_in(&provider, &request, "alice").await.unwrap();
    world.pass(301);
    resolve(&provider, &request).await.unwrap();
    let forms = world.issuer.state().beyond.forms.clone();
    let mut seen = Vec::new();
    for form in &forms {
        assert_eq!(
            form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert!(!form.contains_key("client_secret"));
        let (header, claims) = verified(&form["client_assertion"], Some(&public())).unwrap();
        assert_eq!((&header["kid"], &header["alg"]), (&"k-7".into(), &"ES256".into()));
        assert_eq!((&claims["iss"], &claims["sub"]), (&CLIENT.into(), &CLIENT.into()));
        assert_eq!(claims["aud"], world.issuer.url(), "no other server can pass it on");
        let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(life, 60);
        seen.push(claims["jti"].as_str().unwrap().to_owned());
    }
    assert_eq!(forms.len(), 2);
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn an_issuer_that_insists_is_named_by_its_endpoint() {
    let world = World::new().await;
    let builder = bare(&world)
        .client_key(P256.into())
        .assertion_audience(AssertionAudience::TokenEndpoint)
        .credential(robot(GrantType::ClientCredentials));
    resolve(&world.built(builder), &request(&world)).await.unwrap();
    let (_, claims) = verified(&last(&world)["client_assertion"], Some(&public())).unwrap();
    assert_eq!(claims["aud"], format!("{}/token", world.issuer.url()));
}

/// RSA signs with ring and is verified by another library.
#[tokio::test]
async fn rsa_keys_sign_too() {
    for (algorithm, name) in [(None, "RS256"), (Some(SigningAlgorithm::PS256), "PS256")] {
        let world = World::new().await;
        let mut builder =
            bare(&world).client_key(RSA.into()).credential(robot(GrantType::ClientCredentials));
        if let Some(algorithm) = algorithm {
            builder = builder.client_key_algorithm(algorithm);
        }
        resolve(&world.built(builder), &request(&world)).await.unwrap();
        let assertion = last(&world)["client_assertion"].clone();
        assert!(common::tokens::is_signed(&assertion, name), "{name}");
    }
}

#[tokio::test]
async fn a_client_signs_an_assertion_about_somebody() {
    let world = World::new().await;
    let bearer: JwtBearer = serde_json::from_value(serde_json::json!({
        "issuer": "robot@project.example", "subject": "boss@example.com",
        "claims": { "scope": "jobs", "iss": "not this" },
    }))
    .unwrap();
    let builder =
        bare(&world).client_key(P256.into()).credential(robot(GrantType::JwtBearer(bearer)));
    resolve(&world.built(builder), &request(&world)).await.unwrap();
    let sent = last(&world);
    assert_eq!(sent["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert!(!sent.contains_key("client_id") && !sent.contains_key("client_assertion"));
    let (_, claims) = verified(&sent["assertion"], Some(&public())).unwrap();
    assert_eq!(claims["iss"], "robot@project.example");
    assert_eq!(claims["sub"], "boss@example.com");
    assert_eq!(claims["scope"], "jobs");
    assert_eq!(claims["aud"], format!("{}/token", world.issuer.url()));
}

#[tokio::test]
async fn another_credential_is_the_assertion_and_a_newer_one_if_it_was_refused() {
    let world = World::new().await;
    let mut bearer = JwtBearer::default();
    bearer.assertion = Some(named("corp/identity"));
    let builder = world.builder().credential(robot(GrantType::JwtBearer(bearer)));
    let provider = world.built(builder);
    let subjects = Arc::new(Subjects::default());
    let request = request(&world).with_source(subjects.clone());
    resolve(&provider, &request).await.unwrap();
    assert_eq!(last(&world)["assertion"], "corp-identity-1");
    world.issuer.state().beyond.refused.insert("corp-identity-2".into());
    resolve(&provider, &request).await.unwrap();
    assert_eq!(last(&world)["assertion"], "corp-identity-3");
    let rejected: Vec<_> = subjects.wanted.lock().unwrap().iter().map(|w| w.rejected).collect();
    assert_eq!(rejected, [None, None, Revision::new(2)]);
    for number in 4..6 {
        world.issuer.state().beyond.refused.insert(format!("corp-identity-{number}"));
    }
    let error = resolve(&provider, &request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Rejected);
    assert_eq!(subjects.wanted.lock().unwrap().len(), 5, "once more, and no more");
}

#[tokio::test]
async fn a_token_is_exchanged_for_another() {
    let world = World::new().await;
    let mut exchange = TokenExchange::of(named("corp/identity"));
    exchange.subject_token_type = Some(TokenTypeIdentifier::IdToken);
    exchange.actor = Some(named("corp/agent"));
    exchange.audience = Some("downstream".into());
    let credential = OAuthCredential::session(id("robot"))
        .grant_type(GrantType::TokenExchange(exchange))
        .resource("https://api.example/v1");
    let provider = world.built(world.builder().credential(credential));
    let subjects = Arc::new(Subjects::default());
    let request = world.request("robot").with_source(subjects.clone());
    let issued = resolve(&provider, &request).await.unwrap();
    assert_eq!(issued.kind(), CredentialKind::OAuth2);
    let urn = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
    let sent = last(&world);
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", "corp-identity-1"),
        ("subject_token_type", &urn("id_token")),
        ("actor_token", "corp-agent-1"),
        ("actor_token_type", &urn("access_token")),
        ("audience", "downstream"),
        ("resource", "https://api.example/v1"),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    let mut key = world.key("robot");
    key.variant = Variant::builder().parameter("audience", "elsewhere").build().unwrap();
    resolve(&provider, &world.request_for(key).with_source(subjects)).await.unwrap();
    assert_eq!(last(&world)["audience"], "elsewhere");
}

#[tokio::test]
async fn what_is_no_access_token_is_a_token() {
    let world = World::new().await;
    let mut exchange = TokenExchange::of(named("corp/identity"));
    exchange.requested_token_type = Some(TokenTypeIdentifier::Jwt);
    let credential =
        OAuthCredential::session(id("robot")).grant_type(GrantType::TokenExchange(exchange));
    let provider = world.built(world.builder().credential(credential));
    world.issuer.state().answer =
        Some(Arc::new(|answer: &mut serde_json::Value| answer["token_type"] = "N_A".into()));
    let request = world.request("robot").with_source(Arc::new(Subjects::default()));
    let issued = resolve(&provider, &request).await.unwrap();
    assert_eq!(issued.kind(), CredentialKind::Token);
    assert!(!issued.secret().unwrap().expose_secret().is_empty());
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_found_at_once() {
    let world = World::new().await;
    let sec1 = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
    let robot = || robot(GrantType::ClientCredentials);
    let personal = OAuthCredential::session(id("robot")).grant_type(GrantType::ClientCredentials);
    for (builder, path) in [
        (bare(&world).client_key("canary".into()).credential(robot()), "clientKey"),
        (bare(&world).client_key(sec1.into()).credential(robot()), "clientKey"),
        (
            bare(&world)
                .client_key(P256.into())
                .client_key_algorithm(SigningAlgorithm::RS256)
                .credential(robot()),
            "clientKey",
        ),
        (
            bare(&world)
                .client_authentication(ClientAuthentication::PrivateKeyJwt)
                .credential(robot()),
            "clientKey",
        ),
        (world.builder().client_key(P256.into()), "clientKey"),
        (
            bare(&world).credential(self::robot(GrantType::JwtBearer(JwtBearer::default()))),
            "clientKey",
        ),
        (world.builder().credential(personal), "credentials.robot.owner"),
        (world.builder().credential(robot().scopes(["openid"])), "credentials.robot.scopes"),
    ] {
        let error = builder.build(world.runtime()).map(drop).unwrap_err();
        assert!(error.to_string().contains(path), "{path}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
