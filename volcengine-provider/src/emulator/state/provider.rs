//! Credential providers: hosted API keys, OAuth 2.0 tokens, role credentials.

use serde::{Deserialize, Serialize};

use crate::emulator::secret::Secret;

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// A word about a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct MetaData {
    pub key: String,
    pub values: Vec<String>,
}

/// A hosted API key.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct ApiKeyProvider {
    pub name: String,
    pub pool_name: String,
    pub project_name: String,
    #[serde(skip_serializing)]
    pub api_key: Secret,
    /// How a request carries the key.
    pub api_key_metadata: Vec<ApiKeyPlacement>,
    pub source: String,
    pub created_at: String,
    pub updated_at: String,
}

/// One place in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct ApiKeyPlacement {
    pub location: String,
    pub parameter_name: String,
    pub prefix: String,
}

/// Hosted OAuth 2.0 tokens.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct OAuthProvider {
    pub name: String,
    pub pool_name: String,
    pub project_name: String,
    pub vendor: i64,
    pub source: String,
    pub config: OAuthProviderConfig,
    /// How long the vendor's access tokens live; 3600 if absent. The emulator's own.
    #[serde(skip_serializing)]
    pub token_lifetime_seconds: Option<u64>,
    /// The vendor gives no refresh token: a new consent is needed at the end. The emulator's own.
    #[serde(skip_serializing)]
    pub not_renewable: bool,
    pub created_at: String,
    pub updated_at: String,
}

/// How tokens are obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub enum OAuthFlow {
    /// A person consents.
    #[default]
    #[serde(rename = "USER_FEDERATION")]
    UserFederation,
    /// The client itself is the account.
    #[serde(rename = "M2M")]
    MachineToMachine,
}

/// A client at the vendor.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct OAuthProviderConfig {
    pub client_id: String,
    #[serde(skip_serializing)]
    pub client_secret: Secret,
    pub custom_parameters: Option<CustomParameters>,
    pub flow: OAuthFlow,
    pub force_authentication: bool,
    pub max_expires: Option<u64>,
    pub metadata: Option<String>,
    #[serde(rename = "Oauth2Discovery")]
    pub oauth2_discovery: Option<IssuerSettings>,
    pub redirect_url: Option<String>,
    pub scopes: Vec<String>,
}

/// Further parameters of the vendor's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct CustomParameters {
    pub entries: Vec<Pair>,
}

/// One parameter.
pub type Pair = Tag;

/// Where the vendor is. Kept and shown; the emulator is the vendor itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct IssuerSettings {
    pub authorization_server_metadata: Option<IssuerMetadata>,
    pub discovery_url: Option<String>,
}

/// What a vendor without discovery would say of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct IssuerMetadata {
    pub authorization_endpoint: Option<String>,
    pub code_challenge_methods_supported: Option<Vec<String>>,
    pub issuer: Option<String>,
    pub registration_endpoint: Option<String>,
    pub response_types: Option<Vec<String>>,
    pub revocation_endpoint: Option<String>,
    pub token_endpoint: Option<String>,
}

/// Role credentials.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct RoleProvider {
    pub credential_provider_id: String,
    pub name: String,
    pub pool_name: String,
    pub project_name: String,
    pub vendor: i64,
    pub config: RoleProviderConfig,
    pub created_at: String,
    pub updated_at: String,
}

/// Who gets which role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct RoleProviderConfig {
    /// Whose tokens count. With `AgentPool` these are workload tokens of that pool, with `UserPool`
    /// tokens of that client of that pool, without either any of both.
    pub identity_pool: Option<IdentityPool>,
    pub metadata: Option<String>,
    pub role_mapping: Option<RoleMapping>,
}

/// Whose tokens count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct IdentityPool {
    pub agent_pool: Option<AgentPool>,
    pub user_pool: Option<PoolClient>,
}

/// A workload pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct AgentPool {
    pub pool_name: String,
}

/// A client of a user pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct PoolClient {
    pub client_id: String,
    pub client_name: String,
    pub pool_id: String,
    pub pool_name: String,
}

/// Which role; one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct RoleMapping {
    pub from_role: Option<ByRole>,
    pub from_rule: Option<ByRule>,
    pub from_request: Option<ByRequest>,
}

/// This one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct ByRole {
    pub role_name: String,
    pub policy_template: String,
}

/// The first rule that matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct ByRule {
    pub rules: Vec<MappingRule>,
    pub default_role: String,
}

/// A claim that says the role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct MappingRule {
    pub claim: String,
    /// `Contains` looks for the value within a list or a text; anything else compares.
    pub match_type: String,
    pub role: String,
    pub value: String,
}

/// One that the request names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct ByRequest {
    pub allowed_roles: Vec<AllowedRole>,
}

/// One that may be named.
pub type AllowedRole = ByRole;

/// Which resource may use which provider. Kept and listed; nothing is denied for want of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the service's")]
#[non_exhaustive]
pub struct ProviderBinding {
    pub provider_name: String,
    pub provider_type: String,
    pub pool_name: String,
    pub resource: String,
    pub created_at: String,
    pub updated_at: String,
}
