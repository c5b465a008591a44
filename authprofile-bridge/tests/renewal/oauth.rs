//! Renewal by an OAuth client, as it goes over the wire.

use std::sync::{Arc, Mutex};

use authprofile_bridge::provider::ModelProvider;
use authprofile_bridge::renewal::OAuthIssuer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::*;
use credential_store::{Grants, MemoryStore};
use oauth_provider::{
    Endpoints, HttpClient, HttpError, HttpRequest, HttpResponse, OAuthCredential, OAuthProvider,
    OAuthRuntime,
};

use super::world::{World, ask, ended};

/// Answers with one status and body.
struct Wire {
    answer: (u16, String),
    sent: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let body = String::from_utf8(request.body.expose_secret().to_vec()).unwrap();
        self.sent.lock().unwrap().push(format!("{} {body}", request.url));
        let (status, body) = &self.answer;
        Ok(HttpResponse::new(*status, Vec::new(), body.clone().into_bytes().into()))
    }
}

fn issuer(world: &World, wire: &Arc<Wire>) -> ModelProvider {
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let runtime = OAuthRuntime {
        http: wire.clone(),
        grants: Grants::builder(Arc::new(MemoryStore::new())).clock(clock.clone()).build(),
        clock,
        random: Arc::new(SeededRandom::new(1)),
    };
    let id = ProviderId::new("codex-client").unwrap();
    let endpoints =
        Endpoints::new("https://login.example/authorize", "https://login.example/token");
    let client = OAuthProvider::builder(id, "https://login.example", "app-1")
        .endpoints(endpoints)
        .credential(OAuthCredential::gateway(CredentialId::new("unused").unwrap()))
        .build(runtime)
        .unwrap();
    let issuer = OAuthIssuer::new(Arc::new(client)).account_claim(["https://x", "account"]);
    ModelProvider::new().issuer(Arc::new(issuer))
}

fn wire(status: u16, body: &str) -> Arc<Wire> {
    Arc::new(Wire { answer: (status, body.to_owned()), sent: Mutex::default() })
}

fn id_token(account: &str) -> String {
    let claims = format!(r#"{{"sub":"s","email":"me@x","https://x":{{"account":"{account}"}}}}"#);
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

async fn renewed(status: u16, body: &str) -> (World, Arc<Wire>, Result<String, CredentialError>) {
    let world = World::with("{}");
    world.write("main", &format!("{{\"codex:me\": {}}}", ended(&world)));
    let wire = wire(status, body);
    let provider = world.provider(world.builder().model_provider("codex", issuer(&world, &wire)));
    let answer = ask(&provider, &world.request("codex:me")).await;
    (world, wire, answer)
}

#[tokio::test]
async fn the_refresh_token_goes_to_the_token_endpoint_and_what_comes_is_stored() {
    let body = format!(
        r#"{{"access_token":"new","token_type":"Bearer","expires_in":60,"refresh_token":"r2","id_token":"{}"}}"#,
        id_token("me")
    );
    let (world, wire, answer) = renewed(200, &body).await;
    assert_eq!(answer.unwrap(), "new");
    let sent = wire.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("https://login.example/token "), "{sent:?}");
    for part in ["grant_type=refresh_token", "refresh_token=refresh-0", "client_id=app-1"] {
        assert!(sent[0].contains(part), "{part}: {sent:?}");
    }
    let stored = world.stored("main", "codex:me");
    assert_eq!((&stored["refresh"], &stored["email"]), (&"r2".into(), &"me@x".into()));
    assert_eq!(stored["expires"], world.millis(60_000));
}

#[tokio::test]
async fn promise_5_an_id_token_of_another_account_is_thrown_away() {
    let body = format!(
        r#"{{"access_token":"new","token_type":"Bearer","id_token":"{}"}}"#,
        id_token("somebody")
    );
    let (world, _, answer) = renewed(200, &body).await;
    assert_eq!(answer.unwrap_err().code(), ErrorCode::AccountMismatch);
    assert_eq!(world.stored("main", "codex:me")["access"], "access-0");
}

#[tokio::test]
async fn what_the_issuer_says_is_told_apart() {
    for (status, body, code) in [
        (400, r#"{"error":"invalid_grant"}"#, ErrorCode::NeedsReauth),
        (401, r#"{"error":"invalid_client"}"#, ErrorCode::ConfigurationInvalid),
        (503, "", ErrorCode::Unavailable),
        (200, r#"{"access_token":"t","token_type":"DPoP"}"#, ErrorCode::InvalidResponse),
    ] {
        let (_, _, answer) = renewed(status, body).await;
        assert_eq!(answer.unwrap_err().code(), code, "{status} {body}");
    }
    let (world, _, answer) = renewed(200, r#"{"refresh_token":"r2"}"#).await;
    assert_eq!(answer.unwrap_err().code(), ErrorCode::InvalidResponse);
    assert_eq!(world.stored("main", "codex:me")["refresh"], "r2", "it is all that is left");
}
