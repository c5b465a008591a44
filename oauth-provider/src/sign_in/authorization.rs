//! An authorization request (RFC 6749 §4.1.1): what a person is asked to allow.

use std::collections::BTreeMap;

use credential_provider_api::FlowId;
use secrecy::{ExposeSecret as _, SecretString};

use super::pkce::challenge;
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
    "dpop_jkt",
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
    /// Of the key that the code is bound to (RFC 9449 §10).
    pub(crate) thumbprint: Option<&'a str>,
    pub(crate) further: &'a BTreeMap<String, String>,
    pub(crate) dialect: &'a Dialect,
}

impl Authorization<'_> {
    /// By name, in order.
    pub(crate) fn parameters(&self) -> Vec<(&str, String)> {
        let mut all = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id.to_owned()),
            ("redirect_uri", self.redirect_uri.to_owned()),
        ];
        if !self.scopes.is_empty() {
            all.push(self.dialect.asked(self.scopes));
        }
        all.push(("state", self.flow.expose().to_owned()));
        all.push(("code_challenge", challenge(self.verifier)));
        all.push(("code_challenge_method", "S256".to_owned()));
        let nonce = self.nonce.map(|nonce| nonce.expose_secret().to_owned());
        all.extend(nonce.map(|nonce| ("nonce", nonce)));
        all.extend(self.resource.map(|resource| ("resource", resource.to_owned())));
        all.extend(self.thumbprint.map(|thumbprint| ("dpop_jkt", thumbprint.to_owned())));
        all.extend(self.further.iter().map(|(name, value)| (name.as_str(), value.clone())));
        all
    }
}
