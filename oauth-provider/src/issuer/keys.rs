//! The keys an issuer signs ID tokens with (RFC 7517).

use std::time::Duration;

use credential_provider_api::{CredentialError, ErrorCode, Origin};
use openidconnect::core::CoreJsonWebKeySet;
use secrecy::ExposeSecret as _;

use super::metadata::{IssuerId, Metadata};
use crate::endpoint::Endpoint;
use crate::http::{HttpClient, HttpRequest};
use crate::token::patience;

/// How long keys are kept.
pub(crate) const KEPT: Duration = Duration::from_secs(300);
/// Keys younger than this are not fetched again for an unknown key id.
pub(crate) const COOLDOWN: Duration = Duration::from_secs(30);
/// The most bytes a key set may have.
const LIMIT: usize = 4 << 20;

/// A key set.
pub(crate) struct Keys(pub(crate) CoreJsonWebKeySet);

/// Where the keys are: at the issuer's own origin or one that the host trusts with them.
pub(crate) fn place<'a>(
    metadata: &'a Metadata,
    issuer: &IssuerId,
    trusted: &[Origin],
) -> Result<&'a Endpoint, CredentialError> {
    let wrong =
        |detail: &'static str| CredentialError::new(ErrorCode::ConfigurationInvalid, detail);
    let jwks = metadata.jwks_uri.as_ref();
    let jwks = jwks.ok_or_else(|| wrong("the issuer signs ID tokens and names no keys"))?;
    let origin = jwks.origin();
    let own = origin == issuer.endpoint().origin();
    if origin.is_some_and(|origin| own || trusted.contains(&origin)) {
        return Ok(jwks);
    }
    Err(wrong("the issuer's keys are at an origin that `jwksOrigins` does not list"))
}

pub(crate) async fn fetch(
    http: &dyn HttpClient,
    place: &Endpoint,
) -> Result<Keys, CredentialError> {
    let response = http.send(HttpRequest::get(place.url().as_str(), LIMIT)).await?;
    match response.status {
        200 => {}
        429 | 500.. => return Err(patience(&response)),
        _ => return Err(unreadable()),
    }
    let keys = serde_json::from_slice(response.body.expose_secret());
    keys.map(Keys).map_err(|_| unreadable())
}

fn unreadable() -> CredentialError {
    CredentialError::new(ErrorCode::InvalidResponse, "the issuer's keys cannot be read")
}
