//! The section `credentialProviders`, factories, and reload by generation.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use resolution_engine::*;
use std::sync::Arc;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct FixedSettings {
    api_key: SecretInput,
    #[serde(default)]
    region: Option<String>,
}

struct FixedFactory;
struct Fixed {
    descriptor: ProviderDescriptor,
    key: SecretInput,
}

#[async_trait]
impl ProviderFactory for FixedFactory {
    fn type_name(&self) -> &str {
        "fixed"
    }
    async fn build(
        &self,
        id: ProviderId,
        settings: Settings,
        context: &FactoryContext,
    ) -> Result<Arc<dyn CredentialProvider>, ConfigError> {
        let read: FixedSettings = settings.read()?;
        let _ = read.region;
        let key = match read.api_key {
            SecretInput::Secret(reference) => {
                let path = format!("{}.apiKey", settings.path());
                let mut resolved = context.secret_refs.resolve(&[reference]).await;
                let secret = resolved.pop().unwrap();
                SecretInput::Inline(secret.map_err(|e| ConfigError::new(&path, e.to_string()))?)
            }
            other => other,
        };
        let token = CredentialDescriptor::gateway(IdPattern::any(), CredentialKind::ApiKey);
        let descriptor = ProviderDescriptor::new(id, "Fixed").with_credential(token);
        Ok(Arc::new(Fixed { descriptor, key }))
    }
}

#[async_trait]
impl CredentialProvider for Fixed {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let key = match &self.key {
            SecretInput::Credential(reference) => {
                let other = request.depend_on(Want::new(reference.clone())).await?;
                other.secret().unwrap().clone()
            }
            SecretInput::Inline(secret) => secret.clone(),
            _ => return Err(CredentialError::new(ErrorCode::NotConfigured, "")),
        };
        Ok(Credential::api_key(key).into())
    }
}

struct Env;
#[async_trait]
impl SecretRefResolver for Env {
    async fn resolve(
        &self,
        references: &[SecretRef],
    ) -> Vec<Result<SecretString, CredentialError>> {
        references.iter().map(|r| Ok(format!("env-{}", r.id).into())).collect()
    }
}

fn world() -> World {
    World::build(&[], |b| b.factory(FixedFactory).secret_refs(Arc::new(Env)))
}

fn config(json: &str) -> Configuration {
    Configuration::from_json(json).unwrap()
}

const TWO: &str = r#"{
    "gateway": "the host's own",
    "credentialProviders": {
        "one": { "type": "fixed", "apiKey": "${ONE_KEY}" },
        "two": { "type": "fixed", "apiKey": { "provider": "one", "id": "any" } }
    },
    "credentialAccess": [
        { "consumer": "tool:*", "credential": "*" },
        { "consumer": "provider:two", "credential": "one/any" }
    ]
}"#;

#[tokio::test]
async fn a_section_becomes_providers_with_secrets_by_reference() {
    let world = world();
    let report = world.engine.configure(config(TWO)).await.unwrap();
    assert_eq!(report.added.len(), 2);
    assert!(report.failed.is_empty(), "{report:?}");
    let key = world.tool.request(&at("two/x")).await.unwrap();
    assert_eq!(text(&key), "env-ONE_KEY");
}

#[tokio::test]
async fn a_reload_reports_what_changed_and_keeps_what_did_not() {
    let world = world();
    world.engine.configure(config(TWO)).await.unwrap();
    let one = world.tool.request(&at("one/any")).await.unwrap();
    let changed = TWO.replace(r#"{ "provider": "one", "id": "any" }"#, r#""${OTHER}""#);
    let two = world.tool.request(&at("two/x")).await.unwrap();
    let report = world.engine.configure(config(&changed)).await.unwrap();
    assert_eq!(report.unchanged, [ProviderId::new("one").unwrap()]);
    assert_eq!(report.replaced, [ProviderId::new("two").unwrap()]);
    assert!(Arc::ptr_eq(&one, &world.tool.request(&at("one/any")).await.unwrap()));
    let anew = world.tool.request(&at("two/x")).await.unwrap();
    assert_ne!(text(&two), text(&anew));
    let generations: Vec<u64> =
        world.engine.administrator().providers().iter().map(|(_, g)| *g).collect();
    assert_eq!(generations, [1, 3]);

    let report = world.engine.configure(config("{}")).await.unwrap();
    assert_eq!(report.removed.len(), 2);
    let error = world.tool.request(&at("one/any")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied, "the configured rules are gone too");
}

#[tokio::test]
async fn what_is_wrong_is_reported_by_path_and_the_rest_goes_on() {
    let world = world();
    world.engine.configure(config(TWO)).await.unwrap();
    let broken = TWO
        .replace(r#""fixed", "apiKey": "${ONE_KEY}""#, r#""fixed", "apiKye": "${ONE_KEY}""#)
        .replace(r#""type": "fixed", "apiKey": {"#, r#""type": "fixd", "apiKey": {"#);
    let report = world.engine.configure(config(&broken)).await.unwrap();
    let problems: Vec<String> = report.failed.iter().map(|(_, e)| e.to_string()).collect();
    assert_eq!(problems.len(), 2);
    assert!(problems[0].contains("credentialProviders.one"), "{problems:?}");
    assert!(problems[0].contains("apiKey") || problems[0].contains("apiKye"), "{problems:?}");
    assert!(problems[1].contains("credentialProviders.two.type is not one of: fixed"));
    // The providers in service before are still there.
    assert_eq!(text(&world.tool.request(&at("two/x")).await.unwrap()), "env-ONE_KEY");
}

#[tokio::test]
async fn a_section_of_the_wrong_shape_is_refused_as_a_whole() {
    for (json, part) in [
        ("[]", "is an object"),
        (r#"{"credentialProviders": []}"#, "credentialProviders"),
        (r#"{"credentialProviders": {"Big": {"type":"fixed"}}}"#, "credentialProviders.Big"),
        (r#"{"credentialProviders": {"a": {}}}"#, "\"type\""),
        (r#"{"credentialAccess": [{"consumer":"x"}]}"#, "credentialAccess"),
        ("{", "valid JSON"),
    ] {
        let error = Configuration::from_json(json).unwrap_err().to_string();
        assert!(error.contains(part), "{json}: {error}");
    }
}

#[tokio::test]
async fn an_unknown_setting_is_an_error_with_its_path() {
    let world = world();
    let typo = r#"{"credentialProviders":{"one":{"type":"fixed","apiKey":"${A}","regoin":"x"}}}"#;
    let report = world.engine.configure(config(typo)).await.unwrap();
    assert_eq!(
        report.failed[0].1.to_string(),
        "credentialProviders.one.regoin is not a known setting"
    );
}

#[tokio::test]
async fn two_providers_of_one_id_are_refused() {
    let (a, b) = (Scripted::new("a", None), Scripted::new("a", None));
    let built =
        ResolutionEngine::builder().provider(Shared(a)).provider(Shared(b)).build().unwrap_err();
    assert_eq!(built.code(), ErrorCode::ConfigurationInvalid);
}

#[test]
fn without_a_runtime_there_is_a_clear_error() {
    let error = ResolutionEngine::builder().build().unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}
