//! What each action does. The shape of its parameters has been checked.

mod api_keys;
mod bindings;
mod hosted;
mod listing;
mod oauth;
mod permission;
mod pools;
mod role_credentials;
mod roles;
mod sts;
mod tips;
mod user_credentials;
mod user_pools;
mod workloads;

use serde_json::{Value, json};

use super::fields::with;
use super::gateway::{ApiError, Params};
use super::sts::Caller;
use super::world::World;

type Answer = Result<Value, ApiError>;
type Action = fn(&mut World, &Caller, &Params) -> Answer;

/// Carries out `action` for `caller`.
pub(crate) fn run(world: &mut World, action: &str, caller: &Caller, params: &Params) -> Answer {
    match find(action) {
        Some(run) => run(world, caller, params),
        None => Err(ApiError::gateway("InvalidActionOrVersion", format!("no {action}"))),
    }
}

fn find(action: &str) -> Option<Action> {
    Some(match action {
        "AssumeRole" => sts::assume_role,
        "AssumeRoleWithOIDC" => sts::assume_role_with_oidc,
        "GetCallerIdentity" => sts::get_caller_identity,

        "GetWorkloadAccessToken" => tips::of_workload,
        "GetWorkloadAccessTokenForJWT" => tips::for_jwt,
        "GetWorkloadAccessTokenForUserId" => tips::for_user_id,
        "CreateWorkloadIdentity" => workloads::create,
        "GetWorkloadIdentity" => workloads::get,
        "ListWorkloadIdentities" => workloads::list,
        "UpdateWorkloadIdentity" => workloads::update,
        "DeleteWorkloadIdentity" => workloads::delete,
        "GetWorkloadPool" => pools::get,
        "ListWorkloadPools" => pools::list,
        "CreateWorkloadPool" => pools::create,

        "GetResourceApiKey" => api_keys::resource,
        "GetResourceOauth2Token" => hosted::token,
        "Oauth2Callback" => hosted::callback,
        "CompleteResourceTokenAuth" => hosted::complete,
        "GetUserCredential" => user_credentials::get,
        "CreateUserCredential" => user_credentials::create,
        "UpdateUserCredential" => user_credentials::update,
        "DeleteUserCredential" => user_credentials::delete,
        "GetRoleCredentials" => role_credentials::get,

        "ListCredentialProviders" => listing::all,
        "ListRoleCredentialProviders" => roles::list,
        "GetRoleCredentialProvider" => roles::get,
        "CreateRoleCredentialProvider" => roles::create,
        "UpdateRoleCredentialProvider" => roles::update,
        "DeleteRoleCredentialProvider" => roles::delete,
        "CreateApiKeyCredentialProvider" => api_keys::create,
        "GetApiKeyCredentialProvider" => api_keys::get,
        "ListApiKeyCredentialProviders" => api_keys::list,
        "BatchGetApiKeyCredentialProviders" => api_keys::batch,
        "UpdateApiKeyCredentialProvider" => api_keys::update,
        "DeleteApiKeyCredentialProvider" => api_keys::delete,
        "CreateOauth2CredentialProvider" => oauth::create,
        "CreateOauth2CredentialProviderDcr" => oauth::create_registered,
        "GetOauth2CredentialProvider" => oauth::get,
        "ListOauth2CredentialProviders" => oauth::list,
        "BatchGetOauth2CredentialProviders" => oauth::batch,
        "UpdateOauth2CredentialProvider" => oauth::update,
        "DeleteOauth2CredentialProvider" => oauth::delete,
        "BindCredentialProvider" => bindings::bind,
        "UnBindCredentialProvider" => bindings::unbind,
        "ListCredentialProviderBindings" => bindings::list,

        "CheckPermission" => permission::check,
        "ListNamespaces" => permission::list,
        "CreateNamespace" => permission::create,
        "GetTenantServiceStatus" => permission::status,

        "ListUserPools" => user_pools::list,
        "GetUserPool" => user_pools::get,
        "CreateUserPool" => user_pools::create,
        "DeleteUserPool" => user_pools::delete,
        "ListUserPoolClients" => user_pools::clients::list,
        "GetUserPoolClient" => user_pools::clients::get,
        "CreateUserPoolClient" => user_pools::clients::create,
        "UpdateUserPoolClient" => user_pools::clients::update,
        "DeleteUserPoolClient" => user_pools::clients::delete,
        "ListIdentityProviders" => user_pools::providers::list,
        "ListAllIdentityProviders" => user_pools::providers::all,
        "ListUserPoolWellKnownEndpoints" => user_pools::endpoints,
        "DisableIdentityProviderForUser" => user_pools::providers::disable_for_user,
        _ => return None,
    })
}

impl World {
    /// The caller's account; every caller has one.
    fn of(&mut self, caller: &Caller) -> Result<&mut super::state::Account, ApiError> {
        let id = caller.account;
        self.state.account_mut(id).ok_or_else(|| ApiError::denied("no such account"))
    }
}

/// An answer that says nothing.
#[allow(clippy::unnecessary_wraps, reason = "it stands where answers stand")]
fn nothing() -> Answer {
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::gateway::shapes;

    #[test]
    fn every_action_that_has_a_shape_is_there() {
        let shapes = shapes().unwrap();
        let all: Vec<&String> = shapes.values().flat_map(|service| service.keys()).collect();
        assert_eq!(all.len(), 62);
        for action in all {
            assert!(find(action).is_some(), "{action}");
        }
    }
}
