//! Registration (RFC 7591): once among processes, remembered, and forgotten when the issuer has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::http::Reply;
use common::mcp::{HOME, McpWorld, query, reason, token};
use credential_provider_api::*;
use futures::future::join_all;
use oauth_provider::callback;
use serde_json::{Value, json};

const LOOPBACK: &str = "http://127.0.0.1:4000/callback";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_1_processes_on_one_store_register_once_and_a_restart_not_again() {
    let world = Arc::new(McpWorld::new().await);
    let opened = (0..8).map(|number| {
        let world = world.clone();
        tokio::spawn(async move {
            let request = world.request(&format!("s{number}"));
            let (_, page) = world.open(&world.provider(), &request).await.unwrap();
            query(&page)["client_id"].clone()
        })
    });
    let clients: Vec<String> = join_all(opened).await.into_iter().map(Result::unwrap).collect();
    assert!(clients.iter().all(|client| *client == clients[0]), "{clients:?}");
    let (_, page) = world.open(&world.provider(), &world.request("later")).await.unwrap();
    assert_eq!(query(&page)["client_id"], clients[0]);
    assert_eq!(world.issuer.count("/register"), 1);
}

#[tokio::test]
async fn a_client_says_what_rfc_7591_and_mcp_ask_for() {
    let world = McpWorld::new().await;
    let provider = world.built(world.builder().client_name("The Gateway"));
    for (home, kind) in [(HOME, "web"), (LOOPBACK, "native")] {
        world.issuer.state().calls.clear();
        world.open_at(&provider, &world.request("s"), home).await.unwrap();
        let calls = world.issuer.state().calls.clone();
        let sent = calls.iter().find(|call| call.starts_with("/register ")).unwrap();
        let body = sent.strip_prefix("/register ").unwrap().strip_suffix(" -").unwrap();
        let expected = json!({
            "client_name": "The Gateway", "redirect_uris": [home],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none", "application_type": kind,
        });
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
    }
    world.issuer.says(|m| m["grant_types_supported"] = json!(["authorization_code"]));
    let elsewhere = "https://host.example/other";
    world.open_at(&provider, &world.request("s"), elsewhere).await.unwrap();
    assert_eq!(world.issuer.count("refresh_token"), 1, "not where the issuer knows none");
}

#[tokio::test]
async fn the_issuers_way_of_authentication_is_taken() {
    for (offered, given, header, form) in [
        (json!(["client_secret_basic", "none"]), Value::Null, 0, 0),
        (json!(["client_secret_post", "client_secret_basic"]), Value::Null, 2, 0),
        (json!(["client_secret_post"]), Value::Null, 0, 2),
        (Value::Null, Value::Null, 2, 0),
        // It registers another way than it was asked for.
        (json!(["client_secret_basic"]), json!("client_secret_post"), 0, 2),
        (json!(["none"]), json!("client_secret_basic"), 2, 0),
    ] {
        let world = McpWorld::new().await;
        let shown = format!("{offered} {given}");
        world.issuer.says(move |m| m["token_endpoint_auth_methods_supported"] = offered.clone());
        if given != Value::Null {
            world.issuer.state().registered = Some(Arc::new(move |answer| {
                answer["token_endpoint_auth_method"] = given.clone();
                answer["client_secret"] = json!("cs-canary-secret-given");
            }));
        }
        let (provider, request) = (world.provider(), world.request("s"));
        world.sign_in(&provider, &request).await.unwrap();
        world.pass(301);
        // Another process has only what was remembered.
        token(&world.provider(), &request).await.unwrap();
        assert_eq!(world.issuer.count(":cs-canary-secret"), header, "{shown}");
        assert_eq!(world.issuer.count("client_secret=cs-canary-secret"), form, "{shown}");
    }
}

#[tokio::test]
async fn a_registration_is_for_a_place_to_come_back_to() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let [alice, bob] = ["alice", "bob"].map(|name| world.request(name));
    let (state, page) = world.open_at(&provider, &alice, LOOPBACK).await.unwrap();
    world.agree(&provider, &alice, state, &world.issuer.consent(&page)).await.unwrap();
    // Any port of loopback is the same place (RFC 8252 §7.3).
    world.open_at(&provider, &bob, "http://127.0.0.1:5000/callback").await.unwrap();
    assert_eq!(world.issuer.count("/register"), 1);
    world.sign_in(&provider, &bob).await.unwrap();
    assert_eq!(world.issuer.count("/register"), 2, "{HOME} is another");
    // Each login goes on with its own client, in another process too.
    world.pass(301);
    for provider in [&provider, &world.provider()] {
        token(provider, &alice).await.unwrap();
        token(provider, &bob).await.unwrap();
    }
    assert_eq!(world.issuer.count("grant_type=refresh_token"), 2);
}

/// The issuer loses its clients.
fn loses_clients(world: &McpWorld) {
    world.issuer.state().clients.clear();
}

#[tokio::test]
async fn a_client_that_is_forgotten_at_a_renewal_is_registered_anew_by_the_next_sign_in() {
    let world = McpWorld::new().await;
    let (provider, request) = (world.provider(), world.request("s"));
    world.sign_in(&provider, &request).await.unwrap();
    loses_clients(&world);
    world.pass(301);
    for asked in [&provider, &provider, &world.provider()] {
        let error = token(asked, &request).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth, "{error}");
    }
    assert_eq!(world.issuer.count("grant_type=refresh_token"), 1, "the issuer is asked once");
    world.sign_in(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.count("/register"), 2);
    world.pass(301);
    token(&provider, &request).await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_forgotten_during_a_sign_in_ends_it() {
    for at_page in [true, false] {
        let world = McpWorld::new().await;
        let (provider, request) = (world.provider(), world.request("s"));
        let (state, page) = world.open(&provider, &request).await.unwrap();
        let good = world.issuer.consent(&page);
        loses_clients(&world);
        let state_of = callback(&good).unwrap().flow.expose().to_owned();
        let iss: String =
            url::form_urlencoded::byte_serialize(world.issuer.url().as_bytes()).collect();
        let refused = format!("error=invalid_client&iss={iss}&state={state_of}");
        let back = if at_page { refused } else { good };
        let error = world.agree(&provider, &request, state, &back).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::FlowEnded, "{error}");
        world.sign_in(&provider, &request).await.unwrap();
        assert_eq!(world.issuer.count("/register"), 2);
    }
}

/// A query, by whoever wrote it: `error` of `iss`, for the sign-in at `page`.
fn refusal(error: &str, page: &str, iss: Option<&str>) -> String {
    let mut back = url::form_urlencoded::Serializer::new(String::new());
    back.append_pair("error", error).append_pair("state", &query(page)["state"]);
    if let Some(iss) = iss {
        back.append_pair("iss", iss);
    }
    back.finish()
}

/// A query in one person's browser is not the issuer's word.
#[tokio::test]
async fn one_persons_callback_does_not_end_everybodys_login() {
    for word in ["invalid_client", "unauthorized_client"] {
        let world = McpWorld::new().await;
        let provider = world.provider();
        let [alice, mallory] = ["alice", "mallory"].map(|name| world.request(name));
        world.sign_in(&provider, &alice).await.unwrap();
        // Mallory knows the state of her own sign-in. She has not even been to the issuer.
        let (state, page) = world.open(&provider, &mallory).await.unwrap();
        let forged = refusal(word, &page, Some(&world.issuer.url()));
        world.agree(&provider, &mallory, state, &forged).await.unwrap_err();
        token(&provider, &alice).await.unwrap_or_else(|e| panic!("{word}: {e}"));
        world.pass(301);
        token(&provider, &alice).await.unwrap_or_else(|e| panic!("{word}: {e}"));
        // The issuer is asked about it, and knows the client.
        let asked = world.issuer.count("grant_type=authorization_code");
        world.open(&provider, &mallory).await.unwrap();
        assert_eq!(world.issuer.count("grant_type=authorization_code"), asked + 1, "{word}");
        assert_eq!(world.issuer.count("/register"), 1, "{word}");
    }
}

#[tokio::test]
async fn somebody_elses_callback_forgets_nothing() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let [alice, bob] = ["alice", "bob"].map(|name| world.request(name));
    let wrong = [
        |_: &str| "error=invalid_client&state=guessed".to_owned(),
        // RFC 9207 §2.4: it ends the flow, and says nothing about the client.
        |page: &str| refusal("invalid_client", page, Some("https://evil.example")),
        |page: &str| refusal("invalid_client", page, None),
    ];
    // Of a client that nobody has signed in with yet, and of everybody's.
    for signed_in in [false, true] {
        for forged in wrong {
            let (state, page) = world.open(&provider, &bob).await.unwrap();
            world.agree(&provider, &bob, state, &forged(&page)).await.unwrap_err();
            world.open(&provider, &bob).await.unwrap();
            assert_eq!(world.issuer.count("/register"), 1);
            assert_eq!(world.issuer.count("/token"), usize::from(signed_in), "nor is it doubted");
        }
        if !signed_in {
            world.sign_in(&provider, &alice).await.unwrap();
        }
        token(&provider, &alice).await.unwrap();
    }
}

#[tokio::test]
async fn an_issuer_that_never_says_iss_may_still_refuse_a_client() {
    let world = McpWorld::new().await;
    world.issuer.says(|m| m["authorization_response_iss_parameter_supported"] = json!(false));
    let (provider, request) = (world.provider(), world.request("s"));
    let (state, page) = world.open(&provider, &request).await.unwrap();
    let refused = refusal("unauthorized_client", &page, None);
    world.agree(&provider, &request, state, &refused).await.unwrap_err();
    world.open(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.count("/register"), 2);
}

#[tokio::test]
async fn a_sign_in_that_never_comes_back_puts_a_client_that_nobody_has_used_in_doubt() {
    let world = McpWorld::new().await;
    let (provider, [alice, bob]) = (world.provider(), ["alice", "bob"].map(|n| world.request(n)));
    let (state, _) = world.open(&provider, &bob).await.unwrap();
    provider.cancel(&bob, state).await;
    world.sign_in(&provider, &bob).await.unwrap();
    assert_eq!(world.issuer.count("/register"), 2);
    world.pass(301);
    token(&provider, &bob).await.unwrap();
    world.open(&provider, &alice).await.unwrap();
    assert_eq!(world.issuer.count("/register"), 2, "the new one is good");
}

#[tokio::test]
async fn a_client_that_was_signed_in_with_is_forgotten_on_the_issuers_word_alone() {
    let world = McpWorld::new().await;
    let (provider, [alice, bob]) = (world.provider(), ["alice", "bob"].map(|n| world.request(n)));
    world.sign_in(&provider, &alice).await.unwrap();
    let calls = |what: &str| world.issuer.count(what);
    // It knows the client; it is down.
    for reply in [None, Some(Reply::of(500, ""))] {
        let (state, _) = world.open(&provider, &bob).await.unwrap();
        provider.cancel(&bob, state).await;
        let asked = calls("/token");
        world.issuer.state().replies.extend(reply.map(|reply| ("/token".to_owned(), vec![reply])));
        world.open(&provider, &bob).await.unwrap();
        assert_eq!((calls("/token"), calls("/register")), (asked + 1, 1));
        world.open(&provider, &bob).await.unwrap();
        assert_eq!(calls("/token"), asked + 1, "once for each that was given up");
        world.issuer.usual("/token");
        token(&provider, &alice).await.unwrap();
    }
    // It has lost the client, and its page has said so to nobody but a person.
    let (state, _) = world.open(&provider, &bob).await.unwrap();
    provider.cancel(&bob, state).await;
    loses_clients(&world);
    world.sign_in(&provider, &bob).await.unwrap();
    assert_eq!(calls("/register"), 2);
    token(&provider, &bob).await.unwrap();
    assert_eq!(token(&provider, &alice).await.unwrap_err().code(), ErrorCode::NeedsReauth);
}

#[tokio::test]
async fn sign_ins_that_are_given_up_cost_nobody_a_login() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| world.request(name));
    // Carol is at the page meanwhile, with a client that nobody has signed in with.
    let (state, page) = world.open(&provider, &carol).await.unwrap();
    for _ in 0..9 {
        let (state, _) = world.open(&provider, &bob).await.unwrap();
        provider.cancel(&bob, state).await;
    }
    assert_eq!(world.issuer.count("/register"), 9);
    world.agree(&provider, &carol, state, &world.issuer.consent(&page)).await.unwrap();
    world.sign_in(&provider, &alice).await.unwrap();
    let registered = world.issuer.count("/register");
    for _ in 0..9 {
        let (state, _) = world.open(&provider, &bob).await.unwrap();
        provider.cancel(&bob, state).await;
    }
    assert_eq!(world.issuer.count("/register"), registered);
    for _ in 0..2 {
        for (who, request) in [("alice", &alice), ("carol", &carol)] {
            token(&provider, request).await.unwrap_or_else(|e| panic!("{who}: {e}"));
            token(&world.provider(), request).await.unwrap_or_else(|e| panic!("{who}: {e}"));
        }
        world.pass(301);
    }
}

#[tokio::test]
async fn redirect_addresses_cost_nobody_a_login() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let [alice, bob] = ["alice", "bob"].map(|name| world.request(name));
    world.sign_in(&provider, &alice).await.unwrap();
    for number in 0..9 {
        let home = format!("https://host.example/callback/{number}");
        world.open_at(&provider, &bob, &home).await.unwrap();
    }
    for provider in [&provider, &world.provider()] {
        token(provider, &alice).await.expect("nobody signed her out");
        world.pass(301);
    }
}

#[tokio::test]
async fn a_client_whose_secret_has_ended_is_registered_anew() {
    let world = McpWorld::new().await;
    let end = world.clock.now().as_millis() / 1000 + 100;
    world
        .issuer
        .says(|m| m["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]));
    world.issuer.state().registered =
        Some(Arc::new(move |answer| answer["client_secret_expires_at"] = json!(end)));
    let (provider, request) = (world.provider(), world.request("s"));
    for (seconds, registered) in [(0, 1), (99, 1), (1, 2)] {
        world.pass(seconds);
        world.open(&provider, &request).await.unwrap();
        assert_eq!(world.issuer.count("/register"), registered);
    }
}

#[tokio::test]
async fn a_sign_out_with_a_forgotten_client_is_local() {
    let world = McpWorld::new().await;
    let (provider, request) = (world.provider(), world.request("s"));
    world.sign_in(&provider, &request).await.unwrap();
    loses_clients(&world);
    assert_eq!(provider.sign_out(&request).await.unwrap(), Revocation::LocalOnly);
    assert_eq!(
        reason(&token(&provider, &request).await.unwrap_err()),
        Some(ReauthReason::SignedOut)
    );
    world.open(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.count("/register"), 2);
}

#[tokio::test]
async fn promise_9_every_refusal_of_a_registration_has_a_code() {
    let with = |twist: fn(&mut Value)| {
        let mut answer = json!({ "client_id": "c", "token_endpoint_auth_method": "none" });
        twist(&mut answer);
        Reply::of(201, &answer.to_string())
    };
    for (reply, expected) in [
        (Reply::error(400, "invalid_redirect_uri"), ErrorCode::ConfigurationInvalid),
        (Reply::error(400, "invalid_client_metadata"), ErrorCode::ConfigurationInvalid),
        (Reply::error(401, "invalid_token"), ErrorCode::NotConfigured),
        (Reply::of(403, ""), ErrorCode::NotConfigured),
        (Reply::of(404, "<html>"), ErrorCode::InvalidResponse),
        (Reply::of(500, ""), ErrorCode::Unavailable),
        (Reply::of(429, "").with("retry-after", "3"), ErrorCode::RateLimited),
        (Reply::of(201, "<html>"), ErrorCode::InvalidResponse),
        (Reply::of(201, "{}"), ErrorCode::InvalidResponse),
        (Reply::Endless(5 << 20), ErrorCode::InvalidResponse),
        (Reply::Silence, ErrorCode::Timeout),
        (with(|a| a["client_id"] = json!("")), ErrorCode::InvalidResponse),
        (with(|a| a["client_id"] = json!("a\nb")), ErrorCode::InvalidResponse),
        (with(|a| a["client_id"] = json!("a".repeat(3000))), ErrorCode::InvalidResponse),
        (
            with(|a| a["redirect_uris"] = json!(["https://evil.example/"])),
            ErrorCode::InvalidResponse,
        ),
        (
            with(|a| a["token_endpoint_auth_method"] = json!("client_secret_basic")),
            ErrorCode::InvalidResponse,
        ),
        (
            with(|a| a["token_endpoint_auth_method"] = json!("tls_client_auth")),
            ErrorCode::InvalidResponse,
        ),
    ] {
        let world = McpWorld::new().await;
        world.issuer.script("/register", [reply.clone()]);
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.code(), expected, "{reply:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    for twist in [
        |m: &mut Value| drop(m.as_object_mut().unwrap().remove("registration_endpoint")),
        |m: &mut Value| m["registration_endpoint"] = json!("http://login.example/register"),
        |m: &mut Value| m["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]),
    ] {
        let world = McpWorld::new().await;
        world.issuer.says(twist);
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.class(), ErrorClass::FixConfiguration, "{error}");
        assert_eq!(world.issuer.count("/register"), 0);
    }
}
