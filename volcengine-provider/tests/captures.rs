//! Requests that the official SDK for Python sent, sent again by this crate over a real connection.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::world::configured;
use common::{Call, Reply, World};
use credential_provider_api::{AccessKey, Credential};
use serde_json::{Value, json};
use volcengine_provider::action::permission::{CheckPermission, Entity};
use volcengine_provider::action::providers::{CredentialProviderFilter, ListCredentialProviders};
use volcengine_provider::action::resource::{
    CustomParameters, GetResourceOauth2Token, GetRoleCredentials,
};
use volcengine_provider::action::sts::AssumeRole;
use volcengine_provider::action::workload::{
    CreateWorkloadIdentity, GetWorkloadAccessTokenForJWT, KeyValue,
};
use volcengine_provider::action::{Action, workload};
use volcengine_provider::sign::{Covered, SigningScope, Unsigned, sign};
use volcengine_provider::{Client, HeldKeys, RawCall, Service};

const CAPTURES: &str = include_str!("vectors/captures.json");

fn keys() -> HeldKeys {
    let key = AccessKey::new("AKLTEXAMPLE".into(), "not-real".into(), Some("STSTOKEN".into()));
    HeldKeys::new(Arc::new(Credential::access_key(key)))
}

fn captures() -> Vec<(String, Value)> {
    let captures: Value = serde_json::from_str(CAPTURES).unwrap();
    let captures = captures.as_object().unwrap().iter();
    let captures = captures.filter(|(_, capture)| capture.get("request").is_some());
    captures.map(|(name, capture)| (name.clone(), capture["request"].clone())).collect()
}

fn captured(name: &str) -> Value {
    captures().into_iter().find(|(found, _)| found == name).unwrap().1
}

async fn world() -> (World, Client) {
    let world = World::listening().await;
    let client = world.provider(configured(json!({}))).await.client().clone();
    (world, client)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// The names that a signature covers.
fn covered(authorization: &str) -> Vec<&str> {
    let names = authorization.split_once("SignedHeaders=").unwrap().1.split(',').next().unwrap();
    names.split(';').collect()
}

/// Everything but what belongs to that one sending: date, host, ids of the SDK, signature.
fn assert_same(name: &str, sent: &Call, request: &Value) {
    let headers = &request["headers"];
    assert_eq!(sent.method, text(request, "method"), "{name}");
    assert_eq!(sent.target, text(request, "target"), "{name}");
    assert_eq!(sent.headers["content-type"], text(headers, "Content-Type"), "{name}");
    assert_eq!(sent.headers["accept"], text(headers, "Accept"), "{name}");
    assert_eq!(sent.headers["x-security-token"], text(headers, "X-Security-Token"), "{name}");
    let theirs = covered(text(headers, "Authorization"));
    let theirs: Vec<&str> = theirs.into_iter().filter(|n| !n.starts_with("x-sdk-")).collect();
    assert_eq!(covered(&sent.headers["authorization"]), theirs, "{name}");
    let scope = |authorization: &str| {
        authorization.split('/').skip(2).take(2).collect::<Vec<_>>().join("/")
    };
    let theirs = scope(text(headers, "Authorization"));
    assert_eq!(scope(&sent.headers["authorization"]), theirs, "{name}");
}

#[tokio::test]
async fn every_captured_request_is_sent_again_byte_for_byte() {
    let (world, client) = world().await;
    let mut sent = 0;
    for (name, request) in captures() {
        let target = text(&request, "target");
        let action = target.split_once("Action=").unwrap().1.split('&').next().unwrap();
        world.service.script(action, [Reply::result(&json!({}))]);
        let body = text(&request, "body").as_bytes().to_vec().into();
        let call = if target.ends_with("2018-01-01") {
            RawCall::new(Service::Sts, action).form(body)
        } else {
            RawCall::new(Service::Identity, action).json(body)
        };
        client.raw(&call, &keys()).await.unwrap();
        let call = world.service.calls(action).pop().unwrap();
        assert_same(&name, &call, &request);
        assert_eq!(call.body, text(&request, "body"), "{name}");
        let hash = text(&request["headers"], "X-Content-Sha256");
        assert_eq!(call.headers["x-content-sha256"], hash, "{name}");
        sent += 1;
    }
    assert_eq!(sent, 15);
}

/// The SDK's own headers are covered as it covers them, in its order.
#[test]
fn the_headers_of_captured_requests_are_covered_alike() {
    for (name, request) in captures() {
        let headers: Vec<(&str, &str)> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| {
                !["Authorization", "X-Date", "X-Content-Sha256", "X-Security-Token"]
                    .contains(&name.as_str())
            })
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let unsigned = Unsigned {
            method: text(&request, "method"),
            path: "/",
            query: &[],
            headers: &headers,
            body: text(&request, "body").as_bytes(),
        };
        let key = AccessKey::new("A".into(), "B".into(), Some("STSTOKEN".into()));
        let scope = SigningScope { service: "id", region: "cn-beijing" };
        let now = credential_provider_api::Timestamp::from_secs(0);
        let signed = sign(&unsigned, &key, scope, Covered::Standard, now).unwrap();
        let theirs = covered(text(&request["headers"], "Authorization"));
        assert_eq!(signed.signed_headers.split(';').collect::<Vec<_>>(), theirs, "{name}");
    }
}

/// Sends a typed request and compares it with the captured one; JSON by value.
async fn typed(world: &World, client: &Client, name: &str, action: &impl Action) -> Call {
    let request = captured(name);
    let what = text(&request, "target").split_once("Action=").unwrap().1;
    let what = what.split('&').next().unwrap();
    world.service.script(what, [Reply::result(&json!({}))]);
    client.call(action, &keys()).await.unwrap();
    let sent = world.service.calls(what).pop().unwrap();
    assert_same(name, &sent, &request);
    if let Ok(wanted) = serde_json::from_str::<Value>(text(&request, "body")) {
        assert_eq!(serde_json::from_str::<Value>(&sent.body).unwrap(), wanted, "{name}");
    }
    sent
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn typed_requests_are_those_of_the_sdk() {
    let (world, client) = world().await;
    let mut token = GetWorkloadAccessTokenForJWT::new("a.b.c".into());
    token.audience = Some(vec!["https://x".to_owned()]);
    token.duration_seconds = Some(3600);
    token.name = some("openclaw-agent");
    token.workload_pool_name = some("default");
    typed(&world, &client, "GetWorkloadAccessTokenForJWT ok", &token).await;

    let mut create = CreateWorkloadIdentity::new("智能体".to_owned());
    create.category = some("Agent");
    create.workload_pool_name = some("default");
    typed(&world, &client, "CreateWorkloadIdentity 409", &create).await;

    let mut access_type = KeyValue::default();
    access_type.key = some("access_type");
    access_type.value = some("offline");
    let mut parameters = CustomParameters::default();
    parameters.entries = Some(vec![access_type]);
    let mut oauth = GetResourceOauth2Token::new("tip".into(), "google".to_owned());
    oauth.custom_parameters = Some(parameters);
    typed(&world, &client, "GetResourceOauth2Token typed CustomParameters", &oauth).await;

    let mut filter = CredentialProviderFilter::default();
    filter.flow = some("M2M");
    filter.name = some("goo");
    filter.pool_name = some("default");
    filter.kind = some("oauth2");
    let mut list = ListCredentialProviders::new(1, 20);
    list.filter = Some(filter);
    typed(&world, &client, "ListCredentialProviders", &list).await;

    let mut check = CheckPermission::new("default".to_owned());
    check.operation = Some(Entity::new("Action", "invoke"));
    check.original_callers = Some(vec![Entity::new("agent", "p")]);
    check.principal = Some(Entity::new("User", "u"));
    check.resource = Some(Entity::new("agent", "a"));
    typed(&world, &client, "CheckPermission", &check).await;

    let mut role = GetRoleCredentials::new("tip".into(), "r".to_owned());
    role.duration_seconds = Some(3600);
    role.pool_name = some("default");
    role.role_session_name = some("s");
    role.with_oidc = Some(true);
    typed(&world, &client, "GetRoleCredentials", &role).await;

    let name = "STS AssumeRole (generated client)";
    let mut assume = AssumeRole::new("trn:iam::2100000000:role/agent role+x", "sess-1");
    assume.duration_seconds = Some(3600);
    let sent = typed(&world, &client, name, &assume).await;
    assert_eq!(sent.body, text(&captured(name), "body"));
}

/// The answers that the SDK understood are understood here.
#[tokio::test]
async fn typed_answers_are_read() {
    let (world, client) = world().await;
    let answer = json!({ "ExpiresAt": "2025-09-15T07:59:24Z", "WorkloadAccessToken": "t" });
    world.service.script("GetWorkloadAccessToken", [Reply::result(&answer)]);
    let ask = workload::GetWorkloadAccessToken::new();
    let token = client.call(&ask, &keys()).await.unwrap();
    assert_eq!(token.expires_at.as_deref(), Some("2025-09-15T07:59:24Z"));
    let credentials = json!({ "AccessKeyId": "a", "Expiration": "2025-11-27T11:29:39+08:00" });
    let answer = json!({ "VolcEngResponse": { "Credentials": credentials } });
    world.service.script("GetRoleCredentials", [Reply::result(&answer)]);
    let ask = GetRoleCredentials::new("tip".into(), "r".to_owned());
    let role = client.call(&ask, &keys()).await.unwrap().volc_eng_response.unwrap();
    assert_eq!(role.credentials.unwrap().end(), Some("2025-11-27T11:29:39+08:00"));
}
