//! Permission checks, and lists.

use std::sync::Arc;

use credential_provider_api::{
    Clock as _, Credential, FactoryContext, ProviderId, SeededRandom, Settings,
};
use serde_json::json;
use volcengine_provider::emulator::Failure;
use volcengine_provider::{
    CredentialProviderQuery, HeldKeys, Question, RoleQuery, SystemEnvironment, SystemFiles,
    VolcengineFactory, VolcengineProvider,
};

use crate::world::{Host, World};

async fn world() -> (World, VolcengineProvider, HeldKeys, Arc<Credential>) {
    let settings = json!({ "workload": { "grantedTo": "consumers" },
        "platform": { "audience": "consumers" } });
    let world = Host::with(settings).start().await;
    world.sign_in("alice").await;
    let token = world.ask("workload-token", "alice").await.unwrap();
    let keys = HeldKeys::new(world.ask("platform", "alice").await.unwrap());
    let http = Arc::new(oauth_provider::ReqwestClient::new().unwrap());
    let (files, environment) = (Arc::new(SystemFiles), Arc::new(SystemEnvironment));
    let factory = VolcengineFactory::new(http.clone(), http, files, environment);
    let url = world.emulator.url();
    let settings = json!({ "endpoint": url, "stsEndpoint": url, "retries": 0 });
    let settings = Settings::from_json("p", &settings.to_string()).unwrap();
    let context =
        FactoryContext::new(Arc::new(world.clock.clone()), Arc::new(SeededRandom::new(1)));
    let id = ProviderId::new("volc").unwrap();
    let provider = factory.provider(id, &settings, &context).await.unwrap();
    (world, provider, keys, token)
}

#[tokio::test]
async fn promise_8_only_a_clear_yes_is_one() {
    let (world, provider, keys, token) = world().await;
    let ask = async |question: Question| provider.permits(&question, &token, &keys).await;
    assert!(ask(Question::agent()).await.is_allowed());
    assert!(ask(Question::tool("browser")).await.is_allowed());
    assert!(!ask(Question::tool("shell")).await.is_allowed(), "a rule forbids it");
    assert!(!ask(Question::skill("mail")).await.is_allowed(), "no rule allows it");
    assert!(!ask(Question::agent().namespace("nothing")).await.is_allowed());
    assert!(!ask(Question::agent().operation("Action", "delete")).await.is_allowed());
    for (status, code) in
        [(500, "InternalError"), (403, "AccessDenied"), (429, "FlowLimitExceeded")]
    {
        world.emulator.fail(Failure::new("CheckPermission", status, code, 1));
        assert!(!ask(Question::agent()).await.is_allowed(), "{code}");
    }
    assert!(ask(Question::agent()).await.is_allowed());
    let other = Credential::token("not-of-a-workload".into());
    assert!(!provider.permits(&Question::agent(), &other, &keys).await.is_allowed());
    world.clock.set(token.expires_at().unwrap());
    assert!(!ask(Question::agent()).await.is_allowed(), "it has ended at {:?}", world.clock.now());
    world.stop().await;
}

#[tokio::test]
async fn lists_have_pages_and_filters() {
    let (world, provider, keys, _) = world().await;
    let mut query = CredentialProviderQuery::default();
    let all = provider.credential_providers(&query, &keys).await.unwrap();
    assert_eq!(all.len(), 3);
    let page = provider.credential_provider_page(&query, 2, 2, &keys).await.unwrap();
    assert_eq!((page.total, page.items.len()), (Some(3), 1));
    query.flow = Some("M2M".into());
    let machines = provider.credential_providers(&query, &keys).await.unwrap();
    assert_eq!(
        machines.iter().map(|one| one.name.as_deref()).collect::<Vec<_>>(),
        [Some("reports")]
    );
    let mut named = CredentialProviderQuery::default();
    named.name = Some("report".into());
    assert!(
        provider.credential_providers(&named, &keys).await.unwrap().is_empty(),
        "to the letter"
    );
    let mut roles = RoleQuery::default();
    assert_eq!(provider.role_providers(&roles, &keys).await.unwrap().len(), 2);
    roles.name_prefix = Some("storage-".into());
    assert_eq!(provider.role_providers(&roles, &keys).await.unwrap().len(), 1);
    roles.name_prefix = None;
    roles.user_pool_name = Some("people".into());
    let found = provider.role_providers(&roles, &keys).await.unwrap();
    assert_eq!(found[0].name.as_deref(), Some("storage-by-email"));
    world.stop().await;
}
