//! What a source of keys finds.

use std::fmt;

use credential_provider_api::{AccessKey, CredentialError, ErrorCode, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::wire::parse_time;

/// A source of platform keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum KeySource {
    /// `accessKeyId` and `secretAccessKey` in the configuration.
    Configuration,
    /// `VOLCENGINE_ACCESS_KEY` and its like.
    Environment,
    /// `credentialsMetadataUrl`, whose keys assume `roleTrn`.
    MetadataUrl,
    /// The credential file of a function's runtime.
    CredentialFile,
    /// A token of another issuer, for which STS gives keys.
    OidcToken,
    /// A profile of the command-line client.
    CliProfile,
    /// The metadata service of a virtual machine.
    InstanceMetadata,
}

impl KeySource {
    /// Its name, as reports show it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Environment => "environment",
            Self::MetadataUrl => "metadata url",
            Self::CredentialFile => "credential file",
            Self::OidcToken => "oidc token",
            Self::CliProfile => "cli profile",
            Self::InstanceMetadata => "instance metadata",
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a source says. Any failure is an error, and ends the chain: other keys than those meant would
/// be another identity.
pub(crate) enum Found {
    Keys(SourceKeys),
    /// It has none, and why.
    Absent(&'static str),
}

pub(crate) struct SourceKeys {
    pub(crate) key: AccessKey,
    pub(crate) expires_at: Option<Timestamp>,
    /// The role that the source wants assumed with them.
    pub(crate) role: Option<String>,
}

impl SourceKeys {
    pub(crate) const fn new(key: AccessKey) -> Self {
        Self { key, expires_at: None, role: None }
    }
}

/// Keys as metadata services write them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetadataKeys {
    access_key_id: Option<String>,
    secret_access_key: Option<SecretString>,
    session_token: Option<SecretString>,
    expired_time: Option<String>,
    expiration: Option<String>,
}

impl MetadataKeys {
    pub(super) fn read(json: &[u8], now: Timestamp) -> Result<SourceKeys, CredentialError> {
        let invalid = |detail| CredentialError::new(ErrorCode::InvalidResponse, detail);
        let read: Self = serde_json::from_slice(json)
            .map_err(|_| invalid("the metadata's answer is not the JSON of an access key"))?;
        let secret = filled_secret(read.secret_access_key);
        let (Some(id), Some(secret)) = (filled(read.access_key_id), secret) else {
            return Err(invalid("the metadata's answer has no whole access key"));
        };
        let mut keys =
            SourceKeys::new(AccessKey::new(id, secret, filled_secret(read.session_token)));
        if let Some(end) = filled(read.expired_time).or_else(|| filled(read.expiration)) {
            let end = parse_time(&end);
            keys.expires_at = Some(end.ok_or_else(|| invalid("the keys' end is no time"))?);
        }
        alive(keys, now)
    }
}

/// Refuses keys that have ended: whoever put them there has others soon.
pub(super) fn alive(keys: SourceKeys, now: Timestamp) -> Result<SourceKeys, CredentialError> {
    if keys.expires_at.is_some_and(|end| end <= now) {
        return Err(CredentialError::new(ErrorCode::Expired, "the keys of the source have ended"));
    }
    Ok(keys)
}

/// Text that is there and not only space.
pub(super) fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A secret that is there and not only space. It is not changed: space may be a part of it.
pub(super) fn filled_secret(secret: Option<SecretString>) -> Option<SecretString> {
    secret.filter(|secret| !secret.expose_secret().trim().is_empty())
}
