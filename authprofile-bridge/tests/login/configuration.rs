//! From a configuration.

use std::sync::Arc;

use authprofile_bridge::login::LoginFactory;
use credential_provider_api::{
    ConfigError, CredentialProvider, FactoryContext, ProviderFactory as _, ProviderId,
    SeededRandom, Settings,
};

use super::world::{Items, World, claude, codex, codex_token, secret};

async fn build(world: &World, json: &str) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
    let factory = LoginFactory::new(world.environment());
    assert_eq!(factory.type_name(), "tool-logins");
    let settings = Settings::from_json("credentialProviders.logins", json)?;
    let random = Arc::new(SeededRandom::new(1));
    let context = FactoryContext::new(Arc::new(world.clock.clone()), random);
    factory.build(ProviderId::new("logins").unwrap(), settings, &context).await
}

#[tokio::test]
async fn promise_8_no_login_is_read_that_is_not_named() {
    let world = World::new();
    world.write(".codex/auth.json", codex(&codex_token("a"), "acc"));
    for json in ["{}", r#"{"credentials":{}}"#, r#"{"credentials":{"claude-code":{}}}"#] {
        let provider = build(&world, json).await.unwrap();
        assert!(provider.resolve(&world.request("codex")).await.is_err());
        assert!(provider.list(&world.request("codex")).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn settings_reach_the_login() {
    let world = World::new();
    world.write(".codex/auth.json", codex(&codex_token("a"), "acc"));
    let agent = ".openclaw/agents/main/agent/auth.json";
    world.write(agent, r#"{"x":{"type":"token","token":"t-1"}}"#);
    let json = r#"{"displayName":"Mine","credentials":{
        "codex":{"account":"acc","origins":["https://proxy.example"],"storage":"file"},
        "openclaw-auth/x":{"kind":"token"}}}"#;
    let provider = build(&world, json).await.unwrap();
    assert_eq!(provider.descriptor().display_name, "Mine");
    let read = async |id: &str| match provider.resolve(&world.request(id)).await.unwrap() {
        credential_provider_api::Resolution::Credential(credential) => *credential,
        other => panic!("{other:?}"),
    };
    let served = read("codex").await;
    assert_eq!(served.origins()[0].to_string(), "https://proxy.example");
    assert_eq!(served.origins().len(), 1);
    assert_eq!(secret(&read("openclaw-auth/x").await), "t-1");
    let other = json.replace("\"acc\"", "\"other\"");
    assert!(build(&world, &other).await.unwrap().resolve(&world.request("codex")).await.is_err());
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_path() {
    let world = World::new();
    for (json, path) in [
        (r#"{"credentials":{"cursor":{}}}"#, ".credentials.cursor"),
        (r#"{"credentials":{"codex":{"kind":"api_key"}}}"#, ".credentials.codex.kind"),
        (r#"{"credentials":{"codex":{"storage":"cloud"}}}"#, ".credentials.codex.storage"),
        (r#"{"credentials":{"codex":{"refresh":true}}}"#, ".credentials.codex.refresh"),
        (r#"{"credentials":{"codex":{"storage":"keychain"}}}"#, ""),
        (r#"{"credentials":{"openclaw-auth/x":{"kind":"access_key"}}}"#, ""),
        (r#"{"logins":[]}"#, ".logins"),
    ] {
        let Err(error) = build(&world, json).await else { panic!("{json} is accepted") };
        assert_eq!(error.path(), format!("credentialProviders.logins{path}"), "{error}");
    }
}

#[tokio::test]
async fn a_factory_lends_its_keychain() {
    let (world, items) = (World::new(), Items::default());
    items.put("Claude Code-credentials", None, &claude("at-item"));
    let factory = LoginFactory::new(world.environment()).with_keychain(Arc::new(items.clone()));
    let json = r#"{"credentials":{"claude-code":{"storage":"keychain"}}}"#;
    let settings = Settings::from_json("p", json).unwrap();
    let random = Arc::new(SeededRandom::new(1));
    let context = FactoryContext::new(Arc::new(world.clock.clone()), random);
    let provider = factory.build(ProviderId::new("logins").unwrap(), settings, &context).await;
    provider.unwrap().resolve(&world.request("claude-code")).await.unwrap();
    assert_eq!(items.asked(), 1);
}
