//! The provider of an MCP server keeps the promises of the trait, built as a host builds it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::issuer::MARK;
use common::mcp::McpWorld;
use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    CredentialProvider, EffectiveSession, FactoryContext, ProviderFactory as _, ProviderId,
    Settings, SignInStep,
};
use oauth_provider::{McpFactory, callback};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_a_provider() {
    let world = Arc::new(McpWorld::new().await);
    for session in ["s", "t"] {
        world.sign_in(&world.provider(), &world.request(session)).await.unwrap();
    }
    let [made, browser, down, up, outside] = std::array::from_fn(|_| world.clone());
    let suite = ProviderSuite::built_by(move || {
        let world = made.clone();
        async move {
            let json = serde_json::json!({ "server": world.mcp() });
            let context = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone())
                .with_store(Arc::new(world.store.clone()));
            let settings = Settings::from_json("p.files", &json.to_string()).unwrap();
            let factory = McpFactory::new(world.runtime().http);
            let id = ProviderId::new("files").unwrap();
            let built: Arc<dyn CredentialProvider> =
                factory.build(id, settings, &context).await.unwrap();
            built
        }
    });
    let session = |name: &str| EffectiveSession::shared(name).unwrap();
    let report = suite
        .credential("token")
        .sessions(session("s"), session("t"))
        .clock(world.clock.clone())
        .secret_mark(MARK)
        .outage(
            move || {
                down.server.state().down = true;
                down.issuer.state().down = true;
            },
            move || {
                up.server.state().down = false;
                up.issuer.state().down = false;
            },
        )
        .change(move |_| {
            let world = outside.clone();
            tokio::spawn(async move {
                world.sign_in(&world.provider(), &world.request("s")).await.unwrap();
            });
        })
        .sign_in_answers("token", move |step| {
            let SignInStep::OpenUrl { url, .. } = step else { panic!("a page is the only step") };
            callback(&browser.issuer.consent(url)).unwrap().answer
        })
        .run()
        .await;
    println!("{report}");
    report.assert();
    assert_eq!(world.issuer.count("/register"), 1);
}
