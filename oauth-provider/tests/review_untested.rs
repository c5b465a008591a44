//! Promises that no other test would miss: each of these passes, and fails when the line it names goes.
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
use credential_provider_api::*;
use serde_json::json;

fn start(world: &World) -> SignInStart {
    SignInStart::new(FlowId::from_random([7; 32]), world.clock.now().plus(Duration::from_secs(600)))
}

/// "All that validation needs is fetched before a code or a refresh token is spent."
/// (src/sign_in/device.rs, `core.issuer.keys()`)
#[tokio::test]
async fn a_device_waits_for_the_keys_before_it_spends_its_code() {
    let world = World::new().await;
    let provider = world.built(world.builder().sign_in_methods([SignInMethod::DeviceCode]));
    let request = world.request("mail");
    let (mut state, _) = provider.start(&request, &start(&world)).await.unwrap();
    world.issuer.decide(Verdict::Approved("alice"));
    world.issuer.script("/jwks", [Reply::of(503, "")]);
    world.pass(5);
    provider.answer(&request, &mut state, SignInAnswer::Poll).await.unwrap_err();
    assert_eq!(world.issuer.count("urn:ietf:params:oauth:grant-type:device_code"), 0);
    world.issuer.usual("/jwks");
    let done = provider.answer(&request, &mut state, SignInAnswer::Poll).await.unwrap();
    assert!(matches!(done, SignInProgress::Finished(_)), "{done:?}");
}

/// "The code and the address are shown only if … the address one that an issuer may name."
/// (src/sign_in/device.rs, `verification_uri_complete.and_then(page)`)
#[tokio::test]
async fn the_complete_address_is_looked_at_too() {
    let world = World::new().await;
    let provider = world.built(world.builder().sign_in_methods([SignInMethod::DeviceCode]));
    for bad in ["javascript:alert(1)", "http://evil.example/", "file:///etc/passwd"] {
        let told = json!({
            "device_code": "dc", "user_code": "AB-12", "expires_in": 60,
            "verification_uri": "http://127.0.0.1:1/code", "verification_uri_complete": bad,
        });
        world.issuer.script("/device", [Reply::json(&told)]);
        let (_, step) = provider.start(&world.request("files"), &start(&world)).await.unwrap();
        assert!(!format!("{step:?}").contains(bad), "{step:?}");
        let SignInProgress::Step(SignInStep::ShowCode { complete_url, .. }) = step else { panic!() };
        assert_eq!(complete_url, None);
    }
}
