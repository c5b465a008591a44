//! Signing in, by each way back from the browser.

use credential_provider_api::{CredentialKind, ErrorCode, ReauthReason, SignInAnswer};
use oauth_provider::{LoopbackAddress, LoopbackListener, callback};
use resolution_engine::FlowStatus;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::browser::{self, Mind};
use crate::gateway::{ELSEWHERE, Gateway, PUBLIC, World, reason};
use crate::peer::Peer;

async fn assert_served(world: &World, gateway: &Gateway) {
    let token = gateway.ask().await.unwrap();
    assert_eq!(token.kind(), CredentialKind::OAuth2);
    assert_eq!(token.account().unwrap().as_str(), world.person);
    assert!(token.expires_at().is_some() && token.scopes().contains(&"openid".to_owned()));
    let calls = world.peer.calls_of(world.person);
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!((calls[0].grant_type.as_str(), &calls[0].error), ("authorization_code", &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn the_redirect_comes_to_a_listener_on_loopback() {
    for address in [LoopbackAddress::V4, LoopbackAddress::V6] {
        let person = if address == LoopbackAddress::V4 { "listener-v4" } else { "listener-v6" };
        let world = World::new(Peer::oidc_long(), PUBLIC, person);
        let gateway = world.gateway().await;
        let Ok(listener) = LoopbackListener::bind(address).await else {
            assert_eq!(address, LoopbackAddress::V6, "some machines have no IPv6");
            continue;
        };
        let (flow, page) = gateway.start(&gateway.api, &listener.redirect_uri()).await;
        let awaited = listener.answer(flow.id(), flow.expires_at(), &gateway.clock);
        let (answer, ()) =
            tokio::join!(awaited, browser::deliver(&world.peer, &page, world.person));
        let done = flow.answer(answer.unwrap()).await.unwrap();
        assert!(matches!(done, FlowStatus::Done(Some(_))), "{done:?}");
        assert_served(&world, &gateway).await;
        gateway.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn strangers_at_the_listener_end_nothing() {
    let world = World::new(Peer::oidc_long(), PUBLIC, "listener-strangers");
    let gateway = world.gateway().await;
    let listener = LoopbackListener::bind(LoopbackAddress::V4).await.unwrap();
    let home = url::Url::parse(&listener.redirect_uri()).unwrap();
    let (flow, page) = gateway.start(&gateway.api, home.as_str()).await;
    let awaited = listener.answer(flow.id(), flow.expires_at(), &gateway.clock);
    let people = async {
        let at = ("127.0.0.1", home.port().unwrap());
        // One that says nothing, and some that say the wrong thing.
        let _silent = TcpStream::connect(at).await.unwrap();
        for path in ["/", "/callback", "/callback?code=x&state=other", "/favicon.ico"] {
            let mut stranger = TcpStream::connect(at).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
            stranger.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stranger.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        }
        browser::deliver(&world.peer, &page, world.person).await;
    };
    let (answer, ()) = tokio::join!(awaited, people);
    flow.answer(answer.unwrap()).await.unwrap();
    assert_served(&world, &gateway).await;
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn the_host_is_called_back() {
    let world = World::new(Peer::oidc_long(), PUBLIC, "called-back");
    let gateway = world.signed_in().await;
    assert_served(&world, &gateway).await;
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn the_address_is_pasted() {
    let world = World::new(Peer::oidc_long(), PUBLIC, "pasted");
    let gateway = world.gateway().await;
    let (flow, page) = gateway.start(&gateway.api, ELSEWHERE).await;
    let nonsense = flow.answer(SignInAnswer::Pasted("what is this".into())).await.unwrap_err();
    assert_eq!(nonsense.code(), ErrorCode::InvalidResponse, "and the flow goes on");
    let back = browser::redirect(&world.peer, &page, world.person, Mind::Agrees).await;
    let done = flow.answer(SignInAnswer::Pasted(format!(" {back}\n").into())).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(Some(_))), "{done:?}");
    assert_served(&world, &gateway).await;
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_callback_counts_once() {
    let world = World::new(Peer::oidc_long(), PUBLIC, "replayed");
    let gateway = world.gateway().await;
    let (flow, page) = gateway.start(&gateway.api, ELSEWHERE).await;
    let back = browser::redirect(&world.peer, &page, world.person, Mind::Agrees).await;
    let (_, query) = back.split_once('?').unwrap();
    flow.answer(callback(query).unwrap().answer).await.unwrap();
    let again = flow.answer(callback(query).unwrap().answer).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::FlowEnded);
    // This issuer ends a login whose code comes twice: it did not.
    assert_served(&world, &gateway).await;
    gateway.close().await;
}

async fn refuses(peer: Peer, person: &'static str, says: &str) {
    let world = World::new(peer, PUBLIC, person);
    let gateway = world.gateway().await;
    let (flow, page) = gateway.start(&gateway.api, ELSEWHERE).await;
    let back = browser::redirect(&world.peer, &page, person, Mind::Refuses).await;
    let (_, query) = back.split_once('?').unwrap();
    let refused = flow.answer(callback(query).unwrap().answer).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::FlowEnded, "{refused}");
    assert!(refused.detail().contains(says), "{refused}");
    assert!(matches!(flow.status(), FlowStatus::Failed(_)));
    assert_eq!(reason(&gateway.ask().await.unwrap_err()), Some(ReauthReason::NotSignedIn));
    assert!(world.peer.calls_of(person).is_empty());
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_person_who_refuses_ends_the_sign_in() {
    refuses(Peer::oidc_long(), "refuses", "access_denied").await;
}

/// It promises an `iss` with every answer and leaves it out of refusals, so that one cannot be told
/// from another issuer's (RFC 9207 §2.4). The sign-in ends either way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn a_refusal_without_its_issuer_ends_the_sign_in_too() {
    refuses(Peer::toolkit(), "refuses-toolkit", "").await;
}
