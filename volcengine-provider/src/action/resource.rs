//! Credentials that Agent Identity keeps: API keys, OAuth tokens, users' own values, roles.
//!
//! `identity_token` is a workload's token everywhere.

use secrecy::SecretString;

use super::sts::Nothing;
use super::{answer, object, request};

request! {
    /// A hosted API key.
    GetResourceApiKey -> ResourceApiKey, Repeatable {
        identity_token: SecretString = "IdentityToken", provider_name: String = "ProviderName";
        pool_name: String = "PoolName",
    }
}

answer! {
    /// A hosted API key, and where in a request it goes.
    ResourceApiKey {
        api_key: SecretString = "ApiKey";
        api_key_metadata: ApiKeyMetadata = "ApiKeyMetadata",
    }
}

object! {
    /// Where an API key goes.
    ApiKeyMetadata {
        location: String = "Location",
        parameter_name: String = "ParameterName",
        prefix: String = "Prefix",
    }
}

request! {
    /// An OAuth token for a resource, or the page where the user consents to one. `flow` is
    /// `USER_FEDERATION` or `M2M`.
    GetResourceOauth2Token -> ResourceOauth2Token, Repeatable {
        identity_token: SecretString = "IdentityToken", provider_name: String = "ProviderName";
        custom_parameters: CustomParameters = "CustomParameters",
        custom_state: SecretString = "CustomState",
        flow: String = "Flow",
        force_authentication: bool = "ForceAuthentication",
        pool_name: String = "PoolName",
        redirect_url: String = "RedirectUrl",
        resource_oauth2_return_url: String = "ResourceOauth2ReturnUrl",
        scopes: Vec<String> = "Scopes",
        session_uri: SecretString = "SessionUri",
    }
}

object! {
    /// More parameters for the page where a user consents.
    CustomParameters {
        entries: Vec<super::workload::KeyValue> = "Entries",
    }
}

answer! {
    /// Either a token with the seconds it lasts, or a page to open. Page and session belong to one
    /// person.
    ResourceOauth2Token {
        access_token: SecretString = "AccessToken",
        authorization_url: SecretString = "AuthorizationUrl",
        expires_in: u64 = "ExpiresIn" by "crate::wire::lenient_amount",
        session_uri: SecretString = "SessionUri";
    }
}

request! {
    /// Hands the service what came back to an own redirect address: a code or an error.
    Oauth2Callback -> Oauth2CallbackToken, Once {
        identity_token: SecretString = "IdentityToken", state: SecretString = "State";
        code: SecretString = "Code",
        error: String = "Error",
    }
}

answer! {
    /// The token of a finished consent.
    Oauth2CallbackToken {
        access_token: SecretString = "AccessToken";
    }
}

request! {
    /// Binds a consent to the user who gave it.
    CompleteResourceTokenAuth -> Nothing, Once {
        session_uri: SecretString = "SessionUri";
        pool_name: String = "PoolName",
        user_identifier: UserIdentifier = "UserIdentifier",
    }
}

/// Who a user is, in one of three ways.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UserIdentifier {
    /// `IdentityToken`: a workload's token that acts for them.
    IdentityToken(SecretString),
    /// `UserID`.
    UserId(String),
    /// `UserToken`: their ID token.
    UserToken(SecretString),
}

impl crate::wire::Json for UserIdentifier {
    fn write(&self, body: &mut crate::wire::Body) {
        let member: (&str, &dyn crate::wire::Json) = match self {
            Self::IdentityToken(token) => ("IdentityToken", token),
            Self::UserId(id) => ("UserID", id),
            Self::UserToken(token) => ("UserToken", token),
        };
        crate::wire::object(body, &[member]);
    }
}

request! {
    /// A value that a user keeps here.
    GetUserCredential -> UserCredential, Repeatable {
        credential_id: String = "CredentialId", identity_token: SecretString = "IdentityToken";
        pool_name: String = "PoolName",
    }
}

answer! {
    /// A value that a user keeps.
    UserCredential {
        created_at: String = "CreatedAt",
        credential_data: SecretString = "CredentialData",
        credential_id: String = "CredentialId",
        updated_at: String = "UpdatedAt";
    }
}

request! {
    /// Keeps a value for a user, under an id that is chosen unless it is said.
    CreateUserCredential -> UserCredential, Once {
        credential_data: SecretString = "CredentialData", identity_token: SecretString = "IdentityToken";
        credential_id: String = "CredentialId",
        pool_name: String = "PoolName",
    }
}

request! {
    /// Another value in place of one that a user keeps.
    UpdateUserCredential -> UserCredential, Repeatable {
        credential_id: String = "CredentialId", identity_token: SecretString = "IdentityToken";
        credential_data: SecretString = "CredentialData",
        pool_name: String = "PoolName",
    }
}

request! {
    /// Forgets a value that a user keeps.
    DeleteUserCredential -> Nothing, Repeatable {
        credential_id: String = "CredentialId", identity_token: SecretString = "IdentityToken";
        pool_name: String = "PoolName",
    }
}

request! {
    /// Temporary keys of a role.
    GetRoleCredentials -> RoleCredentials, Repeatable {
        identity_token: SecretString = "IdentityToken", provider_name: String = "ProviderName";
        duration_seconds: u64 = "DurationSeconds",
        pool_name: String = "PoolName",
        requested_role_trn: String = "RequestedRoleTrn",
        role_session_name: String = "RoleSessionName",
        with_oidc: bool = "WithOIDC",
    }
}

answer! {
    /// Temporary keys of a role, within the vendor's own answer.
    RoleCredentials {
        volc_eng_response: super::sts::AssumedRole = "VolcEngResponse";
    }
}
