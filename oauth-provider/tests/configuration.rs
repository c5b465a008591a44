//! Configuration: all of it is read, what is wrong is named by its path, and nothing is repeated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::World;
use credential_provider_api::{
    Audience, ConfigError, CredentialError, CredentialKind, CredentialProvider, FactoryContext,
    ProviderFactory as _, ProviderId, Scope, SecretRef, SecretRefResolver, SecretString, Settings,
    async_trait,
};
use oauth_provider::OAuthFactory;
use serde_json::{Value, json};

struct Refs;

#[async_trait]
impl SecretRefResolver for Refs {
    async fn resolve(
        &self,
        references: &[SecretRef],
    ) -> Vec<Result<SecretString, CredentialError>> {
        assert_eq!(references[0].id, "WORK_SECRET");
        vec![Ok("client-canary-secret".into())]
    }
}

async fn built(json: &Value) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
    let world = World::new().await;
    let context = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone())
        .with_store(Arc::new(world.store.clone()))
        .with_secret_refs(Arc::new(Refs));
    build_in(json, &context).await
}

async fn build_in(
    json: &Value,
    context: &FactoryContext,
) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
    let settings = Settings::from_json("p.work", &json.to_string()).unwrap();
    let factory = OAuthFactory::with_reqwest().unwrap();
    assert_eq!(factory.type_name(), "oauth");
    factory.build(ProviderId::new("work").unwrap(), settings, context).await
}

fn full() -> Value {
    json!({
        "displayName": "Work",
        "issuer": "https://login.example/tenant",
        "clientId": "gateway",
        "clientSecret": "${WORK_SECRET}",
        "clientAuthentication": "client_secret_post",
        "redirectUri": "https://host.example/callback",
        "authorizationParameters": { "access_type": "offline" },
        "idToken": {
            "algorithms": ["RS256", "ES256"], "accountClaim": "email",
            "jwksOrigins": ["https://keys.example"], "trustedAudiences": ["other"],
        },
        "endpoints": {
            "authorization": "https://login.example/authorize",
            "token": "https://login.example/token",
            "revocation": "https://login.example/revoke", "jwks": "https://login.example/jwks",
        },
        "credentials": {
            "mail": {
                "scopes": ["openid", "mail"], "origins": ["https://mail.example"],
                "resource": "https://mail.example/api", "description": "mail",
            },
            "identity": { "token": "id_token", "scopes": ["openid"] },
            "robot": { "owner": "gateway", "scopes": ["openid"], "account": "robot-1" },
        },
    })
}

#[tokio::test]
async fn all_of_it_is_read() {
    let provider = built(&full()).await.unwrap();
    let descriptor = provider.descriptor();
    assert_eq!(descriptor.display_name, "Work");
    let of = |id: &str| descriptor.credential(&common::world::id(id)).unwrap();
    assert_eq!((of("mail").kind, of("mail").scope), (CredentialKind::OAuth2, Scope::Session));
    assert_eq!(of("mail").audience, Audience::Consumers);
    assert_eq!(of("identity").kind, CredentialKind::Token);
    assert_eq!(of("identity").audience, Audience::Providers);
    assert_eq!(of("robot").scope, Scope::Gateway);
}

#[tokio::test]
async fn promise_9_what_is_wrong_is_named_by_its_path_and_not_repeated() {
    type Twist = fn(&mut Value);
    let cases: &[(&str, Twist)] = &[
        ("p.work.issuer", |c| c["issuer"] = json!("http://login-canary.example")),
        ("p.work.issuer", |c| c["issuer"] = json!("https://login.example/?canary")),
        ("p.work.clientId", |c| c["clientId"] = json!("")),
        ("p.work.clientSecret", |c| drop(c.as_object_mut().unwrap().remove("clientSecret"))),
        ("p.work.clientSecret", |c| c["clientAuthentication"] = json!("none")),
        ("p.work.clientAuthentication", |c| c["clientAuthentication"] = json!("canary")),
        ("p.work.redirectUri", |c| c["redirectUri"] = json!("http://host-canary.example/")),
        ("p.work.authorizationParameters.state", |c| {
            c["authorizationParameters"]["state"] = json!("canary");
        }),
        ("p.work.endpoints.token", |c| c["endpoints"]["token"] = json!("http://127.0.0.1/canary")),
        ("p.work.idToken.algorithms", |c| c["idToken"]["algorithms"] = json!([])),
        ("p.work.idToken.algorithms[0]", |c| c["idToken"]["algorithms"] = json!(["HS256"])),
        ("p.work.idToken.jwksOrigin", |c| c["idToken"]["jwksOrigin"] = json!("canary")),
        ("p.work.credentials", |c| c["credentials"] = json!({})),
        ("p.work.credentials.mail.scopes", |c| {
            drop(c["endpoints"].as_object_mut().unwrap().remove("jwks"));
            c["credentials"] = json!({ "mail": { "scopes": ["openid"] } });
        }),
        ("p.work.credentials.mail.scopes", |c| {
            c["credentials"]["mail"]["scopes"] = json!(["two canaries"]);
        }),
        ("p.work.credentials.mail.resource", |c| {
            c["credentials"]["mail"]["resource"] = json!("canary");
        }),
        ("p.work.credentials.mail.account", |c| {
            c["credentials"]["mail"]["account"] = json!("canary");
        }),
        ("p.work.credentials.robot.account", |c| {
            c["credentials"]["robot"]["scopes"] = json!([]);
        }),
        ("p.work.credentials.identity.origins", |c| {
            c["credentials"]["identity"]["origins"] = json!(["https://canary.example"]);
        }),
        ("p.work.credentials.identity.scopes", |c| {
            c["credentials"]["identity"]["scopes"] = json!(["canary"]);
        }),
        ("p.work.credentials.identity.resource", |c| {
            c["credentials"]["identity"]["resource"] = json!("https://canary.example");
        }),
        ("p.work.credentials.mail.ower", |c| c["credentials"]["mail"]["ower"] = json!("session")),
        ("p.work.deviceFlow", |c| c["deviceFlow"] = json!(true)),
    ];
    for (path, twist) in cases {
        let mut json = full();
        twist(&mut json);
        let error = built(&json).await.map(drop).expect_err(path);
        assert_eq!(error.path(), *path, "{error}");
        assert!(!error.to_string().contains("canar"), "{error}");
    }
}

#[tokio::test]
async fn a_host_without_a_store_or_secrets_is_told() {
    let world = World::new().await;
    let bare = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone());
    let error = build_in(&full(), &bare).await.map(drop).unwrap_err();
    assert!(error.to_string().contains("no grant store"), "{error}");
    let no_refs = bare.with_store(Arc::new(world.store.clone()));
    let error = build_in(&full(), &no_refs).await.map(drop).unwrap_err();
    assert_eq!(error.path(), "p.work.clientSecret");
}

#[tokio::test]
async fn promise_6_the_settings_show_no_secret() {
    let mut json = full();
    json["clientSecret"] = json!("client-canary-secret");
    let settings = Settings::from_json("p.work", &json.to_string()).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
    built(&json).await.unwrap();
}
