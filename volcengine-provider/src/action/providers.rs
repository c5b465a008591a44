//! Credential providers: what Agent Identity can give credentials for.

use super::workload::KeyValue;
use super::{answer, object, request};

request! {
    /// A page of credential providers for API keys and OAuth, counted from 1.
    ListCredentialProviders -> CredentialProviders, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize";
        filter: CredentialProviderFilter = "Filter",
        pool_name: String = "PoolName",
        sort_desc: bool = "SortDesc",
        sort_field: String = "SortField",
    }
}

object! {
    /// Which credential providers; `flow` is `USER_FEDERATION` or `M2M`, `kind` `api_key` or `oauth2`.
    /// Whether `name` matches exactly is not documented.
    CredentialProviderFilter {
        binding_status: bool = "BindingStatus",
        flow: String = "Flow",
        name: String = "Name",
        pool_name: String = "PoolName",
        project_name: String = "ProjectName",
        source: String = "Source",
        kind: String = "Type",
        vendor: u64 = "Vendor",
    }
}

answer! {
    /// A page of credential providers.
    CredentialProviders {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        credential_providers: CredentialProvider = "CredentialProviders",
    }
}

answer! {
    /// A credential provider.
    CredentialProvider {
        binding_resource_number: u64 = "BindingResourceNumber",
        created_at: String = "CreatedAt",
        credential_provider_trn: String = "CredentialProviderTrn",
        flow: String = "Flow",
        name: String = "Name",
        pool_name: String = "PoolName",
        project_name: String = "ProjectName",
        kind: String = "Type",
        updated_at: String = "UpdatedAt",
        vendor: i64 = "Vendor";
    }
}

request! {
    /// A page of credential providers for roles, counted from 1.
    ListRoleCredentialProviders -> RoleCredentialProviders, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize";
        filter: RoleCredentialProviderFilter = "Filter",
        sort_desc: bool = "SortDesc",
        sort_field: String = "SortField",
    }
}

object! {
    /// Which credential providers.
    RoleCredentialProviderFilter {
        credential_provider_id: String = "CredentialProviderId",
        name: String = "Name",
        pool_name: String = "PoolName",
        project_name: String = "ProjectName",
        vendor: u64 = "Vendor",
    }
}

answer! {
    /// A page of credential providers for roles.
    RoleCredentialProviders {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        role_credential_providers: RoleCredentialProvider = "RoleCredentialProviders",
    }
}

request! {
    /// A credential provider for roles, by name.
    GetRoleCredentialProvider -> RoleCredentialProvider, Repeatable {
        name: String = "Name";
        pool_name: String = "PoolName",
    }
}

answer! {
    /// A credential provider for roles.
    RoleCredentialProvider {
        config: RoleConfig = "Config",
        created_at: String = "CreatedAt",
        credential_provider_id: String = "CredentialProviderId",
        credential_provider_trn: String = "CredentialProviderTrn",
        name: String = "Name",
        pool_name: String = "PoolName",
        project_name: String = "ProjectName",
        updated_at: String = "UpdatedAt",
        vendor: i64 = "Vendor";
    }
}

answer! {
    /// Whose identities get which roles.
    RoleConfig {
        identity_pool: IdentityPool = "IdentityPool",
        metadata: String = "Metadata",
        role_mapping: RoleMapping = "RoleMapping";
    }
}

answer! {
    /// A pool of agents, of users, or both.
    IdentityPool {
        agent_pool: AgentPool = "AgentPool",
        user_pool: UserPoolRef = "UserPool";
    }
}

answer! {
    /// A pool of agents.
    AgentPool {
        pool_name: String = "PoolName";
    }
}

answer! {
    /// A pool of users, and a client of it.
    UserPoolRef {
        client_id: String = "ClientId",
        client_name: String = "ClientName",
        pool_id: String = "PoolId",
        pool_name: String = "PoolName";
    }
}

answer! {
    /// How a role is found: asked for, fixed, or by rules.
    RoleMapping {
        from_request: FromRequest = "FromRequest",
        from_role: Role = "FromRole",
        from_rule: FromRule = "FromRule";
    }
}

answer! {
    /// The caller asks for one of these.
    FromRequest {
        ;
        allowed_roles: Role = "AllowedRoles",
    }
}

answer! {
    /// A role.
    Role {
        policy_template: String = "PolicyTemplate",
        role_name: String = "RoleName";
    }
}

answer! {
    /// The first rule that matches.
    FromRule {
        default_role: String = "DefaultRole";
        rules: RoleRule = "Rules",
    }
}

answer! {
    /// A rule on a claim of the identity token.
    RoleRule {
        claim: String = "Claim",
        match_type: String = "MatchType",
        role: String = "Role",
        value: String = "Value";
    }
}

request! {
    /// A credential provider for OAuth, by name.
    GetOauth2CredentialProvider -> Oauth2CredentialProvider, Repeatable {
        name: String = "Name";
        pool_name: String = "PoolName",
    }
}

answer! {
    /// A credential provider for OAuth. Its client's secret is not read.
    Oauth2CredentialProvider {
        config: Oauth2Config = "Config",
        created_at: String = "CreatedAt",
        credential_provider_trn: String = "CredentialProviderTrn",
        name: String = "Name",
        pool_name: String = "PoolName",
        project_name: String = "ProjectName",
        updated_at: String = "UpdatedAt",
        vendor: i64 = "Vendor";
    }
}

answer! {
    /// How tokens are had of an OAuth issuer.
    Oauth2Config {
        client_id: String = "ClientId",
        custom_parameters: CustomParametersFound = "CustomParameters",
        flow: String = "Flow",
        force_authentication: bool = "ForceAuthentication",
        max_expires: u64 = "MaxExpires",
        redirect_url: String = "RedirectUrl";
        scopes: String = "Scopes",
    }
}

answer! {
    /// More parameters for the page where a user consents.
    CustomParametersFound {
        ;
        entries: KeyValue = "Entries",
    }
}

request! {
    /// A page of credential providers for OAuth, counted from 1.
    ListOauth2CredentialProviders -> Oauth2CredentialProviders, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize";
        pool_name: String = "PoolName",
    }
}

answer! {
    /// A page of credential providers for OAuth; documentation and SDK disagree about the list's name.
    Oauth2CredentialProviders {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        oauth2_credential_providers: CredentialProvider = "Oauth2CredentialProviders" or "Data",
    }
}

request! {
    /// A page of credential providers for API keys, counted from 1.
    ListApiKeyCredentialProviders -> ApiKeyCredentialProviders, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize";
        pool_name: String = "PoolName",
    }
}

answer! {
    /// A page of credential providers for API keys; documentation and SDK disagree about the list's
    /// name.
    ApiKeyCredentialProviders {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        api_key_credential_providers: CredentialProvider = "ApiKeyCredentialProviders" or "Data",
    }
}
