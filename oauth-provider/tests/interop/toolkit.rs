//! django-oauth-toolkit: its issuer has a path, its endpoints end in a slash, and what it can do
//! stands in two documents.

use std::sync::Arc;

use futures::future::join_all;

use crate::gateway::{PUBLIC, World};
use crate::peer::{Peer, assert_one_chain};

async fn rotates(peer: Peer, person: &'static str) {
    assert!(peer.issuer.ends_with("/o"), "a path");
    let world = World::new(peer, PUBLIC, person);
    let gateways = [Arc::new(world.signed_in().await), Arc::new(world.gateway().await)];
    join_all(gateways.iter().map(|gateway| gateway.ask_until_tokens(3))).await;
    join_all(gateways.iter().map(|gateway| gateway.close())).await;
    let renewals = world.peer.renewals_of(person);
    assert_eq!(renewals.len(), 2, "{renewals:?}");
    assert_one_chain(&renewals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn promise_1_each_expiry_is_one_rotation() {
    rotates(Peer::toolkit(), "toolkit-rotates").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn promise_1_each_expiry_is_one_rotation_where_reuse_is_forgiven() {
    rotates(Peer::toolkit_with_grace(), "toolkit-rotates-with-grace").await;
}
