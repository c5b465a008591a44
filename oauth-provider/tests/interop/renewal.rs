//! Access tokens end by themselves; the issuer counts what that costs.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::Outcome;
use futures::future::join_all;

use crate::gateway::{Gateway, PUBLIC, World};
use crate::peer::{Peer, assert_one_chain};

const EXPIRIES: usize = 3;

/// Eight tasks at each ask until the expiries have passed.
async fn storm(gateways: &[Arc<Gateway>]) {
    let tasks = gateways.iter().flat_map(|gateway| {
        (0..8).map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.ask_until_tokens(EXPIRIES + 1).await })
        })
    });
    for done in join_all(tasks).await {
        done.unwrap();
    }
    join_all(gateways.iter().map(|gateway| gateway.close())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_1_each_expiry_is_one_rotation() {
    let world = World::new(Peer::oidc(), PUBLIC, "rotates");
    let gateway = Arc::new(world.signed_in().await);
    storm(&[gateway]).await;
    let renewals = world.peer.renewals_of(world.person);
    assert_eq!(renewals.len(), EXPIRIES, "{renewals:?}");
    assert_one_chain(&renewals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_1_two_engines_on_one_store_cost_one_rotation_an_expiry() {
    let world = World::new(Peer::oidc(), PUBLIC, "rotates-twice");
    let here = Arc::new(world.signed_in().await);
    let there = Arc::new(world.gateway().await);
    storm(&[here, there]).await;
    let renewals = world.peer.renewals_of(world.person);
    assert_eq!(renewals.len(), EXPIRIES, "{renewals:?}");
    assert_one_chain(&renewals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_refresh_token_that_is_not_rotated_goes_on() {
    let world = World::new(Peer::oidc_kept(), PUBLIC, "kept");
    let gateway = Arc::new(world.signed_in().await);
    storm(&[gateway]).await;
    let renewals = world.peer.renewals_of(world.person);
    assert_eq!(renewals.len(), EXPIRIES, "{renewals:?}");
    let issued = world.peer.calls_of(world.person)[0].issued.clone();
    assert!(renewals.iter().all(|call| call.error.is_none() && call.sent == issued));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_7_a_host_that_starts_again_goes_on_where_it_was() {
    let world = World::new(Peer::oidc(), PUBLIC, "starts-again");
    let gateway = world.signed_in().await;
    gateway.ask_until_tokens(2).await;
    gateway.close().await;
    // Longer than an access token lives.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let gateway = world.gateway().await;
    let token = gateway.ask().await.unwrap();
    assert_eq!(token.account().unwrap().as_str(), world.person);
    gateway.close().await;
    let renewals = world.peer.renewals_of(world.person);
    assert_eq!(renewals.len(), 2, "{renewals:?}");
    assert_one_chain(&renewals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_1_a_rejection_seen_by_two_engines_is_one_rotation() {
    let world = World::new(Peer::oidc_long(), PUBLIC, "rejected");
    let gateways = [world.signed_in().await, world.gateway().await];
    let old = join_all(gateways.iter().map(Gateway::ask)).await;
    for (gateway, old) in gateways.iter().zip(&old) {
        let request = gateway.tool.request(&gateway.api).session(&gateway.me);
        request.report(old.as_ref().unwrap(), Outcome::Rejected).unwrap();
    }
    for new in join_all(gateways.iter().map(Gateway::ask)).await {
        assert!(!new.unwrap().same_secrets(old[0].as_ref().unwrap()));
    }
    join_all(gateways.iter().map(Gateway::close)).await;
    let renewals = world.peer.renewals_of(world.person);
    assert_eq!(renewals.len(), 1, "{renewals:?}");
    assert_one_chain(&renewals);
}
