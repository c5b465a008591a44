//! Signing in on another device (RFC 8628).

use std::time::{Duration, Instant};

use credential_provider_api::{
    CredentialError, ErrorCode, ReauthReason, SignInAnswer, SignInMethod, SignInStep,
};
use oauth_provider::{Endpoints, OAuthCredential, OAuthProviderBuilder, TokenBinding};
use resolution_engine::FlowStatus;

use crate::browser::{self, Mind};
use crate::gateway::{
    BASIC, BOUND, Gateway, PUBLIC, Registered, SIGNS_EC, World, api, login, poll, reason,
};
use crate::peer::{Peer, assert_one_chain};
use crate::userinfo::Service;

const PENDING: &str = "authorization_pending";
const NO_NONCE: &str = "use_dpop_nonce";

fn lets_devices_in(provider: OAuthProviderBuilder) -> OAuthProviderBuilder {
    provider.sign_in_methods([SignInMethod::AuthorizationCode, SignInMethod::DeviceCode])
}

fn device(peer: Peer, client: Registered, person: &'static str) -> World {
    World::new(peer, client, person).set_up(lets_devices_in)
}

/// Where the person goes, and what is typed there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Plain,
    WithTheCode,
}

/// Begins, and asks until there is an answer, while the person does as shown, with this in mind.
async fn try_it(
    world: &World,
    gateway: &Gateway,
    page: Page,
    mind: Mind,
) -> Result<FlowStatus, CredentialError> {
    let (flow, step) = gateway.start_device().await;
    let SignInStep::ShowCode { code, url, complete_url, poll_every, .. } = step else {
        panic!("a code is shown: {step:?}")
    };
    // A host that asks too often costs the issuer nothing.
    for _ in 0..10 {
        let early = flow.answer(SignInAnswer::Poll).await.unwrap();
        assert!(matches!(early, FlowStatus::Pending { .. }), "{early:?}");
    }
    let (page, typed) = match page {
        Page::Plain => (url, code.as_str()),
        Page::WithTheCode => (complete_url.unwrap(), ""),
    };
    let person = async {
        // After the first question.
        tokio::time::sleep(poll_every * 3 / 2).await;
        browser::enter(&world.peer, &page, typed, world.person, mind).await;
    };
    let (answer, ()) = tokio::join!(poll(&flow), person);
    answer
}

async fn signed_in(world: &World, page: Page) -> Gateway {
    let gateway = world.gateway().await;
    let began = Instant::now();
    let done = try_it(world, &gateway, page, Mind::Agrees).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(_)), "{done:?}");
    let answers = world.peer.device_answers_for(world.person);
    let (last, before) = answers.split_last().unwrap();
    let before: Vec<_> = before.iter().flatten().filter(|error| *error != NO_NONCE).collect();
    assert!(last.is_none() && before.iter().all(|error| *error == PENDING), "{answers:?}");
    let most = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((1..=most).contains(&before.len()), "once a second: {answers:?}");
    gateway
}

async fn goes_on(world: World, page: Page) {
    let gateway = signed_in(&world, page).await;
    gateway.ask_until_tokens(2).await;
    gateway.close().await;
    let renewals = world.peer.renewals_of(world.person);
    assert_eq!(renewals.len(), 1, "{renewals:?}");
    assert_one_chain(&renewals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn the_code_is_typed_on_another_device() {
    goes_on(device(Peer::oidc(), PUBLIC, "device-types"), Page::Plain).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn the_address_has_the_code_in_it() {
    goes_on(device(Peer::oidc(), PUBLIC, "device-scans"), Page::WithTheCode).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_client_with_a_secret_starts_it_too() {
    goes_on(device(Peer::oidc(), BASIC, "device-basic"), Page::WithTheCode).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_client_that_signs_starts_it_too() {
    goes_on(device(Peer::oidc(), SIGNS_EC, "device-signs"), Page::WithTheCode).await;
}

fn assert_ended(error: &CredentialError) {
    assert_eq!(error.code(), ErrorCode::FlowEnded, "{error}");
}

async fn refuses(world: World, page: Page) {
    let gateway = world.gateway().await;
    let refused = try_it(&world, &gateway, page, Mind::Refuses).await.unwrap_err();
    assert_ended(&refused);
    assert!(refused.detail().contains("access_denied"), "{refused}");
    assert_eq!(reason(&gateway.ask().await.unwrap_err()), Some(ReauthReason::NotSignedIn));
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_person_who_refuses_there_ends_the_sign_in() {
    refuses(device(Peer::oidc(), PUBLIC, "device-refuses"), Page::Plain).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn a_code_that_nobody_enters_ends() {
    let world = device(Peer::oidc_long(), PUBLIC, "device-late");
    let gateway = world.gateway().await;
    let (flow, _) = gateway.start_device().await;
    let began = Instant::now();
    assert_ended(&poll(&flow).await.unwrap_err());
    // The issuer's word counts, not the ten minutes that a flow may take here.
    assert!((3..30).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn an_issuer_that_is_asked_too_often_is_asked_less_often() {
    let world = device(Peer::oidc_kept(), PUBLIC, "device-slowed");
    let gateway = world.gateway().await;
    let (flow, step) = gateway.start_device().await;
    let SignInStep::ShowCode { complete_url, .. } = step else { panic!("{step:?}") };
    let polls = async { poll(&flow).await.unwrap() };
    let person = async {
        // The first two questions are too close to each other, and the third comes too early.
        tokio::time::sleep(Duration::from_secs(9)).await;
        let page = complete_url.unwrap();
        browser::enter(&world.peer, &page, "", world.person, Mind::Agrees).await;
    };
    let (done, ()) = tokio::join!(polls, person);
    assert!(matches!(done, FlowStatus::Done(Some(_))), "{done:?}");
    let answers = world.peer.device_answers_for(world.person);
    let answers: Vec<_> = answers.iter().map(Option::as_deref).collect();
    assert_eq!(answers[..2], [Some(PENDING), Some("slow_down")]);
    // From then on it keeps the distance that it was told to.
    let (last, between) = answers[2..].split_last().unwrap();
    assert!(last.is_none() && between.iter().all(|told| *told == Some(PENDING)), "{answers:?}");
    gateway.close().await;
}

/// The server wants a nonce in each proof, also of a device that waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn tokens_of_a_device_are_bound_to_its_key() {
    let peer = Peer::oidc();
    let bound = login(&peer).binding(TokenBinding::DPoP);
    let world = device(peer, BOUND, "device-bound").asking_for(bound);
    let gateway = signed_in(&world, Page::WithTheCode).await;
    gateway.ask_until_tokens(2).await;
    let reply = Service::of(&world.peer).call(&gateway.ask().await.unwrap()).await;
    assert_eq!((reply.status, reply.body["sub"].as_str()), (200, Some(world.person)));
    gateway.close().await;
    assert_one_chain(&world.peer.renewals_of(world.person));
}

const TOOLKITS: Registered = Registered { id: "device", ..PUBLIC };

/// Where its devices begin stands in none of the toolkit's documents. It gives them no ID token, and
/// takes no charset beside the media type.
fn at_the_toolkit(client: Registered, person: &'static str) -> World {
    let peer = Peer::toolkit();
    let at = |path: &str| format!("{}/{path}", peer.issuer);
    let endpoints = Endpoints::new(at("authorize/"), at("token/"))
        .with_device_authorization(at("device-authorization/"))
        .with_jwks(at(".well-known/jwks.json"));
    let world = World::new(peer, client, person);
    world
        .asking_for(OAuthCredential::session(api()).scopes(["read"]))
        .set_up(move |provider| provider.endpoints(endpoints.clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn the_toolkit_lets_devices_in() {
    goes_on(at_the_toolkit(TOOLKITS, "device-toolkit"), Page::Plain).await;
    goes_on(at_the_toolkit(TOOLKITS, "device-toolkit-scans"), Page::WithTheCode).await;
}

/// It reads a client's name only in the form, also where the header has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn a_client_with_a_secret_starts_it_at_the_toolkit_too() {
    let client = Registered { id: "device-conf", secret: Some("device-secret"), ..BASIC };
    goes_on(at_the_toolkit(client, "device-toolkit-basic"), Page::Plain).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn a_person_who_refuses_at_the_toolkit_ends_the_sign_in() {
    refuses(at_the_toolkit(TOOLKITS, "device-toolkit-refuses"), Page::Plain).await;
}
