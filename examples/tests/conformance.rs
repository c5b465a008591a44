//! The providers keep the promises of the trait.

use std::sync::Arc;

use credential_provider_api::EffectiveSession;
use credential_provider_api::conformance::ProviderSuite;
use examples::handwritten::FileProvider;

#[tokio::test]
async fn a_provider_written_by_hand() -> Result<(), Box<dyn std::error::Error>> {
    let (alice, bob) = (EffectiveSession::shared("alice")?, EffectiveSession::shared("bob")?);
    let path = std::env::temp_dir().join(format!("handwritten-{}.json", std::process::id()));
    let text = r#"{"keys": {"openai": "sk-of-openai"}, "s5:alice": {"pin": "pin-of-alice"}, "s3:bob": {"pin": "pin-of-bob"}}"#;
    std::fs::write(&path, text)?;
    let file = path.clone();
    let suite = ProviderSuite::new(move || Arc::new(FileProvider::new("files", &file).unwrap()));
    let suite = suite.credential("openai").credential("login").sessions(alice, bob);
    suite.run().await.assert();
    Ok(std::fs::remove_file(path)?)
}
