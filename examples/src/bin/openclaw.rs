//! Keys out of an OpenClaw's folder, chosen as that OpenClaw would choose them.
//!
//! `openclaw` runs on a sample folder; `openclaw PATH` on yours (`~/.openclaw`). It is only read.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use authprofile_bridge::openclaw::Home;
use authprofile_bridge::provider::AuthProfileFactory;
use authprofile_sqlite::SqliteFiles;
use credential_provider_api::{CredentialRef, Hint, ProviderId};
use examples::gateway::openclaw::StateFolder;
use resolution_engine::{Configuration, ResolutionEngine};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sample = std::env::temp_dir().join(format!("openclaw-{}", std::process::id()));
    let done = match std::env::args().nth(1).map(PathBuf::from) {
        Some(folder) => show(&folder).await,
        None => show(StateFolder::create(&sample)?.path()).await,
    };
    let _ = std::fs::remove_dir_all(&sample);
    done
}

async fn show(folder: &Path) -> Result<(), Box<dyn Error>> {
    let profiles = AuthProfileFactory::new(Home::at(folder));
    let engine = ResolutionEngine::builder()
        // Newer versions keep them in SQLite: a crate of its own.
        .factory(profiles.database(Arc::new(SqliteFiles::new())))
        .build()?;
    let configuration = r#"{
        "credentialProviders": { "openclaw": { "type": "auth-profiles", "access": "read_only" } },
        "credentialAccess": [ { "consumer": "model:assistant", "credential": "openclaw/*" } ]
    }"#;
    let report = engine.configure(Configuration::from_json(configuration)?).await?;
    if let Some((_, problem)) = report.failed.first() {
        return Err(problem.to_string().into());
    }

    let model = engine.consumer("model:assistant")?;
    let openclaw = ProviderId::new("openclaw")?;
    for credential in engine.administrator().list(&openclaw).await? {
        let name = CredentialRef::parse(&format!("openclaw/{}", credential.id.as_str()))?;
        // A model provider stands for the profile that OpenClaw would use for it now.
        match model.request(&name).hint(Hint::model("any")).await {
            Ok(key) => println!("{name}: {:?}", key.kind()),
            Err(error) => println!("{error}"),
        }
    }
    engine.shutdown().await;
    Ok(())
}
