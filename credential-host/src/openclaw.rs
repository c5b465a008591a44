//! OpenClaw's own places, looked for when they are needed.

use std::path::Path;
use std::sync::Arc;

use authprofile_bridge::openclaw::{Home, TeamSecrets};
use authprofile_bridge::provider::AuthProfileFactory;
use authprofile_bridge::secret_ref::SecretStore;
use authprofile_sqlite::SqliteFiles;
use credential_provider_api::{CredentialError, ErrorCode, SecretString};
use serde_json::Value;

/// As the environment says; `None` if it names neither a state folder nor a home.
fn home() -> Option<Home> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let user = std::env::home_dir().filter(|user| user.is_absolute());
    if user.is_none() && variable("OPENCLAW_STATE_DIR").is_none() {
        return None;
    }
    Some(Home::from_environment(user.as_deref().unwrap_or_else(|| Path::new("/")), variable))
}

/// Profiles in files and in SQLite. Nobody renews their logins here.
pub(crate) fn profiles() -> Option<AuthProfileFactory> {
    Some(AuthProfileFactory::new(home()?).database(Arc::new(SqliteFiles::new())))
}

/// Takes the names of a gateway's issuers out of `auth-profiles`: they are code of that gateway's. Logins
/// are then served while they are good.
pub(crate) fn without_issuers(configuration: &mut Value) {
    let providers = configuration.get_mut("credentialProviders").and_then(Value::as_object_mut);
    let providers = providers.into_iter().flat_map(|providers| providers.values_mut());
    for settings in providers
        .filter(|settings| settings.get("type").is_some_and(|name| name == "auth-profiles"))
    {
        let sets = settings.get_mut("modelProviders").and_then(Value::as_object_mut);
        for set in sets.into_iter().flat_map(|sets| sets.values_mut()) {
            set.as_object_mut().and_then(|set| set.remove("issuer"));
        }
    }
}

/// The team's secrets in OpenClaw's shared database.
pub(crate) struct LazySecrets;

impl SecretStore for LazySecrets {
    fn read(&self, names: &[String]) -> Result<Vec<Option<SecretString>>, CredentialError> {
        let nowhere = "the environment names no home folder; passEnv has to name HOME";
        let home = home().ok_or_else(|| CredentialError::new(ErrorCode::NotConfigured, nowhere))?;
        TeamSecrets::new(Arc::new(SqliteFiles::new()), home.shared_database()).read(names)
    }
}
