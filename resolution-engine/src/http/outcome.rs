//! What an answer says: about the credential, and about the client.

use credential_provider_api::{CredentialError, Origin, Outcome};
use http::{HeaderMap, StatusCode};

use super::retry_after::retry_after;

/// Where the client's answer came from. An adapter whose client knows it adds this to the answer's
/// extensions; the layer then finds out when a client followed a redirect to another origin by itself.
#[derive(Clone, Debug)]
pub struct SentTo(Option<Origin>);

impl SentTo {
    /// From the address that the client says it got the answer from. Keeps its origin only.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        Self(Origin::parse(&format!("{scheme}://{authority}")).ok())
    }

    pub(super) fn is(&self, origin: &Origin) -> bool {
        self.0.as_ref() == Some(origin)
    }
}

/// Among the extensions of a 401 that was not tried again: why the engine had no newer credential.
#[derive(Clone, Debug)]
pub struct NotRenewed(pub CredentialError);

/// What the status says about the credential; `None` if nothing. A 403 is about what the credential
/// may do, a redirect may lead to a page for signing in, and other errors are about the request or the
/// service.
pub(super) fn outcome(status: StatusCode, headers: &HeaderMap) -> Option<Outcome> {
    match status {
        StatusCode::UNAUTHORIZED => Some(Outcome::Rejected),
        StatusCode::PAYMENT_REQUIRED => Some(Outcome::Billing),
        StatusCode::TOO_MANY_REQUESTS => {
            Some(Outcome::RateLimited { retry_after: retry_after(headers) })
        }
        status if status.is_success() => Some(Outcome::Success),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_about_the_credential_or_says_nothing() {
        let of = |status| outcome(StatusCode::from_u16(status).unwrap(), &HeaderMap::new());
        for (status, wanted) in [
            (200, Some(Outcome::Success)),
            (302, None),
            (401, Some(Outcome::Rejected)),
            (402, Some(Outcome::Billing)),
            (403, None),
            (404, None),
            (407, None),
            (429, Some(Outcome::RateLimited { retry_after: None })),
            (503, None),
        ] {
            assert_eq!(of(status), wanted, "{status}");
        }
    }

    #[test]
    fn an_answers_origin_is_that_of_its_address() {
        let origin = Origin::parse("http://a.example:8080").unwrap();
        assert!(SentTo::new("http://a.example:8080/x?key=canary#y").is(&origin));
        for other in ["http://b.example:8080/", "https://a.example:8080/", "nothing", ""] {
            assert!(!SentTo::new(other).is(&origin), "{other}");
        }
        assert!(!format!("{:?}", SentTo::new("http://a/?key=canary")).contains("canary"));
    }
}
