//! Accounts' keys, users and roles, and the machine's metadata server.

use serde::Deserialize;

use crate::emulator::secret::Secret;

/// A long-term access key.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AccessKey {
    /// `AKLT…` at the service; any text here.
    pub access_key_id: String,
    /// Used as it stands for signing.
    pub secret_access_key: Secret,
    /// The name of the [`PlatformUser`] who owns it; the account itself if empty.
    pub user_name: String,
    /// A key that no longer is one: calls with it get `InvalidAccessKey`.
    pub disabled: bool,
}

/// A temporary key that is there from the start, as a role's credentials in a file are.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TemporaryKey {
    /// `AKTP…` at the service; any text here.
    pub access_key_id: String,
    /// Used as it stands for signing.
    pub secret_access_key: Secret,
    /// What has to come with it.
    pub session_token: Secret,
    /// Whose it is.
    pub role_name: String,
    /// The name of the session.
    pub role_session_name: String,
    /// When it ends, as RFC 3339 with its offset; a key without one has ended.
    pub expired_time: String,
}

/// A user of the platform.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PlatformUser {
    /// The name.
    pub user_name: String,
    /// Actions, as `id:GetResourceApiKey`, `id:*` or `*`; everything if empty. Others get
    /// `AccessDenied`.
    pub allow: Vec<String>,
}

/// A role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Role {
    /// The name, as in `trn:iam::ACCOUNT:role/NAME`.
    pub role_name: String,
    /// Who may assume it: TRNs of users and roles, `*` for every one of the account, or for
    /// `AssumeRoleWithOIDC` an issuer's identifier (`http…`) or one of the emulator's own
    /// (`userpool/UID`).
    pub trust: Vec<String>,
    /// Actions, as for [`PlatformUser::allow`].
    pub allow: Vec<String>,
}

/// The machine's metadata server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MetadataServer {
    /// What `/latest/region_id` says; the state's region if absent.
    pub region_id: Option<String>,
    /// The account whose roles it has credentials of.
    pub account_id: u64,
    /// Roles of that account.
    pub roles: Vec<String>,
    /// How long its credentials live; 3600 if absent.
    pub lifetime_seconds: Option<u64>,
}
