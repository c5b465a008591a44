//! [`OAuthConfiguration`]: what stands in a configuration file.

use std::collections::BTreeMap;

use credential_provider_api::{
    AccountId, ConfigError, CredentialId, Origin, ProviderId, Scope, SecretInput, SignInMethod,
};
use serde::Deserialize;

use crate::builder::OAuthProviderBuilder;
use crate::client::{AssertionAudience, ClientAuthentication};
use crate::credential::{IssuedToken, OAuthCredential, TokenBinding};
use crate::endpoints::Endpoints;
use crate::grant_type::GrantType;
use crate::jose::SigningAlgorithm;
use crate::sign_in::{IdTokenAlgorithm, PushedAuthorization};

/// The settings of one provider of type `oauth`; the [crate's page](crate#configuration) has a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OAuthConfiguration {
    display_name: Option<String>,
    issuer: Option<String>,
    service: Option<String>,
    #[serde(default)]
    service_parameters: BTreeMap<String, String>,
    client_id: String,
    pub(crate) client_secret: Option<SecretInput>,
    pub(crate) client_key: Option<SecretInput>,
    client_key_id: Option<String>,
    client_key_algorithm: Option<SigningAlgorithm>,
    #[serde(default)]
    assertion_audience: AssertionAudience,
    client_authentication: Option<ClientAuthentication>,
    endpoints: Option<Endpoints>,
    sign_in: Option<Vec<Way>>,
    #[serde(default)]
    pushed_authorization: PushedAuthorization,
    redirect_uri: Option<String>,
    post_logout_redirect_uri: Option<String>,
    #[serde(default)]
    authorization_parameters: BTreeMap<String, String>,
    #[serde(default)]
    id_token: IdTokenSettings,
    credentials: BTreeMap<CredentialId, CredentialSettings>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdTokenSettings {
    algorithms: Option<Vec<IdTokenAlgorithm>>,
    account_claim: Option<String>,
    #[serde(default)]
    jwks_origins: Vec<Origin>,
    #[serde(default)]
    trusted_audiences: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialSettings {
    owner: Option<Owner>,
    #[serde(default)]
    token: IssuedToken,
    #[serde(default)]
    grant: GrantType,
    #[serde(default)]
    binding: TokenBinding,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    origins: Vec<Origin>,
    account: Option<AccountId>,
    resource: Option<String>,
    #[serde(default)]
    description: String,
}

/// Whose a credential is. A session's unless it is said aloud, sharing being the choice that can hurt;
/// but what a client asks for in its own name is nobody else's.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Owner {
    Session,
    Gateway,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    AuthorizationCode,
    DeviceCode,
}

impl From<Way> for SignInMethod {
    fn from(way: Way) -> Self {
        match way {
            Way::AuthorizationCode => Self::AuthorizationCode,
            Way::DeviceCode => Self::DeviceCode,
        }
    }
}

impl OAuthConfiguration {
    /// A builder with everything but the client's secret and key.
    pub(crate) fn into_builder(self, id: ProviderId) -> OAuthProviderBuilder {
        let mut builder = OAuthProviderBuilder::new(id, self.issuer, self.client_id);
        if let Some(service) = self.service {
            builder = builder.service(service);
        }
        for (name, value) in self.service_parameters {
            builder = builder.service_parameter(name, value);
        }
        if let Some(name) = self.display_name {
            builder = builder.display_name(name);
        }
        if let Some(authentication) = self.client_authentication {
            builder = builder.client_authentication(authentication);
        }
        if let Some(endpoints) = self.endpoints {
            builder = builder.endpoints(endpoints);
        }
        if let Some(uri) = self.redirect_uri {
            builder = builder.redirect_uri(uri);
        }
        if let Some(uri) = self.post_logout_redirect_uri {
            builder = builder.post_logout_redirect_uri(uri);
        }
        if let Some(ways) = self.sign_in {
            builder = builder.sign_in_methods(ways.into_iter().map(SignInMethod::from));
        }
        if let Some(id) = self.client_key_id {
            builder = builder.client_key_id(id);
        }
        if let Some(algorithm) = self.client_key_algorithm {
            builder = builder.client_key_algorithm(algorithm);
        }
        builder = builder
            .pushed_authorization(self.pushed_authorization)
            .assertion_audience(self.assertion_audience);
        for (name, value) in self.authorization_parameters {
            builder = builder.authorization_parameter(name, value);
        }
        builder = self.id_token.apply(builder);
        for (id, settings) in self.credentials {
            builder = builder.credential(settings.describe(id));
        }
        builder
    }
}

impl IdTokenSettings {
    fn apply(self, mut builder: OAuthProviderBuilder) -> OAuthProviderBuilder {
        if let Some(algorithms) = self.algorithms {
            builder = builder.id_token_algorithms(algorithms);
        }
        if let Some(claim) = self.account_claim {
            builder = builder.account_claim(claim);
        }
        for origin in self.jwks_origins {
            builder = builder.jwks_origin(origin);
        }
        for audience in self.trusted_audiences {
            builder = builder.trusted_audience(audience);
        }
        builder
    }
}

impl CredentialSettings {
    fn describe(self, id: CredentialId) -> OAuthCredential {
        let owner = match (self.owner, &self.grant) {
            (Some(Owner::Gateway), _) | (None, GrantType::ClientCredentials) => Scope::Gateway,
            _ => Scope::Session,
        };
        let mut credential = OAuthCredential::of(id, owner)
            .token(self.token)
            .grant_type(self.grant)
            .binding(self.binding)
            .scopes(self.scopes)
            .description(self.description);
        for origin in self.origins {
            credential = credential.origin(origin);
        }
        if let Some(account) = self.account {
            credential = credential.account(account);
        }
        if let Some(resource) = self.resource {
            credential = credential.resource(resource);
        }
        credential
    }
}

/// The path of a setting.
pub(crate) fn at(path: &str, name: &str, problem: &str) -> ConfigError {
    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    ConfigError::new(&path, problem)
}
