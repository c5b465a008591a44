//! The answer to a renewal is lost: the issuer has rotated, and we do not have what it sent.

use credential_provider_api::ReauthReason;

use crate::gateway::{PUBLIC, World, reason};
use crate::peer::Peer;

/// The token that was spent is sent once more, and no more than that.
async fn ends_in_a_sign_in(peer: Peer, person: &'static str) {
    let world = World::new(peer, PUBLIC, person);
    let gateway = world.signed_in().await;
    gateway.ask().await.unwrap();
    world.wire.lose_next_renewal();
    // While the old token lives, a failed renewal ahead takes nothing from anybody.
    let error = gateway.ask_until_reauth().await;
    assert_eq!(reason(&error), Some(ReauthReason::RenewalInterrupted), "{error}");
    for _ in 0..20 {
        assert!(gateway.ask().await.is_err());
    }
    let renewals = world.peer.renewals_of(person);
    let errors: Vec<_> = renewals.iter().map(|call| call.error.as_deref()).collect();
    assert_eq!(errors, [None, Some("invalid_grant")], "{renewals:?}");
    gateway.sign_in(&gateway.api).await;
    gateway.ask().await.unwrap();
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_7_it_ends_in_a_sign_in() {
    ends_in_a_sign_in(Peer::oidc(), "lost").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn promise_7_it_ends_in_a_sign_in_at_the_toolkit() {
    ends_in_a_sign_in(Peer::toolkit(), "lost-toolkit").await;
}

/// It gives the same tokens again, and they count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn promise_7_a_grace_period_mends_it() {
    let world = World::new(Peer::toolkit_with_grace(), PUBLIC, "lost-with-grace");
    let gateway = world.signed_in().await;
    gateway.ask().await.unwrap();
    world.wire.lose_next_renewal();
    world.peer.until_renewals(world.person, 2).await;
    // The one from before the loss may be seen first.
    gateway.ask_through_failures(3).await;
    gateway.close().await;
    let renewals = world.peer.renewals_of(world.person);
    assert!(renewals.len() >= 3 && renewals.iter().all(|call| call.error.is_none()));
    assert_eq!(renewals[0].sent, renewals[1].sent, "sent once more");
    assert_eq!(renewals[0].issued, renewals[1].issued, "the same answer");
    assert_eq!(renewals[1].issued, renewals[2].sent, "which is what goes on");
}
