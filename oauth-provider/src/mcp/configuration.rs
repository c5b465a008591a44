//! [`McpConfiguration`]: what stands in a configuration file.

use credential_provider_api::{ProviderId, SecretInput};
use serde::Deserialize;

use super::builder::{McpProviderBuilder, Network};
use super::provider::McpProvider;
use crate::client::ClientAuthentication;
use crate::configuration::Owner;

/// The settings of one provider of type `mcp`; the [crate's page](crate#mcp-servers) has a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct McpConfiguration {
    server: String,
    #[serde(default)]
    network: Network,
    resource: Option<String>,
    issuer: Option<String>,
    client_id: Option<String>,
    pub(super) client_secret: Option<SecretInput>,
    client_authentication: Option<ClientAuthentication>,
    client_id_metadata_document: Option<String>,
    client_name: Option<String>,
    display_name: Option<String>,
    redirect_uri: Option<String>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    owner: Owner,
}

impl McpConfiguration {
    /// A builder with everything but the client's secret.
    pub(super) fn into_builder(self, id: ProviderId) -> McpProviderBuilder {
        let mut builder =
            McpProvider::builder(id, self.server).network(self.network).owner(self.owner.into());
        if let Some(resource) = self.resource {
            builder = builder.resource(resource);
        }
        if let Some(issuer) = self.issuer {
            builder = builder.issuer(issuer);
        }
        if let Some(client_id) = self.client_id {
            builder = builder.client_id(client_id);
        }
        if let Some(authentication) = self.client_authentication {
            builder = builder.client_authentication(authentication);
        }
        if let Some(address) = self.client_id_metadata_document {
            builder = builder.client_id_metadata_document(address);
        }
        if let Some(name) = self.client_name {
            builder = builder.client_name(name);
        }
        if let Some(name) = self.display_name {
            builder = builder.display_name(name);
        }
        if let Some(uri) = self.redirect_uri {
            builder = builder.redirect_uri(uri);
        }
        if let Some(scopes) = self.scopes {
            builder = builder.scopes(scopes);
        }
        builder
    }
}
