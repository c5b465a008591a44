//! How a login ends: by the person, by an operator, by the issuer.

use credential_provider_api::{ErrorCode, ReauthReason, Revocation};
use futures::future::join_all;

use crate::gateway::{Gateway, PUBLIC, World, reason};
use crate::peer::Peer;

async fn signs_out(peer: Peer, token_endpoint: &str, person: &'static str) {
    let token_endpoint = format!("{}{token_endpoint}", peer.issuer);
    let world = World::new(peer, PUBLIC, person);
    let (here, there) = (world.signed_in().await, world.gateway().await);
    there.ask().await.unwrap();
    assert_eq!(here.target().sign_out().await.unwrap(), Revocation::Remote);
    assert_eq!(reason(&here.ask().await.unwrap_err()), Some(ReauthReason::SignedOut));
    let spent = world.wire.spend(&token_endpoint, "pub").await;
    assert_eq!(spent.as_deref(), Some("invalid_grant"), "the issuer has ended it too");
    assert_eq!(reason(&there.ask_until_failure().await), Some(ReauthReason::SignedOut));

    there.sign_in(&there.api).await;
    there.ask().await.unwrap();
    join_all([&here, &there].map(Gateway::close)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_4_a_sign_out_ends_it_at_the_issuer_too() {
    signs_out(Peer::oidc_long(), "/token", "signs-out").await;
}

/// Its revocation endpoint stands only in the second of its two documents.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn promise_4_a_sign_out_ends_it_at_the_toolkit_too() {
    signs_out(Peer::toolkit(), "/token/", "signs-out-toolkit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_4_a_revocation_ends_it_at_the_issuer_too() {
    let world = World::new(Peer::oidc_long(), PUBLIC, "revoked");
    let gateway = world.signed_in().await;
    gateway.ask().await.unwrap();
    assert_eq!(gateway.target().revoke().await.unwrap(), Revocation::Remote);
    assert_eq!(gateway.ask().await.unwrap_err().code(), ErrorCode::Revoked);
    let token_endpoint = format!("{}/token", world.peer.issuer);
    let spent = world.wire.spend(&token_endpoint, "pub").await;
    assert_eq!(spent.as_deref(), Some("invalid_grant"));
    gateway.close().await;
}

/// However many ask, the issuer is asked once.
async fn is_withdrawn(peer: Peer, person: &'static str) {
    let world = World::new(peer, PUBLIC, person);
    let gateways = [world.signed_in().await, world.gateway().await];
    for gateway in &gateways {
        gateway.ask().await.unwrap();
    }
    assert_eq!(world.peer.withdraw(person).await, "1");
    let asking = gateways.iter().flat_map(|gateway| (0..8).map(|_| gateway.ask_until_failure()));
    for error in join_all(asking).await {
        assert_eq!(reason(&error), Some(ReauthReason::GrantRejected), "{error}");
    }
    let renewals = world.peer.renewals_of(person);
    let errors: Vec<_> = renewals.iter().map(|call| call.error.as_deref()).collect();
    assert_eq!(errors, [Some("invalid_grant")], "{renewals:?}");

    gateways[1].sign_in(&gateways[1].api).await;
    gateways[1].ask_until_tokens(2).await;
    join_all(gateways.iter().map(Gateway::close)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_grant_withdrawn_at_the_issuer_ends_in_a_sign_in() {
    is_withdrawn(Peer::oidc(), "withdrawn").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn a_grant_withdrawn_at_the_toolkit_ends_in_a_sign_in() {
    is_withdrawn(Peer::toolkit(), "withdrawn-toolkit").await;
}
