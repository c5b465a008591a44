//! The address a person opens (RFC 6749 §4.1.1).

use std::collections::BTreeMap;

use credential_provider_api::FlowId;
use secrecy::{ExposeSecret as _, SecretString};

use super::pkce::challenge;
use crate::endpoint::Endpoint;
use crate::token::Dialect;

/// Parameters that only this crate sets.
pub(crate) const OWN: &[&str] = &[
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "resource",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "request",
    "request_uri",
];

pub(crate) struct Authorization<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) flow: &'a FlowId,
    pub(crate) verifier: &'a SecretString,
    pub(crate) nonce: Option<&'a SecretString>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) further: &'a BTreeMap<String, String>,
    pub(crate) dialect: &'a Dialect,
}

impl Authorization<'_> {
    pub(crate) fn url(&self, endpoint: &Endpoint) -> String {
        let mut url = endpoint.url().clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", self.client_id)
                .append_pair("redirect_uri", self.redirect_uri);
            if !self.scopes.is_empty() {
                let (name, scopes) = self.dialect.asked(self.scopes);
                query.append_pair(name, &scopes);
            }
            query
                .append_pair("state", self.flow.expose())
                .append_pair("code_challenge", &challenge(self.verifier))
                .append_pair("code_challenge_method", "S256");
            if let Some(nonce) = self.nonce {
                query.append_pair("nonce", nonce.expose_secret());
            }
            if let Some(resource) = self.resource {
                query.append_pair("resource", resource);
            }
            query.extend_pairs(self.further);
        }
        url.into()
    }
}
