//! The provider keeps the promises of the trait.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::{World, answer, builder, github, own};
use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{CredentialProvider, EffectiveSession, SignInStep};
use keychain_provider::Item;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_a_provider() {
    let world = World::new();
    let fake = world.fake.clone();
    fake.put(&own("openai"), "sk-conformance-1");
    fake.put(&own("bot/1"), "bot-conformance-1");
    fake.put(&own("mail"), r#"{"user":"me-conformance","password":"pw-conformance"}"#);
    fake.put(&Item::Foreign(github()), "gho-conformance-1");
    let session = |name: &str| EffectiveSession::shared(name).unwrap();
    for name in ["s", "t"] {
        let request = world.request("mine");
        let request = credential_provider_api::Request::new(
            request.key().clone().in_session(session(name)),
            Arc::new(world.clock.clone()),
        );
        world.set(&request, &[("key", &format!("sk-of-{name}"))]).await.unwrap();
    }
    let [made, down, up, outside] = std::array::from_fn(|_| fake.clone());
    let clock = world.clock.clone();
    let suite = ProviderSuite::new(move || -> Arc<dyn CredentialProvider> {
        Arc::new(builder().build(Arc::new(made.clone()), Arc::new(clock.clone())).unwrap())
    });
    let report = suite
        .credential("openai")
        .credential("bot/1")
        .credential("mail")
        .credential("mine")
        .credential("github")
        .sessions(session("s"), session("t"))
        .clock(world.clock.clone())
        .outage(move || down.state().down = true, move || up.state().down = false)
        .change(move |changed| match changed.id.as_str() {
            "github" => outside.put(&Item::Foreign(github()), "gho-conformance-2"),
            "mail" => outside.put(&own("mail"), r#"{"user":"me","password":"pw-conformance-2"}"#),
            "mine" => {
                let items = outside.state().items.clone();
                for (attributes, _) in items {
                    if attributes.get("service").is_some_and(|s| s.ends_with("#session")) {
                        outside.tell(&keychain_provider::Noticed::Item(attributes));
                    }
                }
            }
            id => outside.put(&own(id), "changed-conformance"),
        })
        .sign_in_answers("openai", |step| {
            let SignInStep::AskFields { fields } = step else { panic!("fields are asked for") };
            assert_eq!(fields.len(), 1);
            answer(&[("key", "sk-conformance-typed")])
        })
        .run()
        .await;
    println!("{report}");
    report.assert();
}
