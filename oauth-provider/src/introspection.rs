//! Whether the issuer still accepts a token (RFC 7662).

use credential_provider_api::{
    Credential, CredentialError, CredentialKind, Health, HealthStatus, Request,
};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::core::Core;
use crate::token::{TokenKind, patience, token_form};

#[derive(Deserialize)]
struct Body {
    active: bool,
}

/// Asks about `current`, where the issuer answers such questions. What it cannot or will not say is
/// no fault of the token's.
pub(crate) async fn introspect(
    core: &Core,
    request: &Request,
    current: &Credential,
) -> Result<Health, CredentialError> {
    let metadata = core.issuer.metadata().await?;
    let asked = metadata.introspection_endpoint.as_ref();
    let token = current.secret().filter(|_| current.kind() == CredentialKind::OAuth2);
    let (Some(endpoint), Some(token)) = (asked, token) else { return Ok(Health::healthy()) };
    let form = token_form(token, TokenKind::Access);
    let response = core.endpoint.ask(request, endpoint, form, None).await?;
    if matches!(response.status, 429 | 500..) {
        return Err(patience(&response));
    }
    Ok(match serde_json::from_slice(response.body.expose_secret()) {
        Ok(Body { active: true }) if response.status == 200 => Health::healthy(),
        Ok(Body { active: false }) if response.status == 200 => {
            Health::new(HealthStatus::Failing, "the issuer does not accept this token any more")
        }
        // RFC 7662 §2.3: this client may not ask.
        _ => Health::new(
            HealthStatus::Healthy,
            "the issuer can be reached; it does not tell this client about tokens",
        ),
    })
}
