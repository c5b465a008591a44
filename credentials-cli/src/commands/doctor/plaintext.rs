//! Secrets that lie on the disk as they are.

use std::path::PathBuf;
use std::sync::Arc;

use authprofile_bridge::openclaw::{AuthProfileStore, Home, NoSecret, ProfileKind, ProfileSecret};
use authprofile_sqlite::SqliteFiles;
use credential_host::Document;
use resolution_engine::SystemClock;
use secrecy::ExposeSecret as _;
use serde_json::Value;

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
    findings.extend(literal(document).into_iter().map(|place| {
        let to_do = "refer to it: \"${NAME}\" for a variable, or { provider, id } for a credential";
        Finding::better(format!("{place}: a secret in plaintext"), to_do)
    }));
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
        .filter_map(|settings| Some(document.folder().join(settings.get("path")?.as_str()?)))
        .collect()
}

/// The files in which OpenClaws have their profiles. Not all need be there.
pub(super) fn openclaws() -> Vec<PathBuf> {
    let Ok(home) = migrate::home() else { return Vec::new() };
    let folders = home.agents().into_iter().map(|agent| home.agent(&agent));
    let files = folders.flat_map(|folder| {
        ["auth-profiles.json", "openclaw-agent.sqlite"].map(|name| folder.join(name))
    });
    files.chain([home.shared_database()]).collect()
}

/// Settings of ours in which a secret stands itself, where a reference could.
pub(super) fn literal(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    for (name, section) in document.value().as_object().into_iter().flatten() {
        // Others' sections are theirs.
        if name.starts_with("credential") {
            walk(name, section, &mut found);
        }
    }
    found
}

/// How the names of settings end that take a secret.
const SECRETIVE: [&str; 8] =
    ["secret", "password", "passphrase", "token", "apikey", "privatekey", "accesskey", "clientkey"];

fn walk(place: &str, value: &Value, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        let name = name.to_ascii_lowercase();
        match value {
            Value::String(text) if SECRETIVE.iter().any(|end| name.ends_with(end)) => {
                let is_variable = text.trim().starts_with("${") && text.trim().ends_with('}');
                // `endpoints.token` is the address of one.
                let is_address = text.starts_with("https://") || text.starts_with("http://");
                if !is_variable && !is_address && !text.is_empty() {
                    found.push(place);
                }
            }
            value => walk(&place, value, found),
        }
    }
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
