//! Authorization requests that are pushed to the issuer first (RFC 9126).

use std::time::Duration;

use credential_provider_api::{Clock as _, ErrorCode, SignInStep};
use oauth_provider::{PushedAuthorization, callback};
use resolution_engine::FlowStatus;

use crate::browser::{self, Mind};
use crate::gateway::{BASIC, ELSEWHERE, PUBLIC, Registered, SIGNS_EC, World};
use crate::peer::Peer;

fn always(peer: Peer, client: Registered, person: &'static str) -> World {
    let world = World::new(peer, client, person);
    world.set_up(|provider| provider.pushed_authorization(PushedAuthorization::Always))
}

/// The page says no more than who asks and where the rest is, and is good for as long as the issuer
/// says.
async fn is_pushed(world: World) {
    let gateway = world.gateway().await;
    let (flow, page) = gateway.start(&gateway.api, ELSEWHERE).await;
    let page_url = url::Url::parse(&page).unwrap();
    let names: Vec<_> = page_url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let FlowStatus::Step(SignInStep::OpenUrl { expires_at, .. }) = flow.status() else {
        panic!("a page is the first step");
    };
    let life = gateway.clock.now().until(expires_at);
    assert!(life <= Duration::from_secs(60), "{life:?}");

    let back = browser::redirect(&world.peer, &page, world.person, Mind::Agrees).await;
    let (_, query) = back.split_once('?').unwrap();
    let done = flow.answer(callback(query).unwrap().answer).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(Some(_))), "{done:?}");
    gateway.ask_until_tokens(2).await;
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn by_a_public_client_that_must() {
    is_pushed(always(Peer::oidc(), Registered { id: "pub-par", ..PUBLIC }, "pushed")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn by_a_client_with_a_secret() {
    is_pushed(always(Peer::oidc(), BASIC, "pushed-basic")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn by_a_client_that_signs() {
    is_pushed(always(Peer::oidc(), SIGNS_EC, "pushed-signs")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn where_the_issuer_says_that_it_must_be_so() {
    is_pushed(World::new(Peer::oidc_kept(), PUBLIC, "pushed-there")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_request_that_the_issuer_does_not_take_starts_nothing() {
    let world = always(Peer::oidc(), Registered { id: "nobody", ..PUBLIC }, "pushed-unknown");
    let gateway = world.gateway().await;
    let request = gateway.target().sign_in().redirect_uri(ELSEWHERE);
    let refused = request.start().await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ConfigurationInvalid, "{refused}");
    assert!(refused.detail().contains("invalid_client"), "{refused}");
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn an_issuer_without_a_place_for_it_is_an_error() {
    let world = always(Peer::toolkit(), PUBLIC, "pushed-toolkit");
    let gateway = world.gateway().await;
    let request = gateway.target().sign_in().redirect_uri(ELSEWHERE);
    assert_eq!(request.start().await.unwrap_err().code(), ErrorCode::Unsupported);
    gateway.close().await;
}
