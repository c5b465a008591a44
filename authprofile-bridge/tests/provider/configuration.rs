//! Providers from settings.

use std::sync::Arc;

use authprofile_bridge::provider::AuthProfileFactory;
use credential_provider_api::*;

use super::world::{Issuer, Refs, World, at, login, secret};

async fn build(
    world: &World,
    factory: &AuthProfileFactory,
    json: &str,
) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
    let settings = Settings::from_json("credentialProviders.auth", json).unwrap();
    let random = Arc::new(SeededRandom::new(1));
    let refs = Arc::new(Refs::default());
    refs.secrets.lock().unwrap().insert("OPENROUTER_API_KEY".into(), "sk-or".into());
    let context = FactoryContext::new(Arc::new(world.clock.clone()), random).with_secret_refs(refs);
    factory.build(ProviderId::new("auth").unwrap(), settings, &context).await
}

async fn resolved(provider: &dyn CredentialProvider, world: &World, id: &str) -> Credential {
    match provider.resolve(&world.request(id)).await.unwrap() {
        Resolution::Credential(credential) => *credential,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_setting_is_read() {
    let world = World::of_openclaw();
    let text = world.text("research", "auth-profiles.json");
    let mine = login(&world, "old", "refresh-0", -1);
    let text =
        text.replacen("\"profiles\": {", &format!("\"profiles\": {{\"codex:me\": {mine},"), 1);
    world.write_file("research", "auth-profiles.json", &text);
    let elsewhere = World::new();
    let issuer = Issuer::new();
    let factory = AuthProfileFactory::new(elsewhere.home()).issuer("corp", issuer.clone());
    assert_eq!(factory.type_name(), "auth-profiles");
    let json = format!(
        r#"{{"stateFolder": {:?}, "agent": "research", "rereadSeconds": 7, "displayName": "Mine",
            "modelProviders": {{"codex": {{"issuer": "corp"}}, "openrouter": {{"origins": ["https://openrouter.ai"], "pin": "openrouter:default"}}}}}}"#,
        world.folder.0.display().to_string()
    );
    let provider = build(&world, &factory, &json).await.unwrap();
    assert_eq!(provider.descriptor().display_name, "Mine");
    assert_eq!(secret(&resolved(&*provider, &world, "codex:me").await), "access-1");
    let router = resolved(&*provider, &world, "openrouter:default").await;
    assert_eq!(secret(&router), "sk-or");
    assert_eq!(router.freshness(), Freshness::For(std::time::Duration::from_secs(7)));
    assert_eq!(router.origins(), [Origin::parse("https://openrouter.ai").unwrap()]);
    // A store that is only read: nothing is renewed.
    world.clock.advance(std::time::Duration::from_secs(3600));
    let json = json.replacen('{', r#"{"access": "read_only", "#, 1);
    let provider = build(&world, &factory, &json).await.unwrap();
    let error = provider.resolve(&world.request("codex:me")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Expired);
    assert_eq!(issuer.exchanges(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_path() {
    let world = World::of_openclaw();
    let factory = AuthProfileFactory::new(world.home()).issuer("corp", Issuer::new());
    for (json, path) in [
        (r#"{"statefolder": "/x"}"#, "statefolder"),
        (r#"{"stateFolder": "relative"}"#, "stateFolder"),
        (r#"{"agent": "Not One"}"#, "agent"),
        (r#"{"access": "append"}"#, "access"),
        (r#"{"rereadSeconds": 0}"#, "auth"),
        (r#"{"modelProviders": {"x": {"issuer": "nobody"}}}"#, "modelProviders.x.issuer"),
        (r#"{"modelProviders": {"x": {"origins": ["ftp://x"]}}}"#, "origins"),
    ] {
        let error = build(&world, &factory, json).await.err().unwrap();
        assert!(error.path().contains(path), "{json}: {error}");
    }
}

#[tokio::test]
async fn an_engine_builds_it_from_its_configuration() {
    let world = World::of_openclaw();
    let engine = resolution_engine::ResolutionEngine::builder()
        .clock(Arc::new(world.clock.clone()))
        .factory(AuthProfileFactory::new(world.home()))
        .build()
        .unwrap();
    let configuration = resolution_engine::Configuration::from_json(
        r#"{"credentialProviders": {"auth": {"type": "auth-profiles"}},
            "credentialAccess": [{"consumer": "tool:*", "credential": "auth/openai"}]}"#,
    );
    engine.configure(configuration.unwrap()).await.unwrap();
    let tool = engine.consumer("tool:one").unwrap();
    assert_eq!(secret(&tool.request(&at("openai")).await.unwrap()), "sk-test-main-openai-work");
    let denied = tool.request(&at("openai:work")).await.unwrap_err();
    assert_eq!(denied.code(), ErrorCode::AccessDenied);
}
