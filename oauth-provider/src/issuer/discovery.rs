//! Finding an issuer's metadata.

use std::time::Duration;

use credential_provider_api::{CredentialError, Detail, ErrorCode};
use secrecy::ExposeSecret as _;

use super::metadata::{IssuerId, Metadata};
use crate::endpoint::Endpoint;
use crate::http::{HttpClient, HttpRequest, HttpResponse};
use crate::retry_after::retry_after;

/// How long metadata is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(3600);
/// The most bytes a metadata document may have.
const LIMIT: usize = 1 << 20;

/// Asks at each place where metadata may stand, in order; the first document counts.
pub(crate) async fn discover(
    http: &dyn HttpClient,
    issuer: &IssuerId,
) -> Result<Metadata, CredentialError> {
    for place in places(issuer) {
        let response = http.send(HttpRequest::get(place, LIMIT)).await?;
        match response.status {
            200 => return Metadata::read(response.body.expose_secret(), issuer),
            429 | 500.. => return Err(failing(&response)),
            _ => {}
        }
    }
    let detail = "the issuer has no metadata where OpenID Connect and RFC 8414 put it";
    Err(CredentialError::new(ErrorCode::InvalidResponse, detail))
}

/// Whether somebody answers at `endpoint`, whatever the answer.
pub(crate) async fn answers(
    http: &dyn HttpClient,
    endpoint: &Endpoint,
) -> Result<(), CredentialError> {
    let response = http.send(HttpRequest::get(endpoint.url().as_str(), LIMIT)).await?;
    if matches!(response.status, 429 | 500..) { Err(failing(&response)) } else { Ok(()) }
}

/// An answer that asks for patience.
pub(crate) fn failing(response: &HttpResponse) -> CredentialError {
    let code = match response.status {
        429 => ErrorCode::RateLimited,
        _ => ErrorCode::Unavailable,
    };
    let detail = Detail::composed(format!("the issuer answered with status {}", response.status));
    let error = CredentialError::new(code, detail);
    match retry_after(response) {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// OpenID Connect Discovery §4 appends to the issuer's path; RFC 8414 §3.1 puts the well-known part
/// before it.
fn places(issuer: &IssuerId) -> [String; 2] {
    let url = issuer.endpoint().url();
    let path = url.path().trim_end_matches('/');
    let base = |path: &str| {
        let mut place = url.clone();
        place.set_path(path);
        place.into()
    };
    [
        base(&format!("{path}/.well-known/openid-configuration")),
        base(&format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_stands_where_the_two_documents_say() {
        let of = |issuer: &str| places(&IssuerId::parse(issuer).unwrap());
        assert_eq!(
            of("https://a.example"),
            [
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ]
        );
        for issuer in ["https://a.example/t/1", "https://a.example/t/1/"] {
            assert_eq!(
                of(issuer),
                [
                    "https://a.example/t/1/.well-known/openid-configuration",
                    "https://a.example/.well-known/oauth-authorization-server/t/1",
                ]
            );
        }
    }
}
