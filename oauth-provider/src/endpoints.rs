//! [`Endpoints`]: what an issuer without metadata does not say itself.

use serde::Deserialize;

use crate::endpoint::Endpoint;
use crate::issuer::{IssuerId, Metadata, Pushed, ResponseIss};

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
    /// Where tokens are asked about (RFC 7662).
    pub introspection: Option<String>,
    /// Where devices begin (RFC 8628).
    pub device_authorization: Option<String>,
    /// Where authorization requests are pushed (RFC 9126).
    pub pushed_authorization: Option<String>,
    /// Where a person ends the session (OpenID Connect RP-Initiated Logout).
    pub end_session: Option<String>,
    /// The keys that sign ID tokens (RFC 7517). Needed with the scope `openid`.
    pub jwks: Option<String>,
}

impl Endpoints {
    /// The two that every issuer has.
    #[must_use]
    pub fn new(authorization: impl Into<String>, token: impl Into<String>) -> Self {
        let (authorization, token) = (authorization.into(), token.into());
        Self {
            authorization,
            token,
            revocation: None,
            introspection: None,
            device_authorization: None,
            pushed_authorization: None,
            end_session: None,
            jwks: None,
        }
    }

    /// With a place to revoke.
    #[must_use]
    pub fn with_revocation(mut self, revocation: impl Into<String>) -> Self {
        self.revocation = Some(revocation.into());
        self
    }

    /// With a place to ask about tokens.
    #[must_use]
    pub fn with_introspection(mut self, introspection: impl Into<String>) -> Self {
        self.introspection = Some(introspection.into());
        self
    }

    /// With a place for devices to begin.
    #[must_use]
    pub fn with_device_authorization(mut self, device: impl Into<String>) -> Self {
        self.device_authorization = Some(device.into());
        self
    }

    /// With a place to push authorization requests to.
    #[must_use]
    pub fn with_pushed_authorization(mut self, pushed: impl Into<String>) -> Self {
        self.pushed_authorization = Some(pushed.into());
        self
    }

    /// With a page that ends a session.
    #[must_use]
    pub fn with_end_session(mut self, end_session: impl Into<String>) -> Self {
        self.end_session = Some(end_session.into());
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
            introspection_endpoint: optional("introspection", &self.introspection)?,
            device_authorization_endpoint: optional(
                "deviceAuthorization",
                &self.device_authorization,
            )?,
            pushed_authorization_request_endpoint: optional(
                "pushedAuthorization",
                &self.pushed_authorization,
            )?,
            end_session_endpoint: optional("endSession", &self.end_session)?,
            jwks_uri: optional("jwks", &self.jwks)?,
            pushed: Pushed::Optional,
            response_iss: ResponseIss::Optional,
        })
    }
}
