//! What an issuer says about itself (OpenID Connect Discovery §3, RFC 8414 §2).

use std::fmt;

use credential_provider_api::{CredentialError, ErrorCode};
use serde::Deserialize;

use crate::endpoint::Endpoint;

/// The issuer's identifier: compared as text, character by character (RFC 8414 §3.3).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IssuerId {
    text: String,
    endpoint: Endpoint,
}

impl IssuerId {
    /// The error says what is wrong with `text` and does not repeat it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let endpoint = Endpoint::parse(text)?;
        if endpoint.url().query().is_some() {
            return Err("has a query");
        }
        Ok(Self { text: text.to_owned(), endpoint })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl fmt::Debug for IssuerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is used of it.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) authorization_endpoint: Option<Endpoint>,
    pub(crate) token_endpoint: Endpoint,
    pub(crate) revocation_endpoint: Option<Endpoint>,
    pub(crate) introspection_endpoint: Option<Endpoint>,
    pub(crate) device_authorization_endpoint: Option<Endpoint>,
    pub(crate) pushed_authorization_request_endpoint: Option<Endpoint>,
    pub(crate) end_session_endpoint: Option<Endpoint>,
    pub(crate) jwks_uri: Option<Endpoint>,
    /// Whether it takes authorization requests only when they were pushed (RFC 9126 §5).
    pub(crate) pushed: Pushed,
    /// It promises `iss` in authorization responses (RFC 9207 §3).
    pub(crate) response_iss: ResponseIss,
}

/// Whether an authorization response must have an `iss`. One that has it is checked either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseIss {
    Promised,
    Optional,
}

/// Whether an issuer insists on pushed authorization requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Required,
    Optional,
}

/// The document, as far as it is read. The rest is nobody's business here.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    jwks_uri: Option<String>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Takes what only `later` says.
    pub(crate) fn complete_with(&mut self, later: Self) {
        let fill = |mine: &mut Option<Endpoint>, theirs: Option<Endpoint>| {
            if mine.is_none() {
                *mine = theirs;
            }
        };
        fill(&mut self.revocation_endpoint, later.revocation_endpoint);
        fill(&mut self.introspection_endpoint, later.introspection_endpoint);
        fill(&mut self.device_authorization_endpoint, later.device_authorization_endpoint);
        let pushed = later.pushed_authorization_request_endpoint;
        fill(&mut self.pushed_authorization_request_endpoint, pushed);
    }

    /// Reads the document that was found for `issuer`.
    pub(crate) fn read(bytes: &[u8], issuer: &IssuerId) -> Result<Self, CredentialError> {
        let wrong = |detail: &'static str| CredentialError::new(ErrorCode::InvalidResponse, detail);
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|_| wrong("the issuer's metadata cannot be read"))?;
        // RFC 8414 §3.3: whoever names another issuer is not to be believed at all.
        if document.issuer != issuer.as_str() {
            let detail = "the metadata found there is of another issuer";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        let endpoint = |text: String| {
            Endpoint::learned(&text, issuer.endpoint())
                .map_err(|_| wrong("the metadata has an endpoint that is not https"))
        };
        let token = document.token_endpoint.ok_or_else(|| wrong("it has no token endpoint"))?;
        let optional = |text: Option<String>| text.map(endpoint).transpose();
        let iss = document.authorization_response_iss_parameter_supported;
        let pushed = document.require_pushed_authorization_requests;
        Ok(Self {
            authorization_endpoint: optional(document.authorization_endpoint)?,
            token_endpoint: endpoint(token)?,
            revocation_endpoint: optional(document.revocation_endpoint)?,
            introspection_endpoint: optional(document.introspection_endpoint)?,
            device_authorization_endpoint: optional(document.device_authorization_endpoint)?,
            pushed_authorization_request_endpoint: optional(
                document.pushed_authorization_request_endpoint,
            )?,
            end_session_endpoint: optional(document.end_session_endpoint)?,
            jwks_uri: optional(document.jwks_uri)?,
            pushed: if pushed { Pushed::Required } else { Pushed::Optional },
            response_iss: if iss { ResponseIss::Promised } else { ResponseIss::Optional },
        })
    }
}
