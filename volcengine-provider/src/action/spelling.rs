//! The names on the wire are those of the official SDK, odd ones included.

use serde_json::Value;

use super::{permission, providers, resource, user_pool, workload};

/// A type's name, the fields it requires, those it may have.
pub(crate) type Spelling = (&'static str, &'static [&'static str], &'static [&'static str]);

const REQUESTS: &[Spelling] = &[
    permission::CheckPermission::SPELLING,
    permission::GetTenantServiceStatus::SPELLING,
    permission::ListNamespaces::SPELLING,
    providers::GetOauth2CredentialProvider::SPELLING,
    providers::GetRoleCredentialProvider::SPELLING,
    providers::ListApiKeyCredentialProviders::SPELLING,
    providers::ListCredentialProviders::SPELLING,
    providers::ListOauth2CredentialProviders::SPELLING,
    providers::ListRoleCredentialProviders::SPELLING,
    resource::CompleteResourceTokenAuth::SPELLING,
    resource::CreateUserCredential::SPELLING,
    resource::DeleteUserCredential::SPELLING,
    resource::GetResourceApiKey::SPELLING,
    resource::GetResourceOauth2Token::SPELLING,
    resource::GetRoleCredentials::SPELLING,
    resource::GetUserCredential::SPELLING,
    resource::Oauth2Callback::SPELLING,
    resource::UpdateUserCredential::SPELLING,
    user_pool::CreateUserPool::SPELLING,
    user_pool::CreateUserPoolClient::SPELLING,
    user_pool::GetUserPool::SPELLING,
    user_pool::GetUserPoolClient::SPELLING,
    user_pool::ListIdentityProviders::SPELLING,
    user_pool::ListUserPoolClients::SPELLING,
    user_pool::ListUserPoolWellKnownEndpoints::SPELLING,
    user_pool::ListUserPools::SPELLING,
    user_pool::UpdateUserPoolClient::SPELLING,
    workload::CreateWorkloadIdentity::SPELLING,
    workload::GetWorkloadAccessToken::SPELLING,
    workload::GetWorkloadAccessTokenForJWT::SPELLING,
    workload::GetWorkloadAccessTokenForUserId::SPELLING,
    workload::GetWorkloadIdentity::SPELLING,
    workload::GetWorkloadPool::SPELLING,
    workload::ListWorkloadIdentities::SPELLING,
    workload::UpdateWorkloadIdentity::SPELLING,
];

const PARTS: &[Spelling] = &[
    permission::Entity::SPELLING,
    permission::EntityReference::SPELLING,
    permission::PermissionExtra::SPELLING,
    providers::CredentialProviderFilter::SPELLING,
    providers::RoleCredentialProviderFilter::SPELLING,
    resource::ApiKeyMetadata::SPELLING,
    resource::CustomParameters::SPELLING,
    user_pool::IdTokenSettings::SPELLING,
    user_pool::IdTokenUpdate::SPELLING,
    user_pool::IdentityProviderFilter::SPELLING,
    user_pool::RefreshTokenSettings::SPELLING,
    user_pool::UserPoolClientFilter::SPELLING,
    user_pool::UserPoolFilter::SPELLING,
    workload::KeyValue::SPELLING,
    workload::KeyValues::SPELLING,
];

fn names(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn requests_are_spelt_as_the_sdk_spells_them() {
    let recorded: Value =
        serde_json::from_str(include_str!("../../tests/vectors/spelling.json")).unwrap();
    let actions = recorded["actions"].as_object().unwrap();
    assert_eq!(REQUESTS.len(), actions.len());
    for (name, required, optional) in REQUESTS {
        let mut sorted = required.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, names(&actions[*name]["required"]), "{name}");
        let known = names(&actions[*name]["optional"]);
        let unknown = optional.iter().find(|field| !known.contains(*field));
        assert_eq!(unknown, None, "{name}");
    }
    let parts = recorded["parts"].as_object().unwrap();
    assert_eq!(PARTS.len(), parts.len());
    for (name, _, fields) in PARTS {
        let known = names(&parts[*name]);
        let unknown = fields.iter().find(|field| !known.contains(*field));
        assert_eq!(unknown, None, "{name}");
    }
}
