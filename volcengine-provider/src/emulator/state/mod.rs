//! What the emulated service knows: [`State`], read from JSON.
//!
//! Entities have the field names of the service's own API. What a file leaves out gets the value
//! that the service would give; a field nobody knows is an error.

mod identity;
mod platform;
mod pool;
mod provider;

use serde::{Deserialize, Serialize};

pub use self::identity::{
    Entity, Namespace, PermissionRule, UserCredential, WorkloadIdentity, WorkloadPool,
};
pub use self::platform::{AccessKey, MetadataServer, PlatformUser, Role, TemporaryKey};
pub use self::pool::{
    IdTokenSettings, IdentityProvider, PoolUser, RefreshTokenSettings, UserPool, UserPoolClient,
};
pub use self::provider::{
    AgentPool, AllowedRole, ApiKeyPlacement, ApiKeyProvider, ByRequest, ByRole, ByRule,
    CustomParameters, IdentityPool, IssuerMetadata, IssuerSettings, MappingRule, OAuthFlow,
    OAuthProvider, OAuthProviderConfig, Pair, PoolClient, ProviderBinding, RoleMapping,
    RoleProvider, RoleProviderConfig, Tag,
};
use super::EmulatorError;
use super::faults::Faults;
use super::secret::Secret;

/// Everything at the start. Later calls change it as they would change the service.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct State {
    /// The region that requests must be signed for; `cn-beijing` if empty.
    pub region: String,
    /// PKCS#8 PEM of the RSA key that signs workload tokens and the tokens of user pools.
    pub signing_key: Secret,
    /// How far `X-Date` may be from the emulator's time, in seconds; 300 if absent.
    pub signature_tolerance_seconds: Option<u64>,
    /// Accounts, each with all that is its own.
    pub accounts: Vec<Account>,
    /// What the machine's metadata server says.
    pub metadata: MetadataServer,
    /// What goes wrong.
    pub faults: Faults,
}

/// One account of the platform.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Account {
    /// Its number.
    pub account_id: u64,
    /// What `GetTenantServiceStatus` answers; `Running` if empty.
    pub service_status: String,
    /// Long-term access keys.
    pub access_keys: Vec<AccessKey>,
    /// Temporary keys.
    pub sessions: Vec<TemporaryKey>,
    /// Users of the platform, who own access keys.
    pub users: Vec<PlatformUser>,
    /// Roles that can be assumed.
    pub roles: Vec<Role>,
    /// Where workloads live; one named `default` is there in any case.
    pub workload_pools: Vec<WorkloadPool>,
    /// Agents.
    pub workload_identities: Vec<WorkloadIdentity>,
    /// Providers of hosted API keys.
    pub api_key_providers: Vec<ApiKeyProvider>,
    /// Providers of hosted OAuth 2.0 tokens.
    pub oauth_providers: Vec<OAuthProvider>,
    /// Providers of role credentials.
    pub role_providers: Vec<RoleProvider>,
    /// Which resource may use which provider.
    pub bindings: Vec<ProviderBinding>,
    /// What users have left in the vault.
    pub user_credentials: Vec<UserCredential>,
    /// Where people sign in.
    pub user_pools: Vec<UserPool>,
    /// Permission policies.
    pub namespaces: Vec<Namespace>,
}

impl State {
    /// Reads a state file.
    ///
    /// # Errors
    /// [`EmulatorError::State`] with the place and what is wrong there; no value is shown.
    pub fn from_json(text: &str) -> Result<Self, EmulatorError> {
        serde_json::from_str(text).map_err(|error| {
            // Serde's words can carry a value of the file; where it is, is enough.
            let what = match error.classify() {
                serde_json::error::Category::Data => shape(&error.to_string()),
                _ => "is not JSON".to_owned(),
            };
            EmulatorError::State(format!("line {} {what}", error.line()))
        })
    }

    /// The account with this number.
    #[must_use]
    pub fn account(&self, id: u64) -> Option<&Account> {
        self.accounts.iter().find(|account| account.account_id == id)
    }

    /// The account with this number, to change.
    pub fn account_mut(&mut self, id: u64) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.account_id == id)
    }

    /// The user pool with this uid, whosever it is, to change.
    pub fn user_pool_mut(&mut self, uid: &str) -> Option<&mut UserPool> {
        self.accounts.iter_mut().flat_map(|account| &mut account.user_pools).find(|p| p.uid == uid)
    }

    /// The user pool with this uid, and whose it is.
    pub(crate) fn user_pool(&self, uid: &str) -> Option<(&Account, &UserPool)> {
        self.accounts.iter().find_map(|account| {
            account.user_pools.iter().find(|pool| pool.uid == uid).map(|pool| (account, pool))
        })
    }
}

/// Names of fields are the file's format, values are not shown.
fn shape(words: &str) -> String {
    for kind in ["unknown field", "missing field", "duplicate field"] {
        if let Some(rest) = words.strip_prefix(kind) {
            let name = rest.split('`').nth(1).unwrap_or_default();
            return format!("has the {kind} `{name}`");
        }
    }
    "has a value of the wrong type".to_owned()
}

/// Fills what a file may leave out.
pub(crate) fn complete(state: &mut State, now: &str, mut id: impl FnMut(&str) -> String) {
    let or = |text: &mut String, value: &str| {
        if text.is_empty() {
            value.clone_into(text);
        }
    };
    or(&mut state.region, "cn-beijing");
    for account in &mut state.accounts {
        or(&mut account.service_status, "Running");
        if !account.workload_pools.iter().any(|pool| pool.workload_pool_name == "default") {
            let pool = WorkloadPool { workload_pool_name: "default".into(), ..Default::default() };
            account.workload_pools.push(pool);
        }
        for pool in &mut account.workload_pools {
            or(&mut pool.workload_pool_id, &id("wp-"));
            or(&mut pool.created_at, now);
            or(&mut pool.updated_at, now);
        }
        for workload in &mut account.workload_identities {
            or(&mut workload.workload_pool_name, "default");
            or(&mut workload.source, "Custom");
            or(&mut workload.created_at, now);
            or(&mut workload.updated_at, now);
        }
        for provider in &mut account.api_key_providers {
            or(&mut provider.pool_name, "default");
            or(&mut provider.created_at, now);
            or(&mut provider.updated_at, now);
        }
        for provider in &mut account.oauth_providers {
            or(&mut provider.pool_name, "default");
            or(&mut provider.created_at, now);
            or(&mut provider.updated_at, now);
        }
        for provider in &mut account.role_providers {
            or(&mut provider.pool_name, "default");
            or(&mut provider.credential_provider_id, &id("rcp-"));
            or(&mut provider.created_at, now);
            or(&mut provider.updated_at, now);
        }
        for credential in &mut account.user_credentials {
            or(&mut credential.pool_name, "default");
            or(&mut credential.created_at, now);
            or(&mut credential.updated_at, now);
        }
        for namespace in &mut account.namespaces {
            or(&mut namespace.namespace_id, &id("ns-"));
            or(&mut namespace.create_time, now);
            or(&mut namespace.update_time, now);
        }
        for pool in &mut account.user_pools {
            or(&mut pool.uid, &id(""));
            or(&mut pool.create_time, now);
            or(&mut pool.update_time, now);
            for client in &mut pool.clients {
                or(&mut client.uid, &id(""));
                or(&mut client.create_time, now);
                or(&mut client.update_time, now);
            }
            for provider in &mut pool.identity_providers {
                or(&mut provider.uid, &id("conn-"));
                or(&mut provider.create_time, now);
                or(&mut provider.update_time, now);
            }
        }
    }
}

/// Truth, for fields that are so unless a file says otherwise.
pub(crate) const fn yes() -> bool {
    true
}

/// What the emulator's own answers are made of.
pub(crate) fn wire<T: Serialize>(entity: &T) -> serde_json::Value {
    serde_json::to_value(entity).unwrap_or_default()
}
