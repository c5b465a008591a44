//! A client that acts for itself (RFC 6749 §4.4): nobody signs in, nothing is kept.

use std::sync::Arc;

use credential_provider_api::{CredentialKind, ErrorCode};
use futures::future::join_all;
use oauth_provider::{GrantType, OAuthCredential, TokenBinding};

use crate::gateway::{BASIC, Registered, SIGNS_EC, World, api};
use crate::peer::Peer;

const ROBOT: Registered = Registered { id: "robot", secret: Some("robot-secret"), ..BASIC };

fn own(scope: &str) -> OAuthCredential {
    OAuthCredential::gateway(api()).grant_type(GrantType::ClientCredentials).scopes([scope])
}

fn robot(client: Registered) -> World {
    World::new(Peer::oidc(), client, "nobody").asking_for(own("api:read"))
}

/// Eight tasks ask until two tokens have ended.
async fn goes_on(world: World) {
    let gateway = Arc::new(world.gateway().await);
    let tasks = (0..8).map(|_| {
        let gateway = gateway.clone();
        tokio::spawn(async move { gateway.ask_until_tokens(3).await })
    });
    for done in join_all(tasks).await {
        done.unwrap();
    }
    let token = gateway.ask().await.unwrap();
    assert_eq!((token.kind(), token.account()), (CredentialKind::OAuth2, None));
    assert!(token.expires_at().is_some());
    gateway.close().await;
}

/// What this client asked for counts once each; a proof without its nonce does not count.
fn assert_asked(peer: &Peer, client: Registered) {
    let calls = peer.calls_by(client.id).into_iter();
    let calls: Vec<_> =
        calls.filter(|call| call.error.as_deref() != Some("use_dpop_nonce")).collect();
    let good = |call: &crate::peer::TokenCall| {
        call.grant_type == "client_credentials" && call.error.is_none() && call.issued.is_none()
    };
    assert!(calls.iter().all(good), "{calls:?}");
    assert_eq!(calls.len(), 3, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn promise_1_each_token_is_asked_for_once() {
    goes_on(robot(ROBOT)).await;
    assert_asked(&Peer::oidc(), ROBOT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_client_that_signs() {
    let client = Registered { id: "robot-signs", ..SIGNS_EC };
    goes_on(robot(client)).await;
    assert_asked(&Peer::oidc(), client);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_client_whose_tokens_are_bound() {
    let client = Registered { id: "robot-dpop", ..SIGNS_EC };
    goes_on(robot(client).asking_for(own("api:read").binding(TokenBinding::DPoP))).await;
    assert_asked(&Peer::oidc(), client);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn at_the_toolkit() {
    let world = World::new(Peer::toolkit(), ROBOT, "nobody");
    goes_on(world.asking_for(own("read"))).await;
}

async fn is_misconfigured(world: World, says: &str) {
    let gateway = world.gateway().await;
    let refused = gateway.ask().await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ConfigurationInvalid, "{refused}");
    assert!(refused.detail().contains(says), "{refused}");
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn what_the_issuer_does_not_allow_is_a_fault_of_the_configuration() {
    let wrong = Registered { secret: Some("wrong"), ..BASIC };
    is_misconfigured(robot(wrong), "invalid_client").await;
    // It may not act for itself.
    is_misconfigured(robot(BASIC), "not allowed for this client").await;
}
