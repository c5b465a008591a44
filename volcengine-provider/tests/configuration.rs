//! What a configuration may say, and where it is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::World;
use common::world::{ROLE, configured, id, resolve};
use credential_provider_api::{CredentialProvider as _, ProviderFactory as _};
use serde_json::{Value, json};

#[tokio::test]
async fn what_is_wrong_is_told_with_its_path() {
    let world = World::new();
    let cases: [(Value, &str); 15] = [
        (json!({ "endpiont": "x" }), "p.volc.endpiont"),
        (json!({ "endpoint": "http://a.example" }), "p.volc.endpoint"),
        (json!({ "endpoint": "https://a.example/path" }), "p.volc.endpoint"),
        (json!({ "stsEndpoint": "sts.example" }), "p.volc.stsEndpoint"),
        (json!({ "region": "CN/beijing" }), "p.volc.region"),
        (json!({ "accessKeyId": "AK" }), "p.volc.secretAccessKey"),
        (json!({ "secretAccessKey": "canary" }), "p.volc.accessKeyId"),
        (json!({ "sessionToken": "canary" }), "p.volc.sessionToken"),
        (json!({ "roleTrn": "role/agent" }), "p.volc.roleTrn"),
        (json!({ "oidcToken": { "roleTrn": "x" } }), "p.volc.oidcToken.roleTrn"),
        (json!({ "credentialsMetadataUrl": "http://100.96.0.96/x" }), "p.volc.roleTrn"),
        (json!({ "roleDurationSeconds": 60 }), "p.volc.roleDurationSeconds"),
        (json!({ "roleSessionName": "a b" }), "p.volc.roleSessionName"),
        (json!({ "platform": { "audience": "everybody" } }), "p.volc.platform.audience"),
        (
            json!({ "platform": { "origins": [{ "origin": "https://open.volcengineapi.com" }] } }),
            "p.volc.platform.origins.0",
        ),
    ];
    for (settings, path) in cases {
        let error = world.try_provider(settings.clone()).await.unwrap_err();
        assert_eq!(error.path(), path, "{settings}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let both = json!({ "region": "a", "regionMetadataUrl": "http://100.96.0.96/x" });
    let settings = credential_provider_api::Settings::from_json("p", &both.to_string()).unwrap();
    let id = credential_provider_api::ProviderId::new("volc").unwrap();
    let error = world.factory().provider(id, &settings, &world.context()).await.unwrap_err();
    assert_eq!(error.path(), "p.regionMetadataUrl");
}

#[tokio::test]
async fn every_setting_is_known() {
    let world = World::new();
    let provider = world.provider(configured(json!({
        "displayName": "Volcengine", "retries": 1, "sessionToken": "t-canary", "roleTrn": ROLE,
        "roleSessionName": "me", "roleDurationSeconds": 900, "region": "cn-beijing",
        "credentialsMetadataUrl": "http://100.96.0.96/x", "credentialsFile": "/x",
        "oidcToken": { "roleTrn": ROLE, "tokenFile": "/t", "sessionName": "s",
                       "providerTrn": "trn:iam::1:oidc-provider/p", "policy": "{}" },
        "cliProfile": { "file": "/c", "profile": "p" },
        "instanceMetadata": { "endpoint": "http://100.96.0.96", "role": "r" },
        "platform": { "audience": "consumers", "origins": [
            { "origin": "https://open.volcengineapi.com", "service": "vpc", "region": "cn-beijing" },
        ] },
    })));
    let provider = provider.await;
    assert_eq!(provider.descriptor().display_name, "Volcengine");
    assert_eq!(world.factory().type_name(), "volcengine");
    assert!(!format!("{provider:?}").contains("canary"));
}

#[tokio::test]
async fn nothing_is_required_and_nothing_is_sent_to_build() {
    let world = World::new();
    world.service.down(true);
    let provider = world.provider(json!({})).await;
    assert_eq!(provider.platform().to_string(), "volc/platform");
}

/// Resolves references to variables of a host.
struct Host;

#[credential_provider_api::async_trait]
impl credential_provider_api::SecretRefResolver for Host {
    async fn resolve(
        &self,
        references: &[credential_provider_api::SecretRef],
    ) -> Vec<Result<credential_provider_api::SecretString, credential_provider_api::CredentialError>>
    {
        references.iter().map(|reference| Ok(format!("{}-canary", reference.id).into())).collect()
    }
}

#[tokio::test]
async fn keys_may_be_references() {
    let world = World::new();
    let settings = world.settings(json!({ "accessKeyId": "${AK}", "secretAccessKey": "${SK}" }));
    let volc = credential_provider_api::ProviderId::new("volc").unwrap();
    let context = world.context().with_secret_refs(std::sync::Arc::new(Host));
    let provider = world.factory().provider(volc.clone(), &settings, &context).await.unwrap();
    let keys = resolve(&provider, &world.request()).await.unwrap();
    assert_eq!(id(&keys), "AK-canary");
    let error = world.factory().provider(volc, &settings, &world.context()).await.unwrap_err();
    assert_eq!(error.path(), "p.volc.accessKeyId");
}
