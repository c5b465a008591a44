//! [`OAuthConfiguration`]: what stands in a configuration file.

use std::collections::BTreeMap;

use credential_provider_api::{
    AccountId, ConfigError, CredentialId, Origin, ProviderId, Scope, SecretInput,
};
use serde::Deserialize;

use crate::builder::OAuthProviderBuilder;
use crate::client::ClientAuthentication;
use crate::credential::{IssuedToken, OAuthCredential};
use crate::endpoints::Endpoints;
use crate::provider::OAuthProvider;
use crate::sign_in::IdTokenAlgorithm;

/// The settings of one provider of type `oauth`; the [crate's page](crate#configuration) has a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OAuthConfiguration {
    display_name: Option<String>,
    issuer: String,
    client_id: String,
    pub(crate) client_secret: Option<SecretInput>,
    client_authentication: Option<ClientAuthentication>,
    endpoints: Option<Endpoints>,
    redirect_uri: Option<String>,
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
    #[serde(default)]
    owner: Owner,
    #[serde(default)]
    token: IssuedToken,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    origins: Vec<Origin>,
    account: Option<AccountId>,
    resource: Option<String>,
    #[serde(default)]
    description: String,
}

/// Whose a credential is. A session's unless it is said aloud: sharing is the choice that can hurt.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    #[default]
    Session,
    Gateway,
}

impl From<Owner> for Scope {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Session => Self::Session,
            Owner::Gateway => Self::Gateway,
        }
    }
}

impl OAuthConfiguration {
    /// A builder with everything but the client's secret.
    pub(crate) fn into_builder(self, id: ProviderId) -> OAuthProviderBuilder {
        let mut builder = OAuthProvider::builder(id, self.issuer, self.client_id);
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
        let mut credential = OAuthCredential::of(id, self.owner.into())
            .token(self.token)
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
