//! Workload tokens.

use credential_provider_api::Clock as _;
use credential_provider_api::{
    ErrorCode, ExposeSecret as _, GrantStore as _, Origin, OutgoingRequest, Variant,
};
use serde_json::{Value, json};
use volcengine_provider::emulator::Failure;

use crate::world::{ACCOUNT, CALLBACK, Host, World, account, member, name};

const EXCHANGE: &str = "GetWorkloadAccessTokenForJWT";

async fn granted(workload: Value) -> World {
    let mut settings = json!({ "workload": { "grantedTo": "consumers" } });
    for (name, value) in workload.as_object().unwrap() {
        settings["workload"][name] = value.clone();
    }
    let world = Host::with(settings).start().await;
    world.sign_in("alice").await;
    world
}

#[tokio::test]
async fn a_token_says_who_acts_for_whom_and_goes_into_its_header() {
    let world = granted(json!({ "audience": ["https://a.example"], "origins": ["{url}"] })).await;
    let token = world.ask("workload-token", "alice").await.unwrap();
    assert_eq!(token.account(), account("u-alice").as_ref());
    assert_eq!(token.property("actors"), Some(r#"["openclaw-agent"]"#));
    assert_eq!(token.property("workload"), Some("openclaw-agent"));
    assert_eq!(token.property("pool"), Some("default"));
    assert_eq!(token.property("audience"), Some("https://a.example"));
    let issuer = world.emulator.workload_issuer("wp-default");
    assert_eq!(token.property("issuer"), Some(issuer.as_str()));
    let origin = Origin::parse(&world.emulator.url()).unwrap();
    let request = OutgoingRequest::new("GET", &origin, "/");
    let added = token.authorize(&request, world.clock.now()).unwrap();
    assert_eq!(added.headers[0].0, "X-Ve-TIP-Token");
    assert!(added.headers[0].1.expose_secret().starts_with("ey"));
    world.stop().await;
}

#[tokio::test]
async fn promise_5_pools_workloads_and_audiences_do_not_share_a_token() {
    let world = granted(json!({})).await;
    let variants = [
        Variant::none(),
        Variant::builder().audience("https://a.example").build().unwrap(),
        Variant::builder().parameter("workload", "writer").build().unwrap(),
        Variant::builder().parameter("pool", "eager").build().unwrap(),
    ];
    let mut tokens = Vec::new();
    for variant in &variants {
        let token = world.ask_for("workload-token", "alice", variant).await.unwrap();
        tokens.push(token.secret().unwrap().expose_secret().to_owned());
        assert_eq!(
            token.property("pool"),
            Some(&*variant.get("pool").unwrap_or_else(|| "default".into()))
        );
        let workload = variant.get("workload").unwrap_or_else(|| "openclaw-agent".into());
        assert_eq!(token.property("workload"), Some(&*workload));
    }
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), variants.len());
    assert_eq!(world.emulator.counters().outcome(EXCHANGE, "ok"), 4);
    world.stop().await;
}

#[tokio::test]
async fn promise_5_a_variant_s_account_is_the_one_that_is_signed_in() {
    let world = granted(json!({})).await;
    let of = |account: &str| Variant::builder().account(account).build().unwrap();
    let error = world.ask_for("search", "alice", &of("u-bob")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccountMismatch);
    assert_eq!(world.called(EXCHANGE), 0);
    assert!(world.ask_for("search", "alice", &of("u-alice")).await.is_ok());
    world.stop().await;
}

#[tokio::test]
async fn a_workload_that_is_not_there_is_created_once() {
    let world = granted(json!({ "name": "fresh" })).await;
    world.ask("workload-token", "alice").await.unwrap();
    world.sign_in("bob").await;
    world.ask("workload-token", "bob").await.unwrap();
    assert_eq!(world.called("CreateWorkloadIdentity"), 1);
    let state = world.emulator.state();
    let made = state.accounts[0].workload_identities.iter().find(|one| one.name == "fresh");
    assert_eq!(made.unwrap().category, "Agent");
    world.stop().await;
}

#[tokio::test]
async fn one_that_somebody_else_creates_meanwhile_is_used() {
    let world = granted(json!({})).await;
    world.emulator.fail(Failure::new(EXCHANGE, 404, "NotFound.WorkloadIdentity", 1));
    world.ask("workload-token", "alice").await.unwrap();
    assert_eq!(world.emulator.counters().outcome("CreateWorkloadIdentity", "ok"), 0);
    assert_eq!(world.called("CreateWorkloadIdentity"), 1);
    world.stop().await;
}

#[tokio::test]
async fn nothing_is_created_for_another_404_or_where_that_is_switched_off() {
    let world = granted(json!({})).await;
    for code in ["ServiceNotFound", "InvalidActionOrVersion"] {
        world.emulator.fail(Failure::new(EXCHANGE, 404, code, 1));
        assert_eq!(world.code("workload-token", "alice").await, ErrorCode::Unsupported);
        world.pass(3600);
    }
    assert_eq!(world.called("CreateWorkloadIdentity"), 0);
    world.stop().await;
    let world = granted(json!({ "name": "fresh", "autoCreate": false })).await;
    assert_eq!(world.code("workload-token", "alice").await, ErrorCode::CredentialNotFound);
    assert_eq!(world.called("CreateWorkloadIdentity"), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_404_about_something_else_creates_no_workload() {
    let world = granted(json!({})).await;
    for code in ["NotFound.User", "NotFound.UserPool", "NotFound.WorkloadPool"] {
        world.emulator.fail(Failure::new(EXCHANGE, 404, code, 1));
        assert_eq!(
            world.code("workload-token", "alice").await,
            ErrorCode::CredentialNotFound,
            "{code}"
        );
        world.pass(3600);
    }
    assert_eq!(world.called("CreateWorkloadIdentity"), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_workload_pool_that_is_not_there_creates_no_workload() {
    let world = granted(json!({ "poolName": "nowhere" })).await;
    assert_eq!(world.code("search", "alice").await, ErrorCode::CredentialNotFound);
    assert_eq!(world.called("CreateWorkloadIdentity"), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_role_s_own_workload_is_asked_for_without_a_name() {
    let settings = json!({ "roleTrn": format!("trn:iam::{ACCOUNT}:role/agent"),
        "workload": { "grantedTo": "consumers" } });
    let world = Host::with(settings).start().await;
    world.sign_in("alice").await;
    let token = world.ask("workload-token", "alice").await.unwrap();
    assert_eq!(token.property("workload"), Some("agent"));
    assert_eq!(world.called("CreateWorkloadIdentity"), 0);
    world.stop().await;
}

#[tokio::test]
async fn promise_3_a_token_ends_with_the_user_s_whatever_the_pool_allows() {
    let mut host = Host::with(json!({ "workload": { "grantedTo": "consumers",
        "durationSeconds": 7200 } }));
    host.state.account_mut(ACCOUNT).unwrap().workload_pools[0].outlives_user_token = true;
    let world = host.start().await;
    world.sign_in("alice").await;
    world.pass(600);
    let token = world.ask("workload-token", "alice").await.unwrap();
    let left = world.clock.now().until(token.expires_at().unwrap());
    assert_eq!(left.as_secs(), 3000);
    world.stop().await;
}

#[tokio::test]
async fn promise_6_workload_tokens_are_in_no_store() {
    let world = granted(json!({})).await;
    world.ask("search", "alice").await.unwrap();
    let kept = world.store.list().await.unwrap();
    let names: Vec<String> = kept.iter().map(|key| key.reference().to_string()).collect();
    assert_eq!(names, ["volc/identity"]);
    world.stop().await;
}

#[tokio::test]
async fn a_user_s_token_that_the_service_refuses_is_renewed_once() {
    let world = granted(json!({})).await;
    world.emulator.fail(Failure::new(EXCHANGE, 400, "InvalidParameter.UserToken", 1));
    // Another token is another text only in another second.
    world.pass(5);
    world.ask("workload-token", "alice").await.unwrap();
    assert_eq!(world.called(EXCHANGE), 2);
    world.emulator.fail(Failure::new(EXCHANGE, 400, "InvalidParameter.UserToken", 10));
    world.pass(3600);
    // In the same second the issuer gives the same token again: there is no other.
    let code = world.code("workload-token", "alice").await;
    assert_eq!(code, ErrorCode::Rejected);
    assert!(world.called(EXCHANGE) <= 4, "{}", world.called(EXCHANGE));
    world.stop().await;
}

#[tokio::test]
async fn a_workload_that_was_deleted_comes_back_with_the_next_key() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    world.ask("search", "alice").await.unwrap();
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().workload_identities.clear();
    });
    world.ask("key/search", "alice").await.unwrap();
    assert_eq!(world.called("CreateWorkloadIdentity"), 1);
    world.stop().await;
}

#[tokio::test]
async fn a_check_says_who_acts_for_whom() {
    let world = granted(json!({})).await;
    world.ask("workload-token", "alice").await.unwrap();
    let at = world.engine.administrator().at(&name("workload-token")).session(&member("alice"));
    let health = at.check().await.unwrap();
    let said = health.detail.as_str();
    assert!(said.contains("openclaw-agent") && said.contains("u-alice"), "{said}");
    world.stop().await;
}

#[tokio::test]
async fn promise_5_another_person_in_the_same_session_starts_anew() {
    let world = granted(json!({})).await;
    world.ask("search", "alice").await.unwrap();
    let at = world.engine.administrator().at(&name("identity")).session(&member("alice"));
    let flow = at.sign_in().redirect_uri(CALLBACK).start().await.unwrap();
    let person = volcengine_provider::emulator::Person::Allows("bob");
    let back = world.emulator.browse(&crate::world::page(&flow), person).await.unwrap();
    let answer = credential_provider_api::SignInAnswer::Pasted(back.into());
    flow.answer(answer).await.unwrap();
    flow.confirm_account().await.unwrap();
    let key = world.ask("search", "alice").await.unwrap();
    assert_eq!(key.account(), account("u-bob").as_ref());
    world.stop().await;
}
