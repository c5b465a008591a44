//! Within an engine: who may have the keys, what is derived from them, how often they are asked for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::Duration;

use common::service::MARK;
use common::world::{ROLE, id};
use common::{Reply, World};
use credential_provider_api::{
    Clock as _, CredentialRef, ErrorCode, Origin, OutgoingRequest, Variant,
};
use resolution_engine::{Configuration, ResolutionEngine};
use serde_json::{Value, json};

const FILE: &str = "/var/run/secrets/iam/credential";

fn put(world: &World, id: &str) {
    let keys = json!({ "access_key_id": id, "secret_access_key": format!("{id}-{MARK}-secret") });
    world.files.put(FILE, &keys.to_string());
}

async fn engine(world: &World, platform: Value, rules: Value) -> ResolutionEngine {
    let engine = ResolutionEngine::builder()
        .clock(Arc::new(world.time.clone()))
        .factory(world.factory())
        .build()
        .unwrap();
    let configuration = json!({
        "credentialProviders": { "volc": {
            "type": "volcengine", "endpoint": world.service.url(),
            "stsEndpoint": world.service.url(), "platform": platform,
        } },
        "credentialAccess": rules,
    });
    engine.configure(Configuration::from_json(&configuration.to_string()).unwrap()).await.unwrap();
    engine
}

fn platform() -> CredentialRef {
    CredentialRef::parse("volc/platform").unwrap()
}

fn rules() -> Value {
    json!([
        { "consumer": "tool:iam", "credential": "volc/platform" },
        { "consumer": "provider:volc", "credential": "volc/platform" },
    ])
}

#[tokio::test]
async fn promise_8_platform_keys_are_for_providers_unless_said_otherwise() {
    let world = World::new();
    put(&world, "AK-1");
    let engine = engine(&world, json!({}), rules()).await;
    let tool = engine.consumer("tool:iam").unwrap();
    let denied = tool.request(&platform()).await.unwrap_err();
    assert_eq!(denied.code(), ErrorCode::AccessDenied);
    engine.shutdown().await;
}

#[tokio::test]
async fn the_keys_sign_requests_to_their_origins_only() {
    let world = World::new();
    put(&world, "AK-1");
    let settings = json!({ "audience": "consumers", "origins": [
        { "origin": "https://iam.cn-shanghai.volcengineapi.com" },
        { "origin": "https://open.volcengineapi.com", "service": "vpc" },
    ] });
    let engine = engine(&world, settings, rules()).await;
    let tool = engine.consumer("tool:iam").unwrap();
    let keys = tool.request(&platform()).await.unwrap();
    let authorized = |origin: &str, query: &str, headers: &[(&str, &str)]| {
        let origin = Origin::parse(origin).unwrap();
        let request = OutgoingRequest::new("POST", &origin, "/").with_query(query);
        let request = request.with_headers(headers).with_body(b"{}");
        let added = keys.authorize(&request, world.time.now())?;
        let header = added.headers.into_iter().find(|(name, _)| name == "Authorization").unwrap();
        Ok(credential_provider_api::ExposeSecret::expose_secret(&header.1).to_owned())
    };
    let json = [("content-type", "application/json"), ("accept", "x"), ("x-date", "forged")];
    let query = "Action=A&Version=1&N=a+b%2Fc";
    let iam = authorized("https://iam.cn-shanghai.volcengineapi.com", query, &json).unwrap();
    assert!(iam.contains("Credential=AK-1/20260101/cn-shanghai/iam/request,"), "{iam}");
    assert!(iam.contains("SignedHeaders=content-type;host;x-content-sha256;x-date,"), "{iam}");
    // `+` is a space, as the service reads it.
    let same = "Action=A&Version=1&N=a%20b%2fc";
    assert_eq!(authorized("https://iam.cn-shanghai.volcengineapi.com", same, &json).unwrap(), iam);
    let open = authorized("https://open.volcengineapi.com", query, &[]).unwrap();
    assert!(open.contains("/cn-beijing/vpc/request,"), "{open}");
    let own = authorized(&world.service.url(), query, &[]).unwrap();
    assert!(own.contains("/cn-beijing/id/request,"), "{own}");
    for other in ["https://iam.volcengineapi.com", "http://open.volcengineapi.com"] {
        let error: credential_provider_api::CredentialError =
            authorized(other, query, &[]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OriginDenied, "{other}");
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn a_role_s_keys_are_derived_from_the_platform_s() {
    let world = World::new();
    put(&world, "AK-1");
    let end = world.time_in(3600);
    world.service.answer("AssumeRole", move |call| {
        Reply::assumed(&format!("role-of-{}", call.key().unwrap()), &end)
    });
    let engine = engine(&world, json!({ "audience": "consumers" }), rules()).await;
    let tool = engine.consumer("tool:iam").unwrap();
    let role = Variant::builder().role(ROLE).build().unwrap();
    let (one, all) = (platform(), 64);
    let asking = (0..all).map(|_| tool.request(&one).variant(&role).into_future());
    for answer in futures::future::join_all(asking).await {
        assert_eq!(id(&answer.unwrap()), "role-of-AK-1");
    }
    assert_eq!(world.service.calls("AssumeRole").len(), 1, "one call for a crowd");
    // What the role's keys are made of is taken back, and they with it.
    engine.administrator().at(&platform()).revoke().await.unwrap();
    let error = tool.request(&platform()).variant(&role).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Revoked);
    engine.shutdown().await;
}

#[tokio::test]
async fn platform_keys_that_sts_refuses_are_reloaded_through_the_engine() {
    let world = World::new();
    put(&world, "AK-1");
    let end = world.time_in(3600);
    world.service.answer("AssumeRole", move |call| match call.key() {
        Some("AK-2") => Reply::assumed("role-of-AK-2", &end),
        _ => Reply::error(401, "InvalidAccessKey"),
    });
    let engine = engine(&world, json!({ "audience": "consumers" }), rules()).await;
    let tool = engine.consumer("tool:iam").unwrap();
    assert_eq!(id(&tool.request(&platform()).await.unwrap()), "AK-1");
    put(&world, "AK-2");
    let role = Variant::builder().role(ROLE).build().unwrap();
    let keys = tool.request(&platform()).variant(&role).await.unwrap();
    assert_eq!(id(&keys), "role-of-AK-2");
    assert_eq!(world.service.calls("AssumeRole").len(), 2);
    // The entry itself has the new keys now: nothing else keeps any.
    assert_eq!(id(&tool.request(&platform()).await.unwrap()), "AK-2");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_role_needs_a_rule_for_the_provider_itself() {
    let world = World::new();
    put(&world, "AK-1");
    let rules = json!([{ "consumer": "tool:iam", "credential": "volc/platform" }]);
    let engine = engine(&world, json!({ "audience": "consumers" }), rules).await;
    let tool = engine.consumer("tool:iam").unwrap();
    let role = Variant::builder().role(ROLE).build().unwrap();
    let error = tool.request(&platform()).variant(&role).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_swapped_file_is_served_once_it_was_looked_at() {
    let world = World::new();
    put(&world, "AK-1");
    let engine = engine(&world, json!({ "audience": "consumers" }), rules()).await;
    let tool = engine.consumer("tool:iam").unwrap();
    assert_eq!(id(&tool.request(&platform()).await.unwrap()), "AK-1");
    put(&world, "AK-2");
    let began = world.time.now();
    loop {
        world.time.advance(Duration::from_millis(50));
        tokio::task::yield_now().await;
        if id(&tool.request(&platform()).await.unwrap()) == "AK-2" {
            break;
        }
        let passed = began.until(world.time.now());
        assert!(passed < Duration::from_secs(30), "it is still the old one after {passed:?}");
    }
    // With nothing changed it stays, and what is derived from it.
    let first = tool.request(&platform()).await.unwrap().revision();
    for _ in 0..100 {
        world.time.advance(Duration::from_secs(20));
        tokio::task::yield_now().await;
    }
    assert_eq!(tool.request(&platform()).await.unwrap().revision(), first);
    engine.shutdown().await;
}

#[tokio::test]
async fn sts_keys_refused_by_a_service_are_had_anew() {
    let world = World::new();
    let file = json!({ "access_key_id": "AK", "secret_access_key": "s-canary", "role_trn": ROLE });
    world.files.put(FILE, &file.to_string());
    let (end, number) = (world.time_in(3600), std::sync::atomic::AtomicU32::new(0));
    world.service.answer("AssumeRole", move |_| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Reply::assumed(&format!("role-{number}"), &end)
    });
    let engine = engine(&world, json!({ "audience": "consumers" }), rules()).await;
    let tool = engine.consumer("tool:iam").unwrap();
    let first = tool.request(&platform()).await.unwrap();
    let next = tool.request(&platform()).reject(first.revision().unwrap()).await.unwrap();
    assert_eq!((id(&first).as_str(), id(&next).as_str()), ("role-0", "role-1"));
    engine.shutdown().await;
}
