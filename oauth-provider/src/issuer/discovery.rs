//! Finding an issuer's metadata.

use std::time::Duration;

use credential_provider_api::{CredentialError, ErrorCode};
use secrecy::ExposeSecret as _;
use serde::de::IgnoredAny;

use super::metadata::{IssuerId, Metadata};
use crate::endpoint::Endpoint;
use crate::http::{HttpClient, HttpRequest};
use crate::token::patience;

/// How long metadata is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(3600);
/// The most bytes a metadata document may have.
const LIMIT: usize = 1 << 20;

/// Which document counts where an issuer has several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// OpenID Connect Discovery's before RFC 8414's.
    #[default]
    OpenIdFirst,
    /// RFC 8414's first, as MCP wants it (Authorization, "Authorization Server Metadata Discovery").
    OAuthFirst,
}

/// Asks at each place where metadata may stand, in order; the first document counts. Some issuers
/// (django-oauth-toolkit) say only in a later one where tokens are revoked and devices begin: OpenID
/// Connect has no word for it.
pub(crate) async fn discover(
    http: &dyn HttpClient,
    issuer: &IssuerId,
    order: Order,
) -> Result<Metadata, CredentialError> {
    let mut found: Option<Metadata> = None;
    for place in places(issuer, order) {
        match &mut found {
            None => found = document(http, place, issuer).await?,
            Some(first) if first.revocation_endpoint.is_some() => break,
            // What is known is not lost for want of the rest.
            Some(first) => {
                if let Ok(Some(later)) = document(http, place, issuer).await
                    && later.token_endpoint == first.token_endpoint
                {
                    first.complete_with(later);
                }
            }
        }
    }
    found.ok_or_else(|| {
        let detail = "the issuer has no metadata where OpenID Connect and RFC 8414 put it";
        CredentialError::new(ErrorCode::InvalidResponse, detail)
    })
}

/// The document at `place`, if there is one.
async fn document(
    http: &dyn HttpClient,
    place: String,
    issuer: &IssuerId,
) -> Result<Option<Metadata>, CredentialError> {
    let response = http.send(HttpRequest::get(place, LIMIT)).await?;
    match response.status {
        // A page that answers everything with 200 is no document.
        200 if serde_json::from_slice::<IgnoredAny>(response.body.expose_secret()).is_err() => {
            Ok(None)
        }
        200 => Metadata::read(response.body.expose_secret(), issuer).map(Some),
        429 | 500.. => Err(patience(&response)),
        _ => Ok(None),
    }
}

/// Whether somebody answers at `endpoint`, whatever the answer.
pub(crate) async fn answers(
    http: &dyn HttpClient,
    endpoint: &Endpoint,
) -> Result<(), CredentialError> {
    let response = http.send(HttpRequest::get(endpoint.url().as_str(), LIMIT)).await?;
    if matches!(response.status, 429 | 500..) { Err(patience(&response)) } else { Ok(()) }
}

/// OpenID Connect Discovery §4 appends to the issuer's path; RFC 8414 §3.1 puts the well-known part
/// before it. The last is where some put it all the same (RFC 8414 §5).
fn places(issuer: &IssuerId, order: Order) -> Vec<String> {
    let url = issuer.endpoint().url();
    let path = url.path().trim_end_matches('/');
    let base = |path: &str| {
        let mut place = url.clone();
        place.set_path(path);
        place.into()
    };
    let openid = base(&format!("{path}/.well-known/openid-configuration"));
    let oauth = base(&format!("/.well-known/oauth-authorization-server{path}"));
    match (order, path) {
        (Order::OpenIdFirst, "") => vec![openid, oauth],
        (Order::OAuthFirst, "") => vec![oauth, openid],
        (Order::OpenIdFirst, _) => {
            vec![openid, oauth, base(&format!("{path}/.well-known/oauth-authorization-server"))]
        }
        (Order::OAuthFirst, _) => {
            vec![oauth, base(&format!("/.well-known/openid-configuration{path}")), openid]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_stands_where_the_two_documents_say() {
        let of = |issuer: &str| places(&IssuerId::parse(issuer).unwrap(), Order::OpenIdFirst);
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
                    "https://a.example/t/1/.well-known/oauth-authorization-server",
                ]
            );
        }
    }
    #[test]
    fn mcp_has_an_order_of_its_own() {
        let of = |issuer: &str| places(&IssuerId::parse(issuer).unwrap(), Order::OAuthFirst);
        assert_eq!(
            of("https://a.example"),
            [
                "https://a.example/.well-known/oauth-authorization-server",
                "https://a.example/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            of("https://a.example/t"),
            [
                "https://a.example/.well-known/oauth-authorization-server/t",
                "https://a.example/.well-known/openid-configuration/t",
                "https://a.example/t/.well-known/openid-configuration",
            ]
        );
    }
}
