//! User pools: where people sign in.

use secrecy::SecretString;

use super::{answer, object, request};

request! {
    /// A page of user pools, counted from 1.
    ListUserPools -> UserPools, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize";
        filter: UserPoolFilter = "Filter",
        project_name: String = "ProjectName",
        sort_direction: String = "SortDirection",
        sort_field: String = "SortField",
    }
}

object! {
    /// Which user pools. Whether `name` matches exactly is not documented: compare what comes back.
    UserPoolFilter {
        description: String = "Description",
        name: String = "Name",
        trn: String = "Trn",
        uid: String = "Uid",
    }
}

answer! {
    /// A page of user pools.
    UserPools {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        data: UserPool = "Data",
    }
}

request! {
    /// A user pool.
    GetUserPool -> UserPool, Repeatable {
        user_pool_uid: String = "UserPoolUid";
    }
}

request! {
    /// Creates a user pool.
    CreateUserPool -> UserPool, Once {
        name: String = "Name";
        description: String = "Description",
        password_sign_in_enabled: bool = "PasswordSignInEnabled",
        project_name: String = "ProjectName",
        required_sign_up_attributes: Vec<String> = "RequiredSignUpAttributes",
        self_account_recovery_enabled: bool = "SelfAccountRecoveryEnabled",
        self_sign_up_enabled: bool = "SelfSignUpEnabled",
        sign_in_attributes: Vec<String> = "SignInAttributes",
    }
}

answer! {
    /// A user pool. A list gives fewer of these than a pool asked for by itself.
    UserPool {
        custom_domain: String = "CustomDomain",
        description: String = "Description",
        discovery_url: String = "DiscoveryUrl",
        domain: String = "Domain",
        enabled: bool = "Enabled",
        issuer_url: String = "IssuerUrl",
        name: String = "Name",
        project_name: String = "ProjectName",
        token_signing_key_url: String = "TokenSigningKeyUrl",
        token_url: String = "TokenUrl",
        trn: String = "Trn",
        uid: String = "Uid";
    }
}

request! {
    /// A page of a pool's clients, counted from 1.
    ListUserPoolClients -> UserPoolClients, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize",
        user_pool_uid: String = "UserPoolUid";
        filter: UserPoolClientFilter = "Filter",
        sort_direction: String = "SortDirection",
        sort_field: String = "SortField",
    }
}

object! {
    /// Which clients. Whether `name` matches exactly is not documented: compare what comes back.
    UserPoolClientFilter {
        client_types: Vec<String> = "ClientTypes",
        description: String = "Description",
        name: String = "Name",
    }
}

answer! {
    /// A page of clients, with their names and types only.
    UserPoolClients {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        data: UserPoolClient = "Data",
    }
}

request! {
    /// A client of a pool.
    GetUserPoolClient -> UserPoolClient, Repeatable {
        client_uid: String = "ClientUid", user_pool_uid: String = "UserPoolUid";
    }
}

request! {
    /// Creates a client; `client_type` is `WEB_APPLICATION`, `MOBILE_APPLICATION` or
    /// `SINGLE_PAGE_APPLICATION`.
    CreateUserPoolClient -> UserPoolClient, Once {
        client_type: String = "ClientType", name: String = "Name",
        user_pool_uid: String = "UserPoolUid";
        allowed_callback_urls: Vec<String> = "AllowedCallbackUrls",
        description: String = "Description",
        development_mode_enabled: bool = "DevelopmentModeEnabled",
        device_flow_enabled: bool = "DeviceFlowEnabled",
        dismiss_login_page_enabled: bool = "DismissLoginPageEnabled",
        logo_uri: String = "LogoUri",
        skip_consent_enabled: bool = "SkipConsentEnabled",
    }
}

request! {
    /// Changes a client. What is given replaces what is there: read, change, write it whole.
    UpdateUserPoolClient -> UserPoolClient, Once {
        client_uid: String = "ClientUid", user_pool_uid: String = "UserPoolUid";
        allowed_callback_urls: Vec<String> = "AllowedCallbackUrls",
        allowed_cors: Vec<String> = "AllowedCors",
        allowed_logout_urls: Vec<String> = "AllowedLogoutUrls",
        allowed_web_origins: Vec<String> = "AllowedWebOrigins",
        description: String = "Description",
        development_mode_enabled: bool = "DevelopmentModeEnabled",
        dismiss_login_page_enabled: bool = "DismissLoginPageEnabled",
        id_token: IdTokenUpdate = "IdToken",
        logo_uri: String = "LogoUri",
        name: String = "Name",
        refresh_token: RefreshTokenSettings = "RefreshToken",
        skip_consent_enabled: bool = "SkipConsentEnabled",
    }
}

object! {
    /// How long ID tokens last, as a request spells it: another capital than in answers.
    IdTokenUpdate {
        life_time_seconds: u64 = "LifeTimeSeconds",
    }
}

object! {
    /// How long ID tokens last, as answers spell it.
    IdTokenSettings {
        lifetime_seconds: u64 = "LifetimeSeconds",
    }
}

object! {
    /// How long refresh tokens last, and whether each is good once.
    RefreshTokenSettings {
        combined_lifetime_seconds: u64 = "CombinedLifetimeSeconds",
        has_combined_lifetime: bool = "HasCombinedLifetime",
        has_idle_lifetime: bool = "HasIdleLifetime",
        idle_lifetime_seconds: u64 = "IdleLifetimeSeconds",
        rotation: bool = "Rotation",
    }
}

answer! {
    /// A client of a pool. A list gives fewer of these than a client asked for by itself.
    UserPoolClient {
        client_secret: SecretString = "ClientSecret",
        client_type: String = "ClientType",
        description: String = "Description",
        development_mode_enabled: bool = "DevelopmentModeEnabled",
        dismiss_login_page_enabled: bool = "DismissLoginPageEnabled",
        id_token: IdTokenSettings = "IdToken",
        login_page_url: String = "LoginPageUrl",
        logo_uri: String = "LogoUri",
        name: String = "Name",
        refresh_token: RefreshTokenSettings = "RefreshToken",
        skip_consent_enabled: bool = "SkipConsentEnabled",
        uid: String = "Uid";
        allowed_callback_urls: String = "AllowedCallbackUrls",
        allowed_cors: String = "AllowedCors",
        allowed_logout_urls: String = "AllowedLogoutUrls",
        allowed_web_origins: String = "AllowedWebOrigins",
    }
}

request! {
    /// A page of the identity providers that a pool's users may come from, counted from 1. The pool's
    /// id is not spelt as in other actions.
    ListIdentityProviders -> IdentityProviders, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize",
        user_pool_uid: String = "UserPoolUID";
        filter: IdentityProviderFilter = "Filter",
    }
}

object! {
    /// Which identity providers.
    IdentityProviderFilter {
        connection_type: String = "ConnectionType",
        eip_id: String = "EipId",
        exclude_connection_type: String = "ExcludeConnectionType",
        name: String = "Name",
    }
}

answer! {
    /// A page of identity providers.
    IdentityProviders {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        data: IdentityProvider = "Data",
    }
}

answer! {
    /// An identity provider.
    IdentityProvider {
        connection_type: String = "ConnectionType",
        enabled: bool = "Enabled",
        name: String = "Name",
        provider: String = "Provider",
        uid: String = "Uid";
    }
}

request! {
    /// Where the pools' issuers have their endpoints.
    ListUserPoolWellKnownEndpoints -> UserPoolEndpointList, Repeatable {
        ;
        user_pool_uids: Vec<String> = "UserPoolUids",
    }
}

answer! {
    /// The endpoints of several pools.
    UserPoolEndpointList {
        ;
        data: UserPoolEndpoints = "Data",
    }
}

answer! {
    /// The endpoints of a pool's issuer.
    UserPoolEndpoints {
        authorization_endpoint: String = "AuthorizationEndpoint",
        custom_domain: String = "CustomDomain",
        discovery_url: String = "DiscoveryUrl",
        end_session_endpoint: String = "EndSessionEndpoint",
        introspection_endpoint: String = "IntrospectionEndpoint",
        issuer_url: String = "IssuerUrl",
        jwks_uri: String = "JwksUri",
        revocation_endpoint: String = "RevocationEndpoint",
        token_endpoint: String = "TokenEndpoint",
        user_pool_uid: String = "UserPoolUid",
        userinfo_endpoint: String = "UserinfoEndpoint";
    }
}
