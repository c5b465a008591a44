//! Keys of a profile of the command-line client (`~/.volcengine/config.json`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use credential_provider_api::{AccessKey, CredentialError, ErrorCode, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::file::read;
use super::instance::{InstanceMetadata, USUAL_ENDPOINT};
use super::oidc::OidcToken;
use super::source::{Found, SourceKeys, alive, filled, filled_secret};
use super::variables::plain;
use crate::environment::Environment;
use crate::files::Files;
use crate::wire::parse_time;

/// Which file and which profile; what is not set is taken from the environment.
#[derive(Clone, Default)]
pub(crate) struct CliProfile {
    pub(crate) file: Option<PathBuf>,
    pub(crate) profile: Option<String>,
}

/// What a profile says: keys, or where they are.
pub(super) enum Profile {
    Found(Found),
    Oidc(OidcToken),
    Instance(InstanceMetadata),
}

#[derive(Deserialize)]
struct Content {
    current: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    mode: Option<String>,
    access_key: Option<String>,
    secret_key: Option<SecretString>,
    session_token: Option<SecretString>,
    sts_expiration: Option<Moment>,
    role_name: Option<String>,
    account_id: Option<String>,
    role_trn: Option<String>,
    oidc_token_file: Option<String>,
    policy: Option<String>,
}

/// Seconds or milliseconds since the epoch, or text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Number(u64),
    Text(String),
}

impl CliProfile {
    pub(super) async fn find(
        &self,
        files: &dyn Files,
        environment: &dyn Environment,
        now: Timestamp,
    ) -> Result<Profile, CredentialError> {
        let absent = |why| Ok(Profile::Found(Found::Absent(why)));
        let Some(path) = self.path(environment) else {
            return absent("there is no home folder to look in");
        };
        let Some(content) = read(files, &path).await? else {
            return absent("there is no file");
        };
        let content: Content = serde_json::from_slice(content.expose_secret()).map_err(|_| {
            failed("the file of profiles is not the JSON of the command-line client")
        })?;
        let Content { current, mut profiles } = content;
        let named = self.profile.clone().or_else(|| plain(environment, "VOLCENGINE_PROFILE"));
        let name = named.or_else(|| filled(current)).unwrap_or_else(|| "default".to_owned());
        match profiles.remove(&name) {
            Some(entry) => entry.read(now),
            None => absent("it has no such profile"),
        }
    }

    fn path(&self, environment: &dyn Environment) -> Option<PathBuf> {
        let named = || plain(environment, "VOLCENGINE_CLI_CONFIG_FILE").map(PathBuf::from);
        let usual = || {
            let home = PathBuf::from(plain(environment, "HOME")?);
            Some(home.join(".volcengine").join("config.json"))
        };
        self.file.clone().or_else(named).or_else(usual)
    }
}

impl Entry {
    fn read(self, now: Timestamp) -> Result<Profile, CredentialError> {
        let mode = self.mode.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
        match mode.as_str() {
            "" | "ak" | "ststoken" => self.keys(now).map(|keys| Profile::Found(Found::Keys(keys))),
            "ramrolearn" => {
                let (Some(role), Some(account)) =
                    (filled(self.role_name.clone()), filled(self.account_id.clone()))
                else {
                    return Err(failed("the profile has no role-name or no account-id"));
                };
                let mut keys = self.keys(now)?;
                keys.role = Some(format!("trn:iam::{account}:role/{role}"));
                Ok(Profile::Found(Found::Keys(keys)))
            }
            "oidc" => {
                let (Some(role), Some(file)) =
                    (filled(self.role_trn), filled(self.oidc_token_file))
                else {
                    return Err(failed("the profile has no role-trn or no oidc-token-file"));
                };
                Ok(Profile::Oidc(OidcToken {
                    role_trn: Some(role),
                    token_file: Some(file.into()),
                    policy: filled(self.policy),
                    ..OidcToken::default()
                }))
            }
            "ecsrole" => {
                let role = filled(self.role_name);
                Ok(Profile::Instance(InstanceMetadata {
                    endpoint: USUAL_ENDPOINT.to_owned(),
                    role,
                }))
            }
            "sso" | "console-login" => Err(CredentialError::new(
                ErrorCode::Unsupported,
                "profiles that sign in by a browser are not read; use one with keys or a role",
            )),
            _ => Err(failed("the profile's mode is not known")),
        }
    }

    fn keys(self, now: Timestamp) -> Result<SourceKeys, CredentialError> {
        let secret = filled_secret(self.secret_key);
        let (Some(id), Some(secret)) = (filled(self.access_key), secret) else {
            return Err(failed("the profile has no whole access key"));
        };
        let token = filled_secret(self.session_token);
        let mut keys = SourceKeys::new(AccessKey::new(id, secret, token));
        keys.expires_at = match self.sts_expiration {
            None | Some(Moment::Number(0)) => None,
            // Seconds until the year 5138; milliseconds since 1973.
            Some(Moment::Number(n)) if n < 100_000_000_000 => Some(Timestamp::from_secs(n)),
            Some(Moment::Number(n)) => Some(Timestamp::from_millis(n)),
            Some(Moment::Text(text)) if text.trim().is_empty() => None,
            Some(Moment::Text(text)) => {
                let end = parse_time(&text);
                Some(end.ok_or_else(|| failed("the profile's sts-expiration is no time"))?)
            }
        };
        alive(keys, now)
    }
}

fn failed(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::NotConfigured, detail)
}
