//! From a server to the issuer of its tokens.

use std::sync::Arc;

use credential_provider_api::{CredentialError, ErrorCode};

use super::resource::{ProtectedResource, find};
use super::server::Server;
use super::wire::Confined;
use crate::http::{HttpClient, Reach};
use crate::issuer::{IssuerId, Metadata, Order, discover};

/// Who issues tokens for a server, found just now.
pub(super) struct Discovered {
    pub(super) issuer: IssuerId,
    pub(super) metadata: Arc<Metadata>,
    /// What the server calls itself.
    pub(super) resource: String,
    /// What it asks for, if it says.
    pub(super) scopes: Vec<String>,
}

/// What the way begins with.
pub(super) struct Finder {
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) server: Server,
    /// The issuer that the host has named: no other is asked.
    pub(super) pinned: Option<IssuerId>,
}

impl Finder {
    /// Asks the server, then its issuer; `known` is taken if the server still names it. Cancel-safe.
    pub(super) async fn discover(
        &self,
        known: Option<&str>,
    ) -> Result<Discovered, CredentialError> {
        let found = match find(&*self.http, &self.server).await? {
            Some(found) => found,
            // "Abort or use pre-configured values": MCP's diagram of the discovery.
            None if self.pinned.is_some() => ProtectedResource {
                resource: self.server.resource().to_owned(),
                issuers: Vec::new(),
                scopes: Vec::new(),
            },
            None => {
                let detail = "the server does not say who issues its tokens (RFC 9728); \
                              name its `issuer`";
                return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
            }
        };
        let ProtectedResource { resource, issuers, scopes } = found;
        let issuer = self.chosen(&issuers, known)?;
        let reach = self.reach_of(&issuer);
        let http = Confined { http: self.http.clone(), reach };
        let metadata = discover(&http, &issuer, Order::OAuthFirst).await?;
        let page = metadata.authorization_endpoint.as_ref();
        if page.is_some_and(|page| !reach.admits_url(page.url())) {
            return Err(wrong("the issuer names a page to sign in at that it may not lead to"));
        }
        // MCP, "Authorization Code Protection": otherwise nothing tells whether PKCE is looked at.
        if !metadata.terms.has_s256() {
            return Err(wrong("the issuer does not say that it knows PKCE with S256"));
        }
        Ok(Discovered { issuer, metadata: Arc::new(metadata), resource, scopes })
    }

    /// How far `issuer` may lead: one that the host has named, wherever it points.
    pub(super) fn reach_of(&self, issuer: &IssuerId) -> Reach {
        if self.pinned.as_ref() == Some(issuer) { Reach::Configured } else { self.server.reach() }
    }

    fn chosen(&self, named: &[String], known: Option<&str>) -> Result<IssuerId, CredentialError> {
        if let Some(pinned) = &self.pinned {
            let named = named.is_empty() || named.iter().any(|name| name == pinned.as_str());
            return if named {
                Ok(pinned.clone())
            } else {
                Err(wrong("the server names other issuers than the one configured"))
            };
        }
        let same = named.iter().find(|name| Some(name.as_str()) == known);
        let name = same
            .or_else(|| named.first())
            .ok_or_else(|| wrong("the server names no issuer of its tokens"))?;
        IssuerId::parse(name)
            .ok()
            .filter(|issuer| self.server.reach().admits_url(issuer.endpoint().url()))
            .ok_or_else(|| wrong("the server names an issuer that it may not lead to"))
    }
}

fn wrong(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
}
