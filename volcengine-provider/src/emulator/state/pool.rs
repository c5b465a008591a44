//! Where people sign in.

use serde::{Deserialize, Serialize};

use super::provider::Tag;
use super::yes;
use crate::emulator::secret::Secret;

/// A pool of users with an OpenID issuer.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct UserPool {
    pub uid: String,
    pub name: String,
    pub description: String,
    pub project_name: String,
    pub tags: Vec<Tag>,
    pub self_sign_up_enabled: bool,
    pub self_account_recovery_enabled: bool,
    #[serde(skip_serializing)]
    pub disabled: bool,
    /// The identifier of an issuer elsewhere that signs this pool's users in; the emulator's own
    /// issuer if empty. Its users need not be in [`users`](Self::users).
    #[serde(skip_serializing)]
    pub issuer: String,
    #[serde(skip_serializing)]
    pub users: Vec<PoolUser>,
    #[serde(skip_serializing)]
    pub clients: Vec<UserPoolClient>,
    #[serde(skip_serializing)]
    pub identity_providers: Vec<IdentityProvider>,
    pub create_time: String,
    pub update_time: String,
}

/// Somebody who can sign in.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PoolUser {
    /// The `sub` of their tokens.
    pub uid: String,
    /// What they type into the sign-in page.
    pub name: String,
    /// The `email` of their ID tokens.
    pub email: String,
    /// Cannot sign in or renew, and what was issued for them is refused.
    pub disabled: bool,
    /// Uids of identity providers by which they cannot sign in.
    pub disabled_connections: Vec<String>,
}

/// A client registered at a pool's issuer.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct UserPoolClient {
    pub uid: String,
    pub name: String,
    pub description: String,
    /// `WEB_APPLICATION`, `MOBILE_APPLICATION` or `SINGLE_PAGE_APPLICATION`; only the first has a
    /// secret, and for the second a loopback address matches at any port.
    pub client_type: String,
    #[serde(skip_serializing)]
    pub client_secret: Secret,
    pub logo_uri: String,
    pub allowed_callback_urls: Vec<String>,
    pub allowed_cors: Vec<String>,
    pub allowed_logout_urls: Vec<String>,
    pub allowed_web_origins: Vec<String>,
    pub development_mode_enabled: bool,
    pub dismiss_login_page_enabled: bool,
    pub device_flow_enabled: bool,
    pub skip_consent_enabled: bool,
    pub id_token: IdTokenSettings,
    pub refresh_token: RefreshTokenSettings,
    /// How long access tokens live; 36000 unless given. The emulator's own.
    pub access_token_lifetime_seconds: u64,
    pub create_time: String,
    pub update_time: String,
}

impl Default for UserPoolClient {
    fn default() -> Self {
        Self {
            uid: String::new(),
            name: String::new(),
            description: String::new(),
            client_type: "WEB_APPLICATION".into(),
            client_secret: Secret::default(),
            logo_uri: String::new(),
            allowed_callback_urls: Vec::new(),
            allowed_cors: Vec::new(),
            allowed_logout_urls: Vec::new(),
            allowed_web_origins: Vec::new(),
            development_mode_enabled: false,
            dismiss_login_page_enabled: false,
            device_flow_enabled: false,
            skip_consent_enabled: false,
            id_token: IdTokenSettings::default(),
            refresh_token: RefreshTokenSettings::default(),
            access_token_lifetime_seconds: 36_000,
            create_time: String::new(),
            update_time: String::new(),
        }
    }
}

/// How long ID tokens live.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct IdTokenSettings {
    /// A request to change it spells it `LifeTimeSeconds`.
    #[serde(alias = "LifeTimeSeconds")]
    pub lifetime_seconds: u64,
}

impl Default for IdTokenSettings {
    fn default() -> Self {
        Self { lifetime_seconds: 3600 }
    }
}

/// Whether and how long a login can be renewed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct RefreshTokenSettings {
    pub combined_lifetime_seconds: u64,
    pub has_combined_lifetime: bool,
    pub has_idle_lifetime: bool,
    pub idle_lifetime_seconds: u64,
    /// Each refresh token serves once.
    pub rotation: bool,
}

/// Another place where a pool's users may sign in.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct IdentityProvider {
    pub uid: String,
    /// What `identity_provider` of the sign-in page takes.
    pub name: String,
    pub connection_type: String,
    pub provider: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    pub create_time: String,
    pub update_time: String,
}
