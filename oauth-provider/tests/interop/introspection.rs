//! Whether the issuer still accepts a token (RFC 7662), as a console asks.

use credential_provider_api::{Health, HealthStatus};

use crate::gateway::{BASIC, Gateway, PUBLIC, Registered, SIGNS_EC, World};
use crate::peer::Peer;

async fn health(gateway: &Gateway) -> Health {
    gateway.target().check().await.unwrap()
}

/// Good, until the person withdraws it at the issuer: what is served here knows nothing of that.
async fn is_told(peer: Peer, client: Registered, person: &'static str) {
    let world = World::new(peer, client, person);
    let gateway = world.signed_in().await;
    let before = gateway.ask().await.unwrap();
    assert_eq!(health(&gateway).await, Health::healthy());
    assert_eq!(world.peer.withdraw(person).await, "1");
    let after = health(&gateway).await;
    assert_eq!(after.status, HealthStatus::Failing, "{after:?}");
    assert!(gateway.ask().await.unwrap().same_secrets(&before), "a check changes nothing");
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_check_sees_that_a_token_was_withdrawn() {
    is_told(Peer::oidc_long(), BASIC, "checked-basic").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_public_client_may_ask_about_its_own() {
    is_told(Peer::oidc_long(), PUBLIC, "checked-public").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_client_that_signs_may_ask() {
    is_told(Peer::oidc_long(), SIGNS_EC, "checked-signs").await;
}

/// Where it is asked stands only in the second of its two documents.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn a_check_at_the_toolkit_sees_it_too() {
    is_told(Peer::toolkit_long(), BASIC, "checked-toolkit").await;
}
