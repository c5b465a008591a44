//! A person lets an agent act for them at a third party.

use std::time::Duration;

use credential_provider_api::{ErrorCode, SignInAnswer};
use resolution_engine::{FlowStatus, SignInFlow};
use serde_json::{Value, json};
use volcengine_provider::emulator::Person;

use crate::world::{ACCOUNT, Host, World, account, member, name, page};

async fn signed_in(calendar: Value) -> World {
    let mut entry = json!({ "type": "oauth2", "flow": "user_federation", "origins": ["{url}"] });
    for (name, value) in calendar.as_object().unwrap() {
        entry[name] = value.clone();
    }
    let world = Host::with(json!({ "credentials": { "calendar": entry } })).start().await;
    world.sign_in("alice").await;
    world
}

async fn consented(world: &World, user: &str, login: &str) -> SignInFlow {
    let flow = world.begin("calendar", user).await.unwrap();
    world.emulator.browse(&page(&flow), Person::Allows(login)).await.unwrap();
    world.pass(5);
    let done = flow.answer(SignInAnswer::Poll).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(_)), "{done:?}");
    flow
}

#[tokio::test]
async fn a_consent_is_waited_for_and_gives_each_user_their_own_token() {
    let world = signed_in(json!({})).await;
    world.sign_in("bob").await;
    let error = world.ask("calendar", "alice").await.unwrap_err();
    assert_eq!(
        (error.code(), error.reason().unwrap().as_str()),
        (ErrorCode::NeedsReauth, "consent_required")
    );
    assert_eq!(error.parent(), None, "it is this one that somebody signs in to");
    let flow = world.begin("calendar", "alice").await.unwrap();
    let asked = world.called("GetResourceOauth2Token");
    let early = flow.answer(SignInAnswer::Poll).await.unwrap();
    assert!(matches!(early, FlowStatus::Pending { .. }));
    assert_eq!(world.called("GetResourceOauth2Token"), asked, "a poll before its time is not sent");
    world.pass(5);
    let waiting = flow.answer(SignInAnswer::Poll).await.unwrap();
    assert!(matches!(waiting, FlowStatus::Pending { .. }));
    flow.cancel();
    consented(&world, "alice", "alice@calendar").await;
    assert_eq!(world.code("calendar", "bob").await, ErrorCode::NeedsReauth);
    consented(&world, "bob", "bob@calendar").await;
    for (user, uid) in [("alice", "u-alice"), ("bob", "u-bob")] {
        let token = world.ask("calendar", user).await.unwrap();
        assert_eq!(token.account(), account(uid).as_ref());
        let said = world.whoami(&token).await;
        assert_eq!(
            (&said["user"], &said["login"]),
            (&json!(uid), &json!(format!("{user}@calendar")))
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn the_vault_renews_and_gives_the_same_token_after_a_rejection() {
    let world = signed_in(json!({})).await;
    consented(&world, "alice", "alice").await;
    let token = world.ask("calendar", "alice").await.unwrap();
    let tool = world.engine.consumer("tool:web").unwrap();
    let (calendar, alice) = (name("calendar"), member("alice"));
    let rejected = tool.request(&calendar).session(&alice).reject(token.revision().unwrap()).await;
    assert_eq!(rejected.unwrap_err().code(), ErrorCode::Rejected);
    world.pass(3600);
    let renewed = world.ask("calendar", "alice").await.unwrap();
    assert!(!renewed.same_secrets(&token));
    assert_eq!(world.whoami(&renewed).await["user"], "u-alice");
    world.stop().await;
}

#[tokio::test]
async fn a_consent_that_is_denied_ends_the_flow() {
    let world = signed_in(json!({})).await;
    let flow = world.begin("calendar", "alice").await.unwrap();
    world.emulator.browse(&page(&flow), Person::Denies).await.unwrap();
    world.pass(5);
    let error = flow.answer(SignInAnswer::Poll).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FlowEnded);
    world.stop().await;
}

#[tokio::test]
async fn nobody_waits_longer_than_ten_minutes() {
    let world = signed_in(json!({})).await;
    let flow = world.begin("calendar", "alice").await.unwrap();
    world.clock.advance(Duration::from_secs(601));
    let error = flow.answer(SignInAnswer::Poll).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FlowEnded);
    world.stop().await;
}

#[tokio::test]
async fn a_consent_is_asked_for_anew_if_that_is_said() {
    let world = signed_in(json!({})).await;
    consented(&world, "alice", "first").await;
    let again = world.begin("calendar", "alice").await.unwrap();
    assert!(matches!(again.status(), FlowStatus::Done(_)), "the vault has one");
    world.stop().await;
    let world = signed_in(json!({ "consent": "always" })).await;
    consented(&world, "alice", "first").await;
    consented(&world, "alice", "second").await;
    let token = world.ask("calendar", "alice").await.unwrap();
    assert_eq!(world.whoami(&token).await["login"], "second");
    world.stop().await;
}

#[tokio::test]
async fn a_session_is_bound_to_whoever_opened_it() {
    let back = "http://127.0.0.1/return";
    let world = signed_in(json!({ "returnUrl": back })).await;
    let flow = world.begin("calendar", "alice").await.unwrap();
    let home = world.emulator.browse(&page(&flow), Person::Allows("alice")).await.unwrap();
    assert!(home.starts_with(back));
    world.pass(5);
    let unbound = flow.answer(SignInAnswer::Poll).await.unwrap();
    assert!(matches!(unbound, FlowStatus::Pending { .. }), "{unbound:?}");
    let forged = home.replace("state=", "state=x");
    let error = flow.answer(SignInAnswer::Pasted(forged.into())).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict, "the flow waits for the right one");
    assert_eq!(world.called("CompleteResourceTokenAuth"), 0);
    let done = flow.answer(SignInAnswer::Pasted(home.into())).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(_)), "{done:?}");
    assert_eq!(world.called("CompleteResourceTokenAuth"), 1);
    let token = world.ask("calendar", "alice").await.unwrap();
    assert_eq!(world.whoami(&token).await["user"], "u-alice");
    world.stop().await;
}

#[tokio::test]
async fn an_address_of_the_host_s_own_takes_the_code() {
    let back = "http://127.0.0.1:1/vendor";
    let world = signed_in(json!({ "redirectUrl": back, "scopes": ["events.write"] })).await;
    let flow = world.begin("calendar", "alice").await.unwrap();
    assert!(page(&flow).contains("events.write"));
    let home = world.emulator.browse(&page(&flow), Person::Allows("alice")).await.unwrap();
    assert!(home.starts_with(back) && home.contains("code="));
    let forged = home.replace("state=", "state=x");
    let error = flow.answer(SignInAnswer::Pasted(forged.into())).await.unwrap_err();
    assert_eq!((error.code(), world.called("Oauth2Callback")), (ErrorCode::Conflict, 0));
    let done = flow.answer(SignInAnswer::Pasted(home.into())).await.unwrap();
    assert!(matches!(done, FlowStatus::Done(_)), "{done:?}");
    let token = world.ask("calendar", "alice").await.unwrap();
    assert_eq!(token.scopes(), ["events.write"]);
    assert_eq!(world.whoami(&token).await["scopes"], json!(["events.write"]));
    world.stop().await;
}

#[tokio::test]
async fn a_vendor_that_renews_nothing_needs_the_person_again() {
    let world = signed_in(json!({})).await;
    consented(&world, "alice", "alice").await;
    world.ask("calendar", "alice").await.unwrap();
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().oauth_providers[0].not_renewable = true;
    });
    world.pass(3600);
    assert_eq!(world.code("calendar", "alice").await, ErrorCode::NeedsReauth);
    consented(&world, "alice", "alice").await;
    assert!(world.ask("calendar", "alice").await.is_ok());
    world.stop().await;
}
