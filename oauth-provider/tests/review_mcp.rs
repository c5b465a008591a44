//! MCP: what one person does must not cost the others their logins.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::mcp::{McpWorld, token};
use credential_provider_api::*;

/// The page: "If the issuer says `invalid_client` of a client it has registered, the registration is
/// forgotten". A query in one person's browser is not the issuer's word.
#[tokio::test]
async fn one_persons_callback_does_not_end_everybodys_login() {
    for word in ["invalid_client", "unauthorized_client"] {
        let world = McpWorld::new().await;
        let provider = world.provider();
        let [alice, mallory] = ["alice", "mallory"].map(|name| world.request(name));
        world.sign_in(&provider, &alice).await.unwrap();
        // Mallory knows the state of her own sign-in. She has not even been to the issuer.
        let (state, page) = world.open(&provider, &mallory).await.unwrap();
        let own = common::mcp::query(&page)["state"].clone();
        let iss: String =
            url::form_urlencoded::byte_serialize(world.issuer.url().as_bytes()).collect();
        let forged = format!("error={word}&state={own}&iss={iss}");
        world.agree(&provider, &mallory, state, &forged).await.unwrap_err();
        token(&provider, &alice).await.unwrap_or_else(|e| panic!("{word}: {e}"));
        world.pass(301);
        token(&provider, &alice).await.unwrap_or_else(|e| panic!("{word}: {e}"));
    }
}

/// Not even from the right issuer: RFC 9207 §2.4 says that such an answer ends the flow, no more.
#[tokio::test]
async fn a_callback_of_another_issuer_forgets_nothing() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let [alice, bob] = ["alice", "bob"].map(|name| world.request(name));
    world.sign_in(&provider, &alice).await.unwrap();
    let (state, page) = world.open(&provider, &bob).await.unwrap();
    let own = common::mcp::query(&page)["state"].clone();
    let forged = format!("error=invalid_client&state={own}&iss=https%3A%2F%2Fevil.example");
    world.agree(&provider, &bob, state, &forged).await.unwrap_err();
    token(&provider, &alice).await.unwrap();
}

/// Each sign-in that is given up puts the newest client in doubt; after eight of them the client of
/// everybody's login is not remembered any more.
#[tokio::test]
async fn sign_ins_that_are_given_up_cost_nobody_a_login() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let [alice, bob] = ["alice", "bob"].map(|name| world.request(name));
    world.sign_in(&provider, &alice).await.unwrap();
    for _ in 0..9 {
        let (state, _) = world.open(&provider, &bob).await.unwrap();
        provider.cancel(&bob, state).await;
    }
    token(&provider, &alice).await.expect("nobody signed her out");
    world.pass(301);
    token(&provider, &alice).await.expect("the issuer still knows her client");
}

/// Eight redirect addresses do the same.
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
    token(&provider, &alice).await.expect("nobody signed her out");
}

/// The provider's `server` is changed; issuer and client are configured and stay the same.
#[tokio::test]
async fn a_token_of_one_server_is_not_served_as_anothers() {
    let world = McpWorld::new().await;
    let other = McpWorld::new().await;
    other.server.state().issuers = vec![world.issuer.url()];
    world.issuer.state().clients.insert(
        "known".into(),
        (Some("s3cret-value".into()), vec![common::mcp::HOME.into()]),
    );
    let configured = |server: String| {
        let id = ProviderId::new("files").unwrap();
        oauth_provider::McpProvider::builder(id, server)
            .issuer(world.issuer.url())
            .client_id("known")
            .client_secret("s3cret-value".into())
    };
    let (alice, bob) = (world.request("alice"), world.request("bob"));
    world.sign_in(&world.built(configured(world.mcp())), &alice).await.unwrap();
    let moved = world.built(configured(other.mcp()));
    token(&moved, &alice).await.unwrap_err();
    world.sign_in(&moved, &bob).await.unwrap();
    let served = token(&moved, &alice).await;
    assert!(served.is_err(), "bound to {}, served for {}", world.mcp(), other.mcp());
}
