//! Tokens that are of no use to a thief (RFC 9449), at a server that wants its nonce in each proof.

use std::sync::Arc;

use credential_provider_api::{Credential, ErrorCode, ExposeSecret as _};
use futures::future::join_all;
use oauth_provider::{HttpResponse, PushedAuthorization, TokenBinding, callback};

use crate::browser::{self, Mind};
use crate::gateway::{BASIC, BOUND, ELSEWHERE, Gateway, PUBLIC, Registered, World, login};
use crate::peer::{Peer, assert_one_chain};
use crate::userinfo::{Headers, Service};

fn bound(peer: Peer, client: Registered, person: &'static str) -> World {
    let bound = login(&peer).binding(TokenBinding::DPoP);
    World::new(peer, client, person).asking_for(bound)
}

async fn assert_served(world: &World, gateway: &Gateway) {
    let reply = Service::of(&world.peer).call(&gateway.ask().await.unwrap()).await;
    assert_eq!((reply.status, reply.body["sub"].as_str()), (200, Some(world.person)));
}

async fn signs_in_and_renews(world: World) {
    let gateway = world.signed_in().await;
    assert_served(&world, &gateway).await;
    gateway.ask_until_tokens(3).await;
    assert_served(&world, &gateway).await;
    gateway.close().await;
    // Where a proof lacked the nonce, nothing was spent.
    assert_one_chain(&world.peer.renewals_of(world.person));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_public_client_signs_in_and_renews() {
    signs_in_and_renews(bound(Peer::oidc(), BOUND, "bound")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_client_with_a_secret_signs_in_and_renews() {
    signs_in_and_renews(bound(Peer::oidc(), BASIC, "bound-basic")).await;
}

/// The code is bound to the key already when the request is pushed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_pushed_request_names_the_key() {
    let world = bound(Peer::oidc(), BOUND, "bound-pushed");
    let always = PushedAuthorization::Always;
    let world = world.set_up(move |provider| provider.pushed_authorization(always));
    signs_in_and_renews(world).await;
}

/// Another process finds token and key in the store, and has heard of no nonce.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_service_that_wants_a_nonce_is_called_again_with_it() {
    let world = bound(Peer::oidc(), BOUND, "bound-elsewhere");
    let gateways = [Arc::new(world.signed_in().await), Arc::new(world.gateway().await)];
    let service = Service::of(&world.peer);
    let token = gateways[1].ask().await.unwrap();
    let first = service.call(&token).await;
    assert_eq!((first.status, first.calls), (200, 2), "once more, with the nonce");
    let second = service.call(&token).await;
    assert_eq!((second.status, second.calls), (200, 1), "known by now");
    join_all(gateways.iter().map(|gateway| gateway.ask_until_tokens(3))).await;
    assert_served(&world, &gateways[1]).await;
    join_all(gateways.iter().map(|gateway| gateway.close())).await;
    let renewals = world.peer.renewals_of(world.person);
    assert_eq!(renewals.len(), 2, "{renewals:?}");
    assert_one_chain(&renewals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_stolen_access_token_is_of_no_use() {
    let peer = Peer::oidc_long();
    let worlds = ["bound-robbed", "bound-thief"].map(|who| bound(peer.clone(), BOUND, who));
    let [owner, thief] = &worlds;
    let gateways = [owner.signed_in().await, thief.signed_in().await];
    let service = Service::of(&peer);
    let [robbed, own] = [gateways[0].ask().await.unwrap(), gateways[1].ask().await.unwrap()];
    assert_served(owner, &gateways[0]).await;

    let stolen = |scheme: &str| -> (String, _) {
        let token = robbed.secret().unwrap().expose_secret();
        ("Authorization".to_owned(), format!("{scheme} {token}").into())
    };
    let proof_of = |token: &Credential| {
        let [_, proof] = <[_; 2]>::try_from(service.headers(token)).unwrap();
        assert_eq!(proof.0, "DPoP");
        proof
    };
    let attempts: [(&str, Headers); 4] = [
        ("as anybody's", vec![stolen("Bearer")]),
        ("as anybody's, beside a proof", vec![stolen("Bearer"), proof_of(&own)]),
        ("without a proof", vec![stolen("DPoP")]),
        ("with a proof of another key", vec![stolen("DPoP"), proof_of(&own)]),
    ];
    for (how, headers) in attempts {
        assert_refused(&service.send(&headers).await, how);
    }
    let seen = service.headers(&robbed);
    assert_eq!(service.send(&seen).await.status, 200);
    assert_refused(&service.send(&seen).await, "with a proof that was overheard");
    assert_served(owner, &gateways[0]).await;
    join_all(gateways.iter().map(Gateway::close)).await;
}

fn assert_refused(answer: &HttpResponse, how: &str) {
    assert!([400, 401].contains(&answer.status), "{how}: {}", answer.status);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_stolen_refresh_token_is_of_no_use() {
    let world = bound(Peer::oidc(), BOUND, "bound-grant");
    let gateway = world.signed_in().await;
    gateway.ask().await.unwrap();
    let token_endpoint = format!("{}/token", world.peer.issuer);
    let spent = world.wire.spend(&token_endpoint, BOUND.id).await;
    assert!(spent.is_some(), "it was taken without a proof");
    gateway.ask_until_tokens(2).await;
    gateway.close().await;
}

/// A token that is not bound after all is anybody's, and is not taken for one that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn an_issuer_that_binds_nothing_is_refused() {
    let world = bound(Peer::toolkit(), PUBLIC, "bound-toolkit");
    let gateway = world.gateway().await;
    let (flow, page) = gateway.start(&gateway.api, ELSEWHERE).await;
    let back = browser::redirect(&world.peer, &page, world.person, Mind::Agrees).await;
    let (_, query) = back.split_once('?').unwrap();
    let refused = flow.answer(callback(query).unwrap().answer).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidResponse, "{refused}");
    assert!(gateway.ask().await.is_err());
    gateway.close().await;
}
