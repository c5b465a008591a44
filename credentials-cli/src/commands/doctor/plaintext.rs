//! Secrets that lie on the disk as they are.

use std::path::PathBuf;
use std::sync::Arc;

use authprofile_bridge::openclaw::{AuthProfileStore, Home, NoSecret, ProfileKind, ProfileSecret};
use authprofile_sqlite::SqliteFiles;
use credential_host::Document;
use resolution_engine::SystemClock;
use secrecy::ExposeSecret as _;

use super::finding::Finding;
use crate::commands::migrate;

pub(super) async fn look(document: &Document) -> Vec<Finding> {
    let mut findings: Vec<Finding> = files(document)
        .into_iter()
        .map(|path| {
            let to_do =
                "keep them in a keychain: a provider of type keychain, then `credentials set`";
            Finding::better(format!("{}: secrets in plaintext", path.display()), to_do)
        })
        .collect();
    if let Ok(home) = migrate::home()
        && home.state.is_dir()
    {
        findings.extend(profiles(&home).await);
    }
    findings
}

/// The files of providers of type `file`.
pub(super) fn files(document: &Document) -> Vec<PathBuf> {
    let providers = document.value().get("credentialProviders").and_then(|value| value.as_object());
    let settings = providers.into_iter().flat_map(|providers| providers.values());
    settings
        .filter(|settings| settings.get("type").is_some_and(|kind| kind == "file"))
        .filter_map(|settings| Some(PathBuf::from(settings.get("path")?.as_str()?)))
        .collect()
}

/// Profiles of an OpenClaw that have their key in them.
async fn profiles(home: &Home) -> Vec<Finding> {
    let mut findings = Vec::new();
    for agent in home.agents() {
        let store = AuthProfileStore::of(home, &agent, Arc::new(SystemClock::new()));
        let store = store.with_database(Arc::new(SqliteFiles::new())).read_only();
        let profiles = match store.load().await {
            Ok(profiles) => profiles,
            Err(error) => {
                let found = format!("OpenClaw's profiles of {agent} cannot be read");
                findings.push(Finding::wrong(found, error.to_string()));
                continue;
            }
        };
        let inline = profiles.profiles().filter(|(id, profile)| {
            let is_key = match profile.secret() {
                Some(ProfileSecret::Inline(secret)) => {
                    NoSecret::of(secret.expose_secret()).is_none()
                }
                _ => false,
            };
            is_key && profile.kind() != ProfileKind::OAuth && !profiles.is_inherited(id)
        });
        let count = inline.count();
        if count > 0 {
            findings.push(Finding::better(
                format!("OpenClaw's agent {agent}: {count} profiles with their key in plaintext"),
                format!("credentials migrate --agent {agent} --to PROVIDER shows how they would be moved"),
            ));
        }
    }
    findings
}
