//! Hosted OAuth 2.0 tokens.

use serde_json::{Value, json};
use volcengine_provider::emulator::{EmulatorError, Person};

use crate::wire::send;
use crate::world::{ACCOUNT, World, refused, text};

const ASK: &str = "GetResourceOauth2Token";

fn calendar(tip: &str) -> Value {
    json!({ "IdentityToken": tip, "ProviderName": "calendar" })
}

async fn whoami(world: &World, token: &str) -> Option<Value> {
    let headers = [("authorization", format!("Bearer {token}"))];
    let answer = send(world.emulator.address(), "GET", "/resource/whoami", &headers, "").await?;
    (answer.status == 200).then(|| answer.json())
}

/// Consents as `login`, and the token that follows.
async fn consented(world: &World, tip: &str, login: &str) -> String {
    let step = world.call(ASK, calendar(tip)).await.unwrap();
    let page = text(&step, "AuthorizationUrl");
    let end = world.emulator.browse(&page, Person::Allows(login)).await.unwrap();
    assert!(end.starts_with(&format!("{}/api/v1/oauth2callback?code=", world.emulator.url())));
    text(&world.call(ASK, calendar(tip)).await.unwrap(), "AccessToken")
}

#[tokio::test]
async fn a_consent_gives_its_own_user_a_token_and_nobody_else() {
    let world = World::new().await;
    let (alice, bob) = (world.tip("alice").await, world.tip("bob").await);
    let first = consented(&world, &alice, "alice@calendar").await;
    assert!(world.call(ASK, calendar(&bob)).await.unwrap().get("AccessToken").is_none());
    let second = consented(&world, &bob, "bob@calendar").await;
    assert_ne!(first, second);
    let (one, other) =
        (whoami(&world, &first).await.unwrap(), whoami(&world, &second).await.unwrap());
    assert_eq!((&one["user"], &one["login"]), (&json!("u-alice"), &json!("alice@calendar")));
    assert_eq!((&other["user"], &other["login"]), (&json!("u-bob"), &json!("bob@calendar")));
}

#[tokio::test]
async fn the_vault_renews_unless_the_vendor_cannot() {
    let world = World::new().await;
    let first = consented(&world, &world.tip("alice").await, "alice").await;
    assert_eq!(
        world.call(ASK, calendar(&world.tip("alice").await)).await.unwrap()["AccessToken"],
        first
    );
    world.pass(3600);
    assert!(whoami(&world, &first).await.is_none());
    let answer = world.call(ASK, calendar(&world.tip("alice").await)).await.unwrap();
    let second = text(&answer, "AccessToken");
    assert!(second != first && answer["ExpiresIn"] == 3600);
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().oauth_providers[0].not_renewable = true;
    });
    world.pass(3600);
    let answer = world.call(ASK, calendar(&world.tip("alice").await)).await.unwrap();
    assert!(answer.get("AuthorizationUrl").is_some() && answer.get("AccessToken").is_none());
}

#[tokio::test]
async fn a_forced_consent_replaces_the_one_there_was() {
    let world = World::new().await;
    let tip = world.tip("alice").await;
    let first = consented(&world, &tip, "alice").await;
    let mut forced = calendar(&tip);
    forced["ForceAuthentication"] = json!(true);
    let step = world.call(ASK, forced).await.unwrap();
    assert!(world.call(ASK, calendar(&tip)).await.unwrap().get("AccessToken").is_none());
    assert!(whoami(&world, &first).await.is_none());
    let page = text(&step, "AuthorizationUrl");
    world.emulator.browse(&page, Person::Allows("other")).await.unwrap();
    let token = text(&world.call(ASK, calendar(&tip)).await.unwrap(), "AccessToken");
    assert_eq!(whoami(&world, &token).await.unwrap()["login"], "other");
}

#[tokio::test]
async fn no_consent_and_an_old_page_give_nothing() {
    let world = World::new().await;
    let tip = world.tip("alice").await;
    let page = text(&world.call(ASK, calendar(&tip)).await.unwrap(), "AuthorizationUrl");
    world.emulator.browse(&page, Person::Denies).await.unwrap();
    let step = world.call(ASK, calendar(&tip)).await.unwrap();
    let other = text(&step, "AuthorizationUrl");
    assert_ne!(page, other);
    world.pass(600);
    let late = world.emulator.browse(&other, Person::Allows("alice")).await;
    assert!(matches!(late, Err(EmulatorError::Page(400))), "{late:?}");
}

#[tokio::test]
async fn a_session_counts_once_it_is_bound_to_its_own_user() {
    let world = World::new().await;
    let tip = world.tip("alice").await;
    let mut asked = calendar(&tip);
    asked["ResourceOauth2ReturnUrl"] = json!("http://127.0.0.1/return");
    asked["CustomState"] = json!("mine");
    let step = world.call(ASK, asked.clone()).await.unwrap();
    let page = text(&step, "AuthorizationUrl");
    let home = world.emulator.browse(&page, Person::Allows("alice")).await.unwrap();
    assert!(
        home.starts_with("http://127.0.0.1/return?session_uri=") && home.ends_with("&state=mine")
    );
    assert!(world.call(ASK, asked.clone()).await.unwrap().get("AccessToken").is_none());
    let complete = |user: &str| json!({ "SessionUri": text(&step, "SessionUri"), "UserIdentifier": { "UserToken": world.id_token(user) } });
    let other = world.call("CompleteResourceTokenAuth", complete("bob")).await;
    assert_eq!(other, Err(refused(403, "AccessDenied")));
    assert_eq!(world.call("CompleteResourceTokenAuth", complete("alice")).await, Ok(json!({})));
    assert!(world.call(ASK, asked).await.unwrap().get("AccessToken").is_some());
}

#[tokio::test]
async fn a_machine_needs_nobody_s_consent() {
    let world = World::new().await;
    let asked = json!({ "IdentityToken": world.tip("bob").await, "ProviderName": "reports", "Flow": "M2M" });
    let token = text(&world.call(ASK, asked.clone()).await.unwrap(), "AccessToken");
    assert_eq!(whoami(&world, &token).await.unwrap()["login"], "reports-client");
    world.call("DeleteOauth2CredentialProvider", json!({ "Name": "reports" })).await.unwrap();
    assert!(whoami(&world, &token).await.is_none());
    assert_eq!(world.call(ASK, asked).await, Err(refused(404, "NotFound.CredentialProvider")));
}
