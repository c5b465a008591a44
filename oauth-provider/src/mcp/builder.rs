//! [`McpProviderBuilder`]: a provider for hosts without configuration files, and what the factory
//! builds with.

use std::sync::Arc;

use credential_provider_api::{
    Capability, Clock, ConfigError, CredentialId, CredentialRef, GrantStore, ProviderDescriptor,
    ProviderId, Random, Scope, SecretString, SignInMethod,
};
use credential_store::Grants;
use tokio::sync::watch;
use url::Url;

use super::bound::{Binder, ClientOrigin, UsedClient};
use super::challenge::scopes;
use super::discovery::Finder;
use super::memory::Memory;
use super::provider::{Clients, Doubts, McpProvider};
use super::server::Server;
use crate::builder::OAuthRuntime;
use crate::client::{ClientAuthentication, Kept};
use crate::configuration::at;
use crate::credential::OAuthCredential;
use crate::endpoint::Endpoint;
use crate::http::HttpClient;
use crate::issuer::IssuerId;

/// The credential's id.
const TOKEN: &str = "token";

/// Makes an [`McpProvider`].
#[must_use = "a builder does nothing until `build`"]
pub struct McpProviderBuilder {
    id: ProviderId,
    server: String,
    network: Network,
    resource: Option<String>,
    issuer: Option<String>,
    client_id: Option<String>,
    secret: Option<Kept<SecretString>>,
    authentication: Option<ClientAuthentication>,
    document: Option<String>,
    client_name: Option<String>,
    display_name: Option<String>,
    redirect_uri: Option<String>,
    scopes: Option<Vec<String>>,
    owner: Scope,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Network {
    #[default]
    Public,
    Private,
}

/// What a provider runs on: lent by its host.
#[derive(Clone)]
#[allow(clippy::exhaustive_structs, reason = "a host fills in each of them")]
pub struct McpRuntime {
    /// The HTTP client.
    pub http: Arc<dyn HttpClient>,
    /// Where logins and registrations are kept.
    pub store: Arc<dyn GrantStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, cryptographically secure.
    pub random: Arc<dyn Random>,
}

impl McpProvider {
    /// A provider `id` of the token of the MCP server whose endpoint is at `server`.
    pub fn builder(id: ProviderId, server: impl Into<String>) -> McpProviderBuilder {
        McpProviderBuilder {
            id,
            server: server.into(),
            network: Network::Public,
            resource: None,
            issuer: None,
            client_id: None,
            secret: None,
            authentication: None,
            document: None,
            client_name: None,
            display_name: None,
            redirect_uri: None,
            scopes: None,
            owner: Scope::Session,
        }
    }
}

impl McpProviderBuilder {
    /// The server is on a private network, though its address does not show it: what it names may be
    /// there too.
    pub const fn private_network(mut self) -> Self {
        self.network = Network::Private;
        self
    }

    pub(super) const fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// What the server calls itself, if not by its address: a resource of the same origin.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// The only issuer whose tokens are wanted. It may be anywhere.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// A client that is registered at the [`issuer`](Self::issuer) already.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// That client's secret.
    pub fn client_secret(mut self, secret: SecretString) -> Self {
        self.secret = Some(Kept::Here(secret));
        self
    }

    /// That client's secret is a credential of another provider, asked for each time it is needed.
    pub fn client_secret_from(mut self, reference: CredentialRef) -> Self {
        self.secret = Some(Kept::Asked(reference));
        self
    }

    pub(super) fn secret(mut self, secret: Kept<SecretString>) -> Self {
        self.secret = Some(secret);
        self
    }

    /// How that client proves who it is. Without this: `client_secret_basic` with a secret, `none`
    /// without.
    pub const fn client_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = Some(authentication);
        self
    }

    /// The address of a client id metadata document: the client id wherever an issuer takes such.
    pub fn client_id_metadata_document(mut self, address: impl Into<String>) -> Self {
        self.document = Some(address.into());
        self
    }

    /// The name to register with, which people see when they agree; the display name without this.
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = Some(name.into());
        self
    }

    /// Its name for people; its id without this.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Where a sign-in comes back to if the host that starts it names no address.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// The scopes to ask for, in place of those the server asks for.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Whose the token is: each session's, or the gateway's.
    pub const fn owner(mut self, owner: Scope) -> Self {
        self.owner = owner;
        self
    }

    /// The provider. Nothing is sent.
    ///
    /// # Errors
    /// [`ConfigError`] with the name of the first setting that cannot be used.
    pub fn build(self, runtime: McpRuntime) -> Result<McpProvider, ConfigError> {
        self.build_at("", runtime)
    }

    /// As [`build`](Self::build), for settings that stand at `path`.
    pub(super) fn build_at(
        self,
        path: &str,
        runtime: McpRuntime,
    ) -> Result<McpProvider, ConfigError> {
        let wrong = |name: &str, problem: &str| at(path, name, problem);
        let mut server = Server::parse(&self.server).map_err(|p| wrong("server", p))?;
        if let Some(resource) = &self.resource {
            server = server.called(resource).map_err(|p| wrong("resource", p))?;
        }
        if self.network == Network::Private {
            server = server.private();
        }
        let pinned = self.issuer.as_deref().map(IssuerId::parse);
        let pinned = pinned.transpose().map_err(|p| wrong("issuer", p))?;
        let clients = self.clients(&wrong)?;
        if let Some(uri) = &self.redirect_uri {
            Endpoint::parse(uri).map_err(|p| wrong("redirectUri", p))?;
        }
        if let Some(asked) = &self.scopes
            && scopes(asked.iter().map(String::as_str)).len() != asked.len()
        {
            let problem =
                "has scopes of visible ASCII without quotes or backslashes, each of them once";
            return Err(wrong("scopes", problem));
        }
        let invalid = |error: credential_provider_api::InvalidId| {
            wrong("server", &format!("leads to an id that cannot be used: {error}"))
        };
        let mut credential =
            OAuthCredential::of(CredentialId::new(TOKEN).map_err(invalid)?, self.owner)
                .origin(server.origin().clone());
        credential.variants = &["scopes"];
        let McpRuntime { http, store, clock, random } = runtime;
        let memory = Memory::new(store.clone(), self.id.clone(), server.url().to_owned());
        let memory = memory.map_err(invalid)?;
        let grants = Grants::builder(store).clock(clock.clone()).build();
        let name = self.display_name.unwrap_or_else(|| self.id.as_str().to_owned());
        let descriptor = ProviderDescriptor::new(self.id.clone(), name)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Check)
            .with_capability(Capability::List)
            .with_capability(Capability::Revoke)
            .with_sign_in(SignInMethod::AuthorizationCode)
            .with_credential(credential.descriptor());
        let finder = Finder { http: http.clone(), server, pinned };
        let runtime = OAuthRuntime { http, grants, clock, random };
        Ok(McpProvider {
            descriptor,
            binder: Binder::new(finder, runtime, self.id, credential),
            memory,
            clients,
            redirect_uri: self.redirect_uri,
            scopes: self.scopes,
            doubts: Doubts::default(),
            moved: watch::Sender::new(0),
        })
    }

    fn clients(&self, wrong: &impl Fn(&str, &str) -> ConfigError) -> Result<Clients, ConfigError> {
        let configured = match &self.client_id {
            None if self.secret.is_some() => {
                return Err(wrong("clientId", "is missing; `clientSecret` is of a client"));
            }
            None if self.authentication.is_some() => {
                return Err(wrong("clientId", "is missing; `clientAuthentication` is a client's"));
            }
            None => None,
            Some(_) if self.issuer.is_none() => {
                let problem = "is missing: a client goes to the issuer that registered it, \
                               not to whichever the server names";
                return Err(wrong("issuer", problem));
            }
            Some(id) => {
                if id.is_empty() || !id.chars().all(|c| matches!(c, ' '..='~')) {
                    return Err(wrong("clientId", "is made of visible ASCII (RFC 6749 §A.1)"));
                }
                let (authentication, secret) = (self.authentication, self.secret.clone());
                match (authentication, &secret) {
                    (Some(ClientAuthentication::None), Some(_)) => {
                        return Err(wrong("clientSecret", "is there and would not be used"));
                    }
                    (Some(other), None) if other != ClientAuthentication::None => {
                        let problem = "is missing; the client's authentication needs it";
                        return Err(wrong("clientSecret", problem));
                    }
                    _ => {}
                }
                let origin = ClientOrigin::Configured;
                Some(UsedClient { id: id.clone(), secret, authentication, origin })
            }
        };
        let document = self.document.as_ref().map(|address| {
            document(address).map_err(|problem| wrong("clientIdMetadataDocument", problem))
        });
        let name = self.client_name.as_ref().or(self.display_name.as_ref());
        let name = name.map_or_else(|| self.id.as_str().to_owned(), Clone::clone);
        Ok(Clients { configured, document: document.transpose()?, name })
    }
}

/// OAuth Client ID Metadata Document §3: https, a path, no fragment and no user name.
fn document(address: &str) -> Result<UsedClient, &'static str> {
    let endpoint = Endpoint::parse(address)?;
    let url: &Url = endpoint.url();
    if url.scheme() != "https" {
        return Err("is not https");
    }
    if url.path() == "/" || url.as_str() != address {
        return Err("has a path, and is written as issuers compare it: no dots, no default port");
    }
    Ok(UsedClient {
        id: address.to_owned(),
        secret: None,
        authentication: Some(ClientAuthentication::None),
        origin: ClientOrigin::Document,
    })
}
