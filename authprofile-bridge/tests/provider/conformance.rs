//! The provider keeps the promises of the trait.

use std::sync::Arc;

use credential_provider_api::CredentialProvider;
use credential_provider_api::conformance::ProviderSuite;

use super::world::{Issuer, World, login};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_a_provider() {
    let world = Arc::new(World::of_openclaw());
    let issuer = Issuer::new();
    // A login of its own, beside what OpenClaw wrote.
    let text = world.text("main", "auth-profiles.json");
    let mine = login(&world, "conformance-access", "conformance-refresh", 3_600_000);
    let text =
        text.replacen("\"profiles\": {", &format!("\"profiles\": {{ \"codex:me\": {mine},"), 1);
    world.write_file("main", "auth-profiles.json", &text);
    let (made, outside) = (world.clone(), world.clone());
    let suite = ProviderSuite::new(move || -> Arc<dyn CredentialProvider> {
        made.provider(made.builder().model_provider("codex", issuer.named()))
    });
    let report = suite
        .credential("openai:work")
        .credential("openai")
        .credential("groq:manual")
        .credential("codex:me")
        .clock(world.clock.clone())
        .secret_mark("conformance-refresh")
        .change(move |changed| {
            let text = outside.text("main", "auth-profiles.json");
            let nth = text.matches("changed").count();
            let old = match changed.id.as_str() {
                "codex:me" => "\"unknown\"",
                "groq:manual" => "sk-test-main-groq",
                _ => "sk-test-main-openai-work",
            };
            let new = match changed.id.as_str() {
                "codex:me" => format!("\"changed-{nth}\": 1, \"unknown\""),
                _ => format!("{old}-changed-{nth}"),
            };
            outside.write_file("main", "auth-profiles.json", &text.replacen(old, &new, 1));
        })
        .run()
        .await;
    println!("{report}");
    report.assert();
}
