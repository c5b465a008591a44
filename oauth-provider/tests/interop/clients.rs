//! Each way in which a client proves who it is, for a code and for a refresh token.

use credential_provider_api::{ErrorCode, Revocation};
use oauth_provider::{AssertionAudience, ClientAuthentication, SigningAlgorithm, callback};

use crate::browser::{self, Mind};
use crate::gateway::{BASIC, ELSEWHERE, PUBLIC, Registered, SIGNS_EC, World};
use crate::peer::{Peer, assert_one_chain};

async fn signs_in_and_renews(peer: Peer, client: Registered, person: &'static str) {
    goes_on(World::new(peer, client, person)).await;
}

async fn goes_on(world: World) {
    let (person, client) = (world.person, world.client);
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
        signs: None,
        authentication: ClientAuthentication::ClientSecretPost,
    };
    signs_in_and_renews(Peer::oidc(), client, "client-post").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn client_secret_basic_at_the_toolkit() {
    signs_in_and_renews(Peer::toolkit(), BASIC, "client-basic-toolkit").await;
}

const fn signs_rsa(algorithm: SigningAlgorithm) -> Registered {
    Registered { id: "signs-rsa", signs: Some(algorithm), ..SIGNS_EC }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn private_key_jwt_with_rs256() {
    let client = signs_rsa(SigningAlgorithm::RS256);
    signs_in_and_renews(Peer::oidc(), client, "client-rs256").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn private_key_jwt_with_ps256() {
    let client = signs_rsa(SigningAlgorithm::PS256);
    signs_in_and_renews(Peer::oidc(), client, "client-ps256").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn private_key_jwt_with_es256() {
    signs_in_and_renews(Peer::oidc(), SIGNS_EC, "client-es256").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn private_key_jwt_for_the_token_endpoint() {
    let world = World::new(Peer::oidc(), SIGNS_EC, "client-audience");
    let audience = AssertionAudience::TokenEndpoint;
    goes_on(world.set_up(move |provider| provider.assertion_audience(audience))).await;
}

/// Each endpoint takes an assertion: this is the revocation endpoint's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn private_key_jwt_signs_out_too() {
    let world = World::new(Peer::oidc_long(), SIGNS_EC, "client-signs-out");
    let gateway = world.signed_in().await;
    assert_eq!(gateway.target().sign_out().await.unwrap(), Revocation::Remote);
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_key_that_is_not_the_clients_is_a_fault_of_the_configuration() {
    let client = Registered { signs: Some(SigningAlgorithm::RS256), ..SIGNS_EC };
    let world = World::new(Peer::oidc_long(), client, "client-wrong-key");
    let gateway = world.gateway().await;
    let (flow, page) = gateway.start(&gateway.api, ELSEWHERE).await;
    let back = browser::redirect(&world.peer, &page, world.person, Mind::Agrees).await;
    let (_, query) = back.split_once('?').unwrap();
    let refused = flow.answer(callback(query).unwrap().answer).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ConfigurationInvalid, "{refused}");
    assert!(refused.detail().contains("invalid_client"), "{refused}");
    gateway.close().await;
}
