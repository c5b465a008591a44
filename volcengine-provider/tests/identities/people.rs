//! Signing in through a user pool.

use credential_provider_api::{ErrorCode, Revocation};
use resolution_engine::FlowStatus;
use serde_json::json;
use volcengine_provider::emulator::state::{UserPool, UserPoolClient};
use volcengine_provider::emulator::{Failure, Person};

use crate::world::{ACCOUNT, CALLBACK, Host, account, member, name, page};

fn names(callback: &str) -> serde_json::Value {
    json!({ "userPool": { "name": "people", "clientName": "gateway", "callbackUrl": callback } })
}

#[tokio::test]
async fn somebody_signs_in_by_names_and_uses_a_key_of_their_own() {
    let world = Host::default().start().await;
    let error = world.ask("search", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReauth);
    assert_eq!(error.parent(), Some(&name("identity")));
    world.sign_in("alice").await;
    // The first identity provider that is not switched off, without anybody having said so.
    assert_eq!(world.emulator.counters().sign_ins, ["people gateway alice staff"]);
    let key = world.ask("search", "alice").await.unwrap();
    assert_eq!(key.account(), account("u-alice").as_ref());
    assert_eq!(world.whoami(&key).await["provider"], "search");
    world.stop().await;
}

#[tokio::test]
async fn promise_5_two_members_of_one_group_have_their_own_only() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    assert_eq!(world.code("search", "bob").await, ErrorCode::NeedsReauth);
    world.sign_in("bob").await;
    for (user, uid) in [("alice", "u-alice"), ("bob", "u-bob")] {
        let key = world.ask("search", user).await.unwrap();
        assert_eq!(key.account(), account(uid).as_ref());
    }
    world.stop().await;
}

#[tokio::test]
async fn promise_8_identities_and_workload_tokens_are_for_providers() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    for id in ["identity", "workload-token", "user-pool", "platform"] {
        assert_eq!(world.code(id, "alice").await, ErrorCode::AccessDenied, "{id}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_pool_is_the_one_of_exactly_that_name_on_whatever_page() {
    let mut host = Host::default();
    let pools = &mut host.state.account_mut(ACCOUNT).unwrap().user_pools;
    for number in 0..120 {
        let mut other = UserPool::default();
        other.name = format!("people-{number}");
        other.uid = format!("other-{number}");
        pools.insert(0, other);
    }
    let clients = &mut pools.last_mut().unwrap().clients;
    for number in 0..60 {
        let mut other = UserPoolClient::default();
        other.name = format!("gateway-{number}");
        other.uid = format!("client-{number}");
        clients.insert(0, other);
    }
    let world = host.start().await;
    world.sign_in("alice").await;
    assert_eq!(world.emulator.counters().sign_ins, ["people gateway alice staff"]);
    assert_eq!((world.called("ListUserPools"), world.called("ListUserPoolClients")), (3, 2));
    assert_eq!(world.called("CreateUserPool") + world.called("UpdateUserPoolClient"), 0);
    world.stop().await;
}

#[tokio::test]
async fn promise_5_two_pools_of_one_name_are_an_error() {
    let mut host = Host::default();
    let mut other = UserPool::default();
    (other.name, other.uid) = ("people".into(), "impostor".into());
    host.state.account_mut(ACCOUNT).unwrap().user_pools.insert(0, other);
    let world = host.start().await;
    let error = world.begin("identity", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    world.stop().await;
}

#[tokio::test]
async fn a_callback_is_added_to_what_the_client_has() {
    let mine = "http://127.0.0.1:8443/identity/oauth/callback";
    let world = Host::with(names(mine)).start().await;
    let before = |world: &crate::world::World| {
        let state = world.emulator.state();
        state.accounts[0].user_pools[0]
            .clients
            .iter()
            .find(|one| one.uid == "gateway-web")
            .unwrap()
            .clone()
    };
    world.emulator.change(|state| {
        let pools = &mut state.account_mut(ACCOUNT).unwrap().user_pools;
        let client = &mut pools[0].clients[0];
        client.allowed_cors = vec!["https://cors.example".into()];
        client.allowed_logout_urls = vec!["https://out.example".into()];
        client.allowed_web_origins = vec!["https://web.example".into()];
        client.id_token.lifetime_seconds = 1234;
    });
    let was = before(&world);
    world.begin("identity", "alice").await.unwrap();
    world.begin("identity", "bob").await.unwrap();
    let is = before(&world);
    assert_eq!(is.allowed_callback_urls, [CALLBACK, mine]);
    assert_eq!(is.allowed_cors, was.allowed_cors);
    assert_eq!(is.allowed_logout_urls, was.allowed_logout_urls);
    assert_eq!(is.allowed_web_origins, was.allowed_web_origins);
    assert_eq!(is.id_token.lifetime_seconds, 1234);
    assert!(is.refresh_token.rotation);
    assert_eq!(world.called("UpdateUserPoolClient"), 1, "one lookup serves everybody");
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_created_unless_that_is_switched_off() {
    let user_pool = |create| {
        json!({ "userPool": { "name": "new", "clientName": "made", "callbackUrl": CALLBACK,
            "autoCreate": create } })
    };
    let world = Host::with(user_pool(false)).start().await;
    let error = world.begin("identity", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    assert_eq!(world.called("CreateUserPool"), 0);
    world.stop().await;
    let world = Host::with(user_pool(true)).start().await;
    let flow = world.begin("identity", "alice").await.unwrap();
    assert!(page(&flow).contains("code_challenge_method=S256"));
    let state = world.emulator.state();
    let made = state.accounts[0].user_pools.iter().find(|pool| pool.name == "new").unwrap();
    assert!(!made.self_sign_up_enabled && made.self_account_recovery_enabled);
    assert_eq!(made.clients[0].allowed_callback_urls, [CALLBACK]);
    world.stop().await;
}

#[tokio::test]
async fn a_user_pool_that_is_renamed_is_not_replaced() {
    let renamed: [fn(&mut UserPool); 2] =
        [|pool| pool.name = "folk".into(), |pool| pool.clients[0].name = "entrance".into()];
    for rename in renamed {
        let world = Host::default().start().await;
        world.sign_in("alice").await;
        world.emulator.change(|state| {
            rename(&mut state.account_mut(ACCOUNT).unwrap().user_pools[0]);
        });
        world.engine.administrator().at(&name("user-pool")).invalidate().unwrap();
        world.pass(3700);
        assert_eq!(world.code("search", "alice").await, ErrorCode::NotConfigured);
        let error = world.begin("identity", "bob").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotConfigured);
        assert!(error.detail().contains("sign them out"), "{}", error.detail());
        let created = ["CreateUserPool", "CreateUserPoolClient"].map(|call| world.called(call));
        assert_eq!(created, [0, 0]);
        // With nobody signed in there is nothing that a new one takes the place of.
        let at = world.engine.administrator().at(&name("identity")).session(&member("alice"));
        at.sign_out().await.unwrap();
        world.pass(60);
        assert!(world.begin("identity", "bob").await.is_ok());
        world.stop().await;
    }
}

#[tokio::test]
async fn an_issuer_that_is_said_is_asked_without_any_call() {
    for suffix in ["", "/.well-known/openid-configuration"] {
        let settings = json!({ "userPool": {
            "discoveryUrl": format!("{{url}}/userpool/people{suffix}"), "clientId": "gateway-web",
            "clientSecret": "gateway-client-example-secret", "callbackUrl": CALLBACK,
            "identityProvider": "staff",
        } });
        let world = Host::with(settings).start().await;
        world.sign_in("alice").await;
        assert_eq!(world.emulator.counters().sign_ins, ["people gateway alice staff"]);
        assert_eq!(world.called("ListUserPools"), 0);
        assert_eq!(
            world.ask("search", "alice").await.unwrap().account(),
            account("u-alice").as_ref()
        );
        world.stop().await;
    }
}

#[tokio::test]
async fn an_identity_is_renewed_without_anybody_seeing_it() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    for _ in 0..3 {
        world.pass(3700);
        let key = world.ask("search", "alice").await.unwrap();
        assert_eq!(key.account(), account("u-alice").as_ref());
    }
    assert_eq!(world.emulator.counters().sign_ins.len(), 1);
    let renewed = world.emulator.counters().pages["POST /userpool/people/oauth/token"];
    assert!(renewed >= 4, "{renewed}");
    world.stop().await;
}

#[tokio::test]
async fn promise_4_signing_out_ends_what_was_derived_and_revokes_at_the_issuer() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    world.sign_in("bob").await;
    world.ask("search", "alice").await.unwrap();
    let at = world.engine.administrator().at(&name("identity")).session(&member("alice"));
    assert_eq!(at.sign_out().await.unwrap(), Revocation::Remote);
    assert_eq!(world.code("search", "alice").await, ErrorCode::NeedsReauth);
    assert_eq!(world.emulator.counters().pages["POST /userpool/people/oauth/revoke"], 1);
    assert!(world.ask("search", "bob").await.is_ok());
    world.sign_in("alice").await;
    assert!(world.ask("search", "alice").await.is_ok());
    world.stop().await;
}

#[tokio::test]
async fn signing_out_works_here_when_the_service_does_not() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    let platform = world.engine.administrator().at(&name("user-pool"));
    platform.invalidate().unwrap();
    world.emulator.fail(Failure::new("*", 403, "AccessDenied", 100));
    let at = world.engine.administrator().at(&name("identity")).session(&member("alice"));
    assert_eq!(at.sign_out().await.unwrap(), Revocation::LocalOnly);
    use credential_provider_api::GrantStore as _;
    let key = credential_provider_api::Key::new(
        &name("identity"),
        Some(member("alice")),
        credential_provider_api::Variant::none(),
    );
    assert!(
        world.store.load(&key).await.unwrap().record.is_none_or(|record| record.grant.is_none())
    );
    world.stop().await;
}

#[tokio::test]
async fn a_user_who_is_disabled_gets_nothing_more() {
    let world = Host::default().start().await;
    world.sign_in("alice").await;
    world.ask("search", "alice").await.unwrap();
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().user_pools[0].users[0].disabled = true;
    });
    world.pass(3700);
    let error = world.ask("search", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReauth);
    assert_eq!(error.reason().unwrap().as_str(), "grant_rejected");
    world.stop().await;
}

#[tokio::test]
async fn somebody_who_says_no_is_not_signed_in() {
    let world = Host::default().start().await;
    let flow = world.begin("identity", "alice").await.unwrap();
    let back = world.emulator.browse(&page(&flow), Person::Denies).await.unwrap();
    let answered = flow.answer(credential_provider_api::SignInAnswer::Pasted(back.into())).await;
    assert!(answered.is_err());
    assert!(matches!(flow.status(), FlowStatus::Failed(_)));
    assert_eq!(world.code("search", "alice").await, ErrorCode::NeedsReauth);
    world.stop().await;
}

#[tokio::test]
async fn one_login_for_the_whole_gateway_if_that_is_said() {
    let settings = json!({ "userPool": { "name": "people", "clientName": "gateway",
        "callbackUrl": CALLBACK, "owner": "gateway" } });
    let world = Host::with(settings).start().await;
    world.sign_in("alice").await;
    assert_eq!(world.ask("search", "bob").await.unwrap().account(), account("u-alice").as_ref());
    world.stop().await;
}
