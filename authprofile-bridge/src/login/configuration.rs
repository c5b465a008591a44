//! What stands in a configuration file; the [module's page](super#configuration) has a table.

use std::collections::BTreeMap;

use credential_provider_api::{
    AccountId, ConfigError, CredentialKind, Origin, ProviderId, Settings,
};
use serde::Deserialize;

use super::builder::{Login, LoginProviderBuilder, Storage};
use super::provider::LoginProvider;
use super::source::LoginSource;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    display_name: Option<String>,
    #[serde(default)]
    credentials: BTreeMap<String, LoginSettings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginSettings {
    account: Option<AccountId>,
    origins: Option<Vec<Origin>>,
    #[serde(default)]
    storage: StorageName,
    kind: Option<CredentialKind>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StorageName {
    #[default]
    Usual,
    File,
    Keychain,
}

/// A builder with all that the settings say.
pub(super) fn builder(
    id: ProviderId,
    settings: &Settings,
) -> Result<LoginProviderBuilder, ConfigError> {
    let configuration: Configuration = settings.read()?;
    let mut builder = LoginProvider::builder(id);
    if let Some(name) = configuration.display_name {
        builder = builder.display_name(name);
    }
    for (name, login) in configuration.credentials {
        let path = at(settings.path(), &format!("credentials.{name}"));
        builder = builder.login(login.described(&name, &path)?);
    }
    Ok(builder)
}

impl LoginSettings {
    fn described(self, name: &str, path: &str) -> Result<Login, ConfigError> {
        let mut source = LoginSource::of_id(name).ok_or_else(|| {
            ConfigError::new(
                path,
                "is none of codex, codex-api-key, claude-code, gemini, minimax, \
                 openclaw-auth/<provider> and openclaw-oauth/<provider>",
            )
        })?;
        match (&mut source, self.kind) {
            (LoginSource::OpenClawAuth { kind, .. }, Some(named)) => *kind = named,
            (_, Some(_)) => {
                let problem = "is for openclaw-auth alone: others are of one kind";
                return Err(ConfigError::new(&at(path, "kind"), problem));
            }
            (_, None) => {}
        }
        let mut login = Login::of(source).storage(match self.storage {
            StorageName::Usual => Storage::Usual,
            StorageName::File => Storage::File,
            StorageName::Keychain => Storage::Keychain,
        });
        if let Some(account) = self.account {
            login = login.account(account);
        }
        if let Some(origins) = self.origins {
            login = login.origins(origins);
        }
        Ok(login)
    }
}

/// The path of a setting.
fn at(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
