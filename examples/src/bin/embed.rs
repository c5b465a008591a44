//! The engine in ten lines: a provider, a rule, a consumer, a request.
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

use credential_provider_api::CredentialRef;
use examples::handwritten::FileProvider;
use resolution_engine::{AccessRules, ResolutionEngine};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1);
    let files = FileProvider::new("files", path.as_deref().unwrap_or("examples/embed.json"))?;
    let rules = AccessRules::deny_all().allow("model:*", "files/openai")?;
    let engine = ResolutionEngine::builder().provider(files).access(rules).build()?;
    let model = engine.consumer("model:assistant")?;
    let openai = CredentialRef::parse("files/openai")?;
    let key = model.request(&openai).await?;
    println!("{key:?}");
    engine.shutdown().await;
    Ok(())
}
