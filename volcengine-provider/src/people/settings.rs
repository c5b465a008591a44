//! [`UserPoolSettings`]: how people sign in.

use credential_provider_api::{ConfigError, Scope, SecretInput};
use serde::Deserialize;

use crate::configuration::at;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// The section `userPool`; the [crate's page](crate#configuration) has a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserPoolSettings {
    discovery_url: Option<String>,
    client_id: Option<String>,
    pub(crate) client_secret: Option<SecretInput>,
    name: Option<String>,
    client_name: Option<String>,
    pub(crate) callback_url: Option<String>,
    auto_create: Option<bool>,
    pub(crate) identity_provider: Option<String>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    owner: Owner,
}

/// Whose the login is. A session's unless it is said aloud.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Owner {
    #[default]
    Session,
    Gateway,
}

/// Where the issuer and its client are learned from.
#[derive(Clone, Debug)]
pub(crate) enum PoolSource {
    /// They are said.
    Said { issuer: String, client_id: String },
    /// They are found by their names.
    Named(PoolNames),
}

/// A pool and its client, by their names.
#[derive(Clone, Debug)]
pub(crate) struct PoolNames {
    pub(crate) pool: String,
    pub(crate) client: String,
    pub(crate) callback_url: Option<String>,
    pub(crate) missing: Missing,
}

/// What is done about a pool or client that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is created.
    Create,
    /// It is an error.
    Refuse,
    /// It is an error, because people are signed in: what they signed in through has another name now.
    RefuseForLogins,
}

impl UserPoolSettings {
    /// Where the issuer and its client are learned from.
    ///
    /// # Errors
    /// [`ConfigError`] for settings of both ways, or of half a way.
    pub(crate) fn source(&self, path: &str) -> Result<PoolSource, ConfigError> {
        let wrong = |name: &str, problem| Err(at(path, &format!("userPool.{name}"), problem));
        match (&self.discovery_url, &self.client_id, &self.name, &self.client_name) {
            (Some(url), Some(client_id), None, None) => {
                if self.auto_create.is_some() {
                    return wrong("autoCreate", "is for a pool found by its name");
                }
                let issuer = url.strip_suffix(WELL_KNOWN).unwrap_or(url).to_owned();
                Ok(PoolSource::Said { issuer, client_id: client_id.clone() })
            }
            (None, None, Some(pool), Some(client)) => {
                if self.client_secret.is_some() {
                    return wrong("clientSecret", "is the service's to tell for a client by name");
                }
                if pool.is_empty() || client.is_empty() {
                    return wrong("name", "and `clientName` are not empty");
                }
                let missing = match self.auto_create {
                    Some(false) => Missing::Refuse,
                    Some(true) | None => Missing::Create,
                };
                let (pool, client) = (pool.clone(), client.clone());
                let callback_url = self.callback_url.clone();
                Ok(PoolSource::Named(PoolNames { pool, client, callback_url, missing }))
            }
            (Some(_), None, _, _) => wrong("clientId", "is missing"),
            (None, Some(_), _, _) => wrong("discoveryUrl", "is missing"),
            (None, None, Some(_), None) => wrong("clientName", "is missing"),
            (None, None, None, _) => wrong("name", "is missing, and so is `discoveryUrl`"),
            (Some(_), Some(_), ..) => wrong("discoveryUrl", "is there, and so is a name"),
        }
    }

    pub(crate) fn scopes(&self) -> Vec<String> {
        let usual = || ["openid", "profile", "email"].map(str::to_owned).to_vec();
        self.scopes.clone().unwrap_or_else(usual)
    }

    pub(crate) const fn owner(&self) -> Scope {
        match self.owner {
            Owner::Session => Scope::Session,
            Owner::Gateway => Scope::Gateway,
        }
    }
}
