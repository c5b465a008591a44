//! Configuration of MCP servers: all of it is read, and what is wrong is named by its path.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::mcp::{HOME, McpWorld};
use credential_provider_api::*;
use oauth_provider::McpFactory;
use serde_json::{Value, json};

async fn built(world: &McpWorld, json: &Value) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
    let context = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone())
        .with_store(Arc::new(world.store.clone()));
    let settings = Settings::from_json("p.files", &json.to_string()).unwrap();
    let factory = McpFactory::with_reqwest().unwrap();
    assert_eq!(factory.type_name(), "mcp");
    factory.build(ProviderId::new("files").unwrap(), settings, &context).await
}

fn full() -> Value {
    json!({
        "server": "https://mcp.example/mcp",
        "network": "private",
        "resource": "https://mcp.example",
        "issuer": "https://login.example",
        "clientId": "gateway",
        "clientSecret": "client-canary-secret",
        "clientAuthentication": "client_secret_post",
        "clientIdMetadataDocument": "https://host.example/oauth/client.json",
        "clientName": "The Gateway",
        "displayName": "Files",
        "redirectUri": HOME,
        "scopes": ["read", "write"],
        "owner": "gateway",
    })
}

#[tokio::test]
async fn all_of_it_is_read() {
    let world = McpWorld::new().await;
    let provider = built(&world, &full()).await.unwrap();
    let descriptor = provider.descriptor();
    assert_eq!(descriptor.display_name, "Files");
    let token = &descriptor.credentials[0];
    assert_eq!(descriptor.credentials.len(), 1);
    assert_eq!((token.id.as_str(), token.kind), ("token", CredentialKind::OAuth2));
    assert_eq!((token.scope, token.audience), (Scope::Gateway, Audience::Consumers));
    assert_eq!(descriptor.sign_in, [SignInMethod::AuthorizationCode]);
    let least = built(&world, &json!({ "server": "https://mcp.example/mcp" })).await.unwrap();
    assert_eq!(least.descriptor().credentials[0].scope, Scope::Session);
}

#[tokio::test]
async fn a_gateways_token_is_everybodys_and_comes_back_to_the_configured_place() {
    let world = McpWorld::new().await;
    let json = json!({ "server": world.mcp(), "owner": "gateway", "redirectUri": HOME });
    let provider = built(&world, &json).await.unwrap();
    let key = Key::gateway(&CredentialRef::parse("files/token").unwrap());
    let (request, sign_in) = (world.request_for(key), provider.sign_in().unwrap());
    let start = SignInStart::new(FlowId::from_text("flow-1"), Timestamp::MAX);
    let (mut state, step) = sign_in.start(&request, &start).await.unwrap();
    let SignInProgress::Step(SignInStep::OpenUrl { url, .. }) = step else { panic!("{step:?}") };
    let answer = oauth_provider::callback(&world.issuer.consent(&url)).unwrap().answer;
    let done = sign_in.answer(&request, &mut state, answer).await.unwrap();
    let SignInProgress::Finished(done) = done else { panic!("{done:?}") };
    sign_in.accept(&request, done).await.unwrap();
    provider.resolve(&request).await.unwrap();
    let device = start.clone().with_method(Some(SignInMethod::DeviceCode));
    let error = sign_in.start(&request, &device).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    let homeless = built(&world, &json!({ "server": world.mcp(), "owner": "gateway" })).await;
    let error = homeless.unwrap().sign_in().unwrap().start(&request, &start).await.map(drop);
    assert_eq!(error.unwrap_err().code(), ErrorCode::NotConfigured);
    assert_eq!(world.issuer.count("/register"), 1, "nothing is registered for nothing");
}

#[tokio::test]
async fn promise_9_what_is_wrong_is_named_by_its_path_and_not_repeated() {
    type Twist = fn(&mut Value);
    let without = |json: &mut Value, name: &str| drop(json.as_object_mut().unwrap().remove(name));
    let cases: &[(&str, Twist)] = &[
        ("server", |c| c["server"] = json!("http://mcp-canary.example/")),
        ("server", |c| c["server"] = json!("https://mcp-canary.example/#x")),
        ("network", |c| c["network"] = json!("canary")),
        ("resource", |c| c["resource"] = json!("https://canary.example")),
        ("issuer", |c| c["issuer"] = json!("http://canary.example")),
        ("clientId", |c| c["clientId"] = json!("")),
        ("clientSecret", |c| c["clientAuthentication"] = json!("none")),
        ("clientIdMetadataDocument", |c| {
            c["clientIdMetadataDocument"] = json!("http://127.0.0.1/canary");
        }),
        ("clientIdMetadataDocument", |c| {
            c["clientIdMetadataDocument"] = json!("https://canary.example/");
        }),
        ("clientIdMetadataDocument", |c| {
            c["clientIdMetadataDocument"] = json!("https://canary.example/a/../b");
        }),
        ("redirectUri", |c| c["redirectUri"] = json!("http://canary.example/")),
        ("scopes", |c| c["scopes"] = json!(["two canaries"])),
        ("scopes", |c| c["scopes"] = json!(["canary", "canary"])),
        ("owner", |c| c["owner"] = json!("canary")),
        ("servr", |c| c["servr"] = json!("canary")),
    ];
    let world = McpWorld::new().await;
    let expect = async |json: Value, path: &str| {
        let error = built(&world, &json).await.map(drop).expect_err(path);
        assert_eq!(error.path(), format!("p.files.{path}"), "{error}");
        assert!(!error.to_string().contains("canar"), "{error}");
    };
    for (path, twist) in cases {
        let mut json = full();
        twist(&mut json);
        expect(json, path).await;
    }
    for (missing, path) in
        [("issuer", "issuer"), ("clientId", "clientId"), ("clientSecret", "clientSecret")]
    {
        let mut json = full();
        without(&mut json, missing);
        expect(json, path).await;
    }
}
