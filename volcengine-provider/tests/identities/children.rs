//! Sessions that were started by others: sub-agents.

use credential_provider_api::{EffectiveSession, ErrorCode, Variant};
use serde_json::{Value, json};

use crate::world::{Host, World, account, member, name};

const EXCHANGE: &str = "GetWorkloadAccessTokenForJWT";

fn derive() -> Value {
    json!([{ "consumer": "provider:volc", "credential": "volc/workload-token", "effect": "derive" }])
}

async fn start(children: &str, rules: Value) -> World {
    let workload = json!({ "grantedTo": "consumers", "childSessions": children });
    let mut host = Host::with(json!({ "workload": workload }));
    host.rules = rules;
    let world = host.start().await;
    world.sign_in("alice").await;
    world
}

fn child() -> EffectiveSession {
    member("alice").child("subagent:1").unwrap()
}

async fn ask(
    world: &World,
    id: &str,
    session: &EffectiveSession,
    workload: &str,
) -> Result<std::sync::Arc<credential_provider_api::Credential>, ErrorCode> {
    let tool = world.engine.consumer("tool:web").unwrap();
    let variant = Variant::builder().parameter("workload", workload).build().unwrap();
    let asked = tool.request(&name(id)).session(session).variant(&variant).await;
    asked.map_err(|error| error.code())
}

#[tokio::test]
async fn a_child_s_token_is_made_of_its_parent_s_and_says_so() {
    let world = start("exchange", derive()).await;
    let token = ask(&world, "workload-token", &child(), "writer").await.unwrap();
    assert_eq!(token.account(), account("u-alice").as_ref());
    assert_eq!(token.property("actors"), Some(r#"["writer","openclaw-agent"]"#));
    let below = child().child("subagent:2").unwrap();
    let token = ask(&world, "workload-token", &below, "reviewer").await.unwrap();
    assert_eq!(token.property("actors"), Some(r#"["reviewer","writer","openclaw-agent"]"#));
    let parents = world.ask("workload-token", "alice").await.unwrap();
    assert_eq!(parents.property("actors"), Some(r#"["openclaw-agent"]"#));
    assert!(ask(&world, "search", &child(), "writer").await.is_ok());
    world.stop().await;
}

#[tokio::test]
async fn promise_5_a_child_has_nothing_of_its_parent_s_unless_configuration_and_rules_say_so() {
    for (children, rules, code) in [
        ("own_identity", derive(), ErrorCode::NeedsReauth),
        ("exchange", json!([]), ErrorCode::AccessDenied),
    ] {
        let world = start(children, rules).await;
        world.ask("search", "alice").await.unwrap();
        let calls = world.called(EXCHANGE);
        assert_eq!(ask(&world, "search", &child(), "writer").await.unwrap_err(), code);
        assert_eq!(world.called(EXCHANGE), calls);
        world.stop().await;
    }
}

#[tokio::test]
async fn promise_4_a_child_s_token_ends_with_its_parent_s_sign_in_and_session() {
    let world = start("exchange", derive()).await;
    ask(&world, "search", &child(), "writer").await.unwrap();
    let at = world.engine.administrator().at(&name("identity")).session(&member("alice"));
    at.sign_out().await.unwrap();
    for id in ["search", "workload-token"] {
        let code = ask(&world, id, &child(), "writer").await.unwrap_err();
        assert_eq!(code, ErrorCode::NeedsReauth, "{id}");
    }
    world.sign_in("alice").await;
    ask(&world, "search", &child(), "writer").await.unwrap();
    let exchanged = world.called(EXCHANGE);
    world.engine.administrator().end_session(&member("alice")).await;
    // Whoever has the session's name again begins anew.
    ask(&world, "search", &child(), "writer").await.unwrap();
    assert!(world.called(EXCHANGE) >= exchanged + 2);
    world.stop().await;
}

#[tokio::test]
async fn a_grandchild_s_chain_names_the_workload_of_its_parent() {
    let world = start("exchange", derive()).await;
    let below = child().child("subagent:2").unwrap();
    let lowest = below.child("subagent:3").unwrap();
    for (session, workload, chain) in [
        (&child(), "writer", r#"["writer","openclaw-agent"]"#),
        (&below, "reviewer", r#"["reviewer","writer","openclaw-agent"]"#),
        (&lowest, "reader", r#"["reader","reviewer","writer","openclaw-agent"]"#),
    ] {
        let token = ask(&world, "workload-token", session, workload).await.unwrap();
        assert_eq!(token.property("actors"), Some(chain));
    }
    // When all of them have ended it is still so.
    world.pass(3700);
    let token = ask(&world, "workload-token", &lowest, "reader").await.unwrap();
    let chain = r#"["reader","reviewer","writer","openclaw-agent"]"#;
    assert_eq!(token.property("actors"), Some(chain));
    world.stop().await;
}

#[tokio::test]
async fn a_variant_may_say_as_which_workload_the_parent_acts() {
    let world = start("exchange", derive()).await;
    let tool = world.engine.consumer("tool:web").unwrap();
    let token = name("workload-token");
    let below = child().child("subagent:2").unwrap();
    ask(&world, "workload-token", &child(), "writer").await.unwrap();
    let variant =
        Variant::builder().parameter("workload", "reviewer").parameter("parent", "editor");
    let variant = variant.build().unwrap();
    let made = tool.request(&token).session(&below).variant(&variant).await.unwrap();
    let chain = r#"["reviewer","editor","openclaw-agent"]"#;
    assert_eq!(made.property("actors"), Some(chain));
    // Nobody started this one.
    let asked = tool.request(&token).session(&member("alice")).variant(&variant).await;
    assert_eq!(asked.unwrap_err().code(), ErrorCode::Unsupported);
    world.stop().await;
}
