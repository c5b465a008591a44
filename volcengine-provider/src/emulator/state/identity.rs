//! Workloads, what users keep in the vault, and who may do what.

use serde::{Deserialize, Serialize};

use super::provider::{MetaData, Tag};
use crate::emulator::secret::Secret;

/// Where workloads live.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct WorkloadPool {
    pub workload_pool_id: String,
    pub workload_pool_name: String,
    pub description: String,
    pub project_name: String,
    pub tags: Vec<Tag>,
    /// Whether a token may be asked for a workload that is not there yet.
    pub allow_auto_create_identity: bool,
    /// Whether a workload token may outlive the user's token it was made from. The emulator's own.
    pub outlives_user_token: bool,
    pub created_at: String,
    pub updated_at: String,
}

/// An agent.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct WorkloadIdentity {
    pub name: String,
    pub workload_pool_name: String,
    pub category: String,
    pub description: String,
    pub source: String,
    pub meta_data: Vec<MetaData>,
    #[serde(rename = "AllowedResourceOauth2ReturnUrls")]
    pub allowed_resource_oauth2_return_urls: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// What one user has left in the vault.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct UserCredential {
    pub credential_id: String,
    pub pool_name: String,
    /// The `sub` of the user whose it is. The emulator's own.
    pub user_id: String,
    #[serde(skip_serializing)]
    pub credential_data: Secret,
    pub created_at: String,
    pub updated_at: String,
}

/// A permission policy: what no rule allows is denied.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct Namespace {
    pub namespace_id: String,
    pub namespace_name: String,
    pub description: String,
    pub project_name: String,
    pub associates: Vec<String>,
    pub tags: Vec<Tag>,
    /// The emulator's own.
    pub rules: Vec<PermissionRule>,
    pub create_time: String,
    pub update_time: String,
}

/// One rule. What it leaves out, it does not look at.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PermissionRule {
    /// Who asks.
    pub principal: Option<Entity>,
    /// What for.
    pub operation: Option<Entity>,
    /// On what.
    pub resource: Option<Entity>,
    /// Who may be in the chain before the one who calls; anybody if absent.
    pub original_callers: Option<Vec<Entity>>,
    /// Denies instead of allowing; one such rule is enough.
    pub forbid: bool,
}

/// A typed name. In a rule, `*` as the id stands for every one of the type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the service's")]
pub struct Entity {
    #[serde(rename = "Type")]
    pub kind: String,
    pub id: String,
}
