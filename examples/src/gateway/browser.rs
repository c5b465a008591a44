//! What a person's browser does: opens the page, says who is there, follows the way back.

use credential_provider_api::{CredentialError, ErrorCode};
use oauth_provider::{HttpClient, HttpRequest, HttpResponse};

/// Opens an issuer's page as `login`, who consents: where the issuer sends the browser then.
///
/// # Errors
/// `unavailable` if nobody answers, `invalid_response` if the page sends nobody anywhere.
pub async fn consent(
    http: &dyn HttpClient,
    page: &str,
    login: &str,
) -> Result<String, CredentialError> {
    let answer = open(http, &format!("{page}&login={login}")).await?;
    let to = answer.header("location").map(str::to_owned);
    to.ok_or_else(|| CredentialError::new(ErrorCode::InvalidResponse, "the page leads nowhere"))
}

/// Opens an address.
///
/// # Errors
/// `unavailable` if nobody answers.
pub async fn open(http: &dyn HttpClient, address: &str) -> Result<HttpResponse, CredentialError> {
    let sent = http.send(HttpRequest::get(address, 64 * 1024)).await;
    sent.map_err(|_| CredentialError::new(ErrorCode::Unavailable, "the browser got no answer"))
}
