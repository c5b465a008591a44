//! A tool is given a key that the model cannot see, not even where the tool prints it.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

use std::process::Command;

use examples::handwritten::FileProvider;
use resolution_engine::injection::{Bindings, Injector};
use resolution_engine::{AccessRules, Redactor, ResolutionEngine, SystemRandom};

/// A careless tool: it prints all it was given, as it is and encoded.
const TOOL: &str = r#"echo "searching with $SEARCH_KEY"; printf %s "user:$SEARCH_KEY" | base64"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The redactor is told every secret before anybody can have it.
    let redactor = Redactor::new(&SystemRandom::new());
    let engine = ResolutionEngine::builder()
        .provider(FileProvider::new("files", concat!(env!("CARGO_MANIFEST_DIR"), "/embed.json"))?)
        .access(AccessRules::deny_all().allow("tool:search", "files/openai")?)
        .redactor(redactor.clone())
        .build()?;
    let bindings = Bindings::none().bind("tool:search", "SEARCH_KEY", "files/openai")?;
    let injector = Injector::new(bindings);

    // For each call: the model said what to run, the host adds the key to that child alone.
    let search = engine.consumer("tool:search")?;
    let injection = injector.resolve(&search, None).await?;
    let mut command = Command::new("sh");
    injection.apply(command.args(["-c", TOOL]));
    let said = command.output()?.stdout;
    drop(injection); // our copies are wiped

    // What flows back to the model passes the redactor.
    print!("the model reads: {}", redactor.redact(&String::from_utf8_lossy(&said)));
    engine.shutdown().await;
    Ok(())
}
