//! Each way in which a client proves who it is, for a code and for a refresh token.

use oauth_provider::ClientAuthentication;

use crate::gateway::{BASIC, PUBLIC, Registered, World};
use crate::peer::{Peer, assert_one_chain};

async fn signs_in_and_renews(peer: Peer, client: Registered, person: &'static str) {
    let world = World::new(peer, client, person);
    let gateway = world.signed_in().await;
    gateway.ask_until_tokens(2).await;
    gateway.close().await;
    let calls = world.peer.calls_of(person);
    let kinds: Vec<&str> = calls.iter().map(|call| call.grant_type.as_str()).collect();
    assert_eq!(kinds, ["authorization_code", "refresh_token"]);
    assert!(calls.iter().all(|call| call.client == client.id), "{calls:?}");
    assert_one_chain(&world.peer.renewals_of(person));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_public_client_proves_itself_with_pkce_alone() {
    signs_in_and_renews(Peer::oidc(), PUBLIC, "client-public").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn client_secret_basic() {
    signs_in_and_renews(Peer::oidc(), BASIC, "client-basic").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn client_secret_basic_with_letters_that_must_be_encoded() {
    let client = Registered { id: "odd:client", secret: Some("a+b%2Fc:d e&f"), ..BASIC };
    signs_in_and_renews(Peer::oidc(), client, "client-odd").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn client_secret_post() {
    let client = Registered {
        id: "conf-post",
        secret: Some("conf-post-secret"),
        authentication: ClientAuthentication::ClientSecretPost,
    };
    signs_in_and_renews(Peer::oidc(), client, "client-post").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn client_secret_basic_at_the_toolkit() {
    signs_in_and_renews(Peer::toolkit(), BASIC, "client-basic-toolkit").await;
}
