//! Ending the session at the issuer itself (OpenID Connect RP-Initiated Logout).

use std::path::PathBuf;

use credential_provider_api::{AccountId, SignInStep};
use oauth_provider::callback;
use resolution_engine::FlowStatus;

use crate::browser;
use crate::gateway::{BASIC, ELSEWHERE, Gateway, PUBLIC, Registered, World};
use crate::peer::Peer;

const BYE: &str = "http://127.0.0.1/bye";

/// A browser that stays signed in at the issuer, and who would type a login if it asked for one.
struct Browser<'a> {
    world: &'a World,
    cookies: PathBuf,
}

impl Browser<'_> {
    async fn open(&self, page: &str, typed: &str) -> String {
        browser::redirect_with(&self.world.peer, &self.cookies, page, typed).await
    }

    /// Signs in; how the flow stands then.
    async fn sign_in(&self, gateway: &Gateway, typed: &str) -> FlowStatus {
        let (flow, page) = gateway.start(&gateway.api, ELSEWHERE).await;
        let back = self.open(&page, typed).await;
        let (_, query) = back.split_once('?').unwrap();
        flow.answer(callback(query).unwrap().answer).await.unwrap()
    }
}

/// Until then whoever sits down at this browser is signed in as the one before.
async fn ends_there(peer: Peer, client: Registered, person: &'static str, other: &'static str) {
    let world = World::new(peer, client, person);
    let world = world.set_up(|provider| provider.post_logout_redirect_uri(BYE));
    let browser = Browser { world: &world, cookies: world.file("cookies") };
    let gateway = world.gateway().await;
    let first = done(browser.sign_in(&gateway, person).await);
    gateway.target().sign_out().await.unwrap();
    let again = done(browser.sign_in(&gateway, other).await);
    assert_eq!(again, first, "signed out here, and not there");

    let page = gateway.target().logout_page().await.unwrap().unwrap();
    assert_eq!(browser.open(&page, person).await, BYE);
    let FlowStatus::Step(SignInStep::ConfirmAccount { expected, found }) =
        browser.sign_in(&gateway, other).await
    else {
        panic!("another person is somebody to ask about")
    };
    assert!(expected == first && found != first, "{found} in place of {first}");
    gateway.close().await;
}

fn done(status: FlowStatus) -> AccountId {
    let FlowStatus::Done(Some(account)) = status else { panic!("{status:?}") };
    account
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn the_logout_page_ends_the_session_there() {
    ends_there(Peer::oidc_long(), PUBLIC, "leaves", "leaves-other").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop oauth"]
async fn the_logout_page_of_a_client_with_a_secret() {
    ends_there(Peer::oidc_long(), BASIC, "leaves-basic", "leaves-basic-other").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs django-oauth-toolkit: .ci/interop oauth"]
async fn the_toolkits_logout_page_ends_the_session_there() {
    ends_there(Peer::toolkit(), PUBLIC, "leaves-toolkit", "leaves-toolkit-other").await;
}
