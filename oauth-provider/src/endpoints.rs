//! [`Endpoints`]: what an issuer without metadata does not say itself.

use serde::Deserialize;

use crate::endpoint::Endpoint;
use crate::issuer::{IssuerId, Metadata, ResponseIss, Terms};

/// The endpoints of an issuer, in place of discovery. https, or http for an issuer on loopback.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Endpoints {
    /// Where a person signs in (RFC 6749 §3.1).
    pub authorization: String,
    /// Where codes and refresh tokens are exchanged (RFC 6749 §3.2).
    pub token: String,
    /// Where tokens are revoked (RFC 7009).
    pub revocation: Option<String>,
    /// The keys that sign ID tokens (RFC 7517). Needed with the scope `openid`.
    pub jwks: Option<String>,
}

impl Endpoints {
    /// The two that every issuer has.
    #[must_use]
    pub fn new(authorization: impl Into<String>, token: impl Into<String>) -> Self {
        let (authorization, token) = (authorization.into(), token.into());
        Self { authorization, token, revocation: None, jwks: None }
    }

    /// With a place to revoke.
    #[must_use]
    pub fn with_revocation(mut self, revocation: impl Into<String>) -> Self {
        self.revocation = Some(revocation.into());
        self
    }

    /// With keys.
    #[must_use]
    pub fn with_jwks(mut self, jwks: impl Into<String>) -> Self {
        self.jwks = Some(jwks.into());
        self
    }

    /// The error names the endpoint and what is wrong with it.
    pub(crate) fn metadata(
        &self,
        issuer: &IssuerId,
    ) -> Result<Metadata, (&'static str, &'static str)> {
        let read = |name, text: &str| {
            Endpoint::learned(text, issuer.endpoint()).map_err(|problem| (name, problem))
        };
        let optional =
            |name, text: &Option<String>| text.as_deref().map(|text| read(name, text)).transpose();
        Ok(Metadata {
            authorization_endpoint: Some(read("authorization", &self.authorization)?),
            token_endpoint: read("token", &self.token)?,
            revocation_endpoint: optional("revocation", &self.revocation)?,
            jwks_uri: optional("jwks", &self.jwks)?,
            response_iss: ResponseIss::Optional,
            terms: Terms::default(),
        })
    }
}
