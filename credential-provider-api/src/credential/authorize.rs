//! How a credential authorizes a request: the sink it is made for.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::issued::Credential;
use super::material::Material;
use crate::error::{CredentialError, Detail, ErrorCode};
use crate::origin::Origin;
use crate::time::Timestamp;

/// Where in a request a secret goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Placement {
    /// In a header, after a prefix such as `Bearer `.
    Header {
        /// The header's name.
        name: String,
        /// What stands before the secret; may be empty.
        prefix: String,
    },
    /// In a query parameter.
    Query {
        /// The parameter's name.
        name: String,
    },
}

impl Placement {
    /// `Authorization: Bearer …` (RFC 6750 §2.1).
    #[must_use]
    pub fn bearer() -> Self {
        Self::header("Authorization", "Bearer ")
    }

    /// A header of any name.
    #[must_use]
    pub fn header(name: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self::Header { name: name.into(), prefix: prefix.into() }
    }

    /// A query parameter.
    #[must_use]
    pub fn query(name: impl Into<String>) -> Self {
        Self::Query { name: name.into() }
    }
}

/// A request about to be sent, as its sender's URL parser split it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OutgoingRequest<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// Where it goes.
    pub origin: &'a Origin,
    /// The path, percent-encoded as sent.
    pub path: &'a str,
    /// The query without `?`, percent-encoded as sent.
    pub query: &'a str,
    /// Headers a signature may cover.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body a signature may cover.
    pub body: &'a [u8],
}

impl<'a> OutgoingRequest<'a> {
    /// A request without query, headers or body.
    #[must_use]
    pub const fn new(method: &'a str, origin: &'a Origin, path: &'a str) -> Self {
        Self { method, origin, path, query: "", headers: &[], body: &[] }
    }

    /// With a query.
    #[must_use]
    pub const fn with_query(mut self, query: &'a str) -> Self {
        self.query = query;
        self
    }

    /// With headers.
    #[must_use]
    pub const fn with_headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// With a body.
    #[must_use]
    pub const fn with_body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }
}

/// What to add to a request. `Debug` shows names only.
#[derive(Default)]
#[non_exhaustive]
pub struct Authorization {
    /// Headers to set, replacing any of the same name.
    pub headers: Vec<(String, SecretString)>,
    /// Query parameters to add; values are not yet percent-encoded.
    pub query: Vec<(String, SecretString)>,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |list: &[(String, SecretString)]| {
            list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        f.debug_struct("Authorization")
            .field("headers", &names(&self.headers))
            .field("query", &names(&self.query))
            .finish()
    }
}

/// Signs requests, or proves possession, with a credential's material.
///
/// Implementations hold any further key (a DPoP key) themselves and never show it.
pub trait SignRequest: Send + Sync {
    /// What to add to `request` at `now` so that it is authorized.
    ///
    /// # Errors
    /// A [`CredentialError`] if this material cannot sign or this request cannot be signed.
    fn sign(
        &self,
        material: &Material,
        request: &OutgoingRequest<'_>,
        now: Timestamp,
    ) -> Result<Authorization, CredentialError>;

    /// Takes note of what `origin` answered to a request signed by this, and says what to do: a
    /// service may ask for its nonce in the proof (RFC 9449 §9). Nothing by default.
    fn answered(&self, origin: &Origin, status: u16, headers: &[(&str, &str)]) -> Advice {
        let _ = (origin, status, headers);
        Advice::Done
    }
}

/// What to do about a service's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a request that was turned away for want of a nonce is sent again"]
#[non_exhaustive]
pub enum Advice {
    /// Take it as it is.
    Done,
    /// Authorize the request anew and send it once more.
    SendAgain,
}

impl Credential {
    /// Tells this credential what `origin` answered to a request it authorized. Call it for every
    /// answer: a nonce comes with good ones too. Names of headers in any case.
    pub fn answered(&self, origin: &Origin, status: u16, headers: &[(&str, &str)]) -> Advice {
        match self.signer() {
            // Another origin's word is not taken.
            Some(signer) if self.origins().contains(origin) => {
                signer.answered(origin, status, headers)
            }
            _ => Advice::Done,
        }
    }

    /// What to add to `request` so that it is authorized.
    ///
    /// Only for the origins this credential names; judge each redirect hop anew.
    ///
    /// # Errors
    /// `origin_denied` for another origin, `expired` past its end, `unsupported` for a kind that
    /// does not authorize requests by itself.
    pub fn authorize(
        &self,
        request: &OutgoingRequest<'_>,
        now: Timestamp,
    ) -> Result<Authorization, CredentialError> {
        if !self.origins().contains(request.origin) {
            let detail = Detail::composed(format!("{} is not among its origins", request.origin));
            return Err(CredentialError::new(ErrorCode::OriginDenied, detail));
        }
        if self.expires_at().is_some_and(|end| now >= end) || now >= self.window().until {
            return Err(CredentialError::new(ErrorCode::Expired, "it ended before this request"));
        }
        if let Some(signer) = self.signer() {
            return signer.sign(self.material(), request, now);
        }
        let Some(secret) = self.secret() else {
            let detail = "this kind authorizes a request only through a signer";
            return Err(CredentialError::new(ErrorCode::Unsupported, detail));
        };
        let mut authorization = Authorization::default();
        match self.placement().cloned().unwrap_or_else(Placement::bearer) {
            Placement::Header { name, prefix } => {
                let mut value = String::with_capacity(prefix.len() + secret.expose_secret().len());
                value.push_str(&prefix);
                value.push_str(secret.expose_secret());
                authorization.headers.push((name, value.into()));
            }
            Placement::Query { name } => authorization.query.push((name, secret.clone())),
        }
        Ok(authorization)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1000);

    fn origin() -> Origin {
        Origin::parse("https://api.example").unwrap()
    }

    #[test]
    fn a_bearer_token_goes_into_the_authorization_header() {
        let credential = Credential::oauth2("abc".into()).with_origin(origin());
        let added =
            credential.authorize(&OutgoingRequest::new("GET", &origin(), "/"), NOW).unwrap();
        let (name, value) = &added.headers[0];
        assert_eq!((name.as_str(), value.expose_secret()), ("Authorization", "Bearer abc"));
        assert!(!format!("{added:?}").contains("abc"));
    }

    #[test]
    fn promise_6_another_origin_gets_nothing() {
        let credential = Credential::api_key("abc".into())
            .with_placement(Placement::query("key"))
            .with_origin(origin());
        for other in ["http://api.example", "https://api.example:444", "https://evil.example"] {
            let other = Origin::parse(other).unwrap();
            let error =
                credential.authorize(&OutgoingRequest::new("GET", &other, "/"), NOW).unwrap_err();
            assert_eq!(error.code(), ErrorCode::OriginDenied);
        }
        let none = Credential::api_key("abc".into());
        assert!(none.authorize(&OutgoingRequest::new("GET", &origin(), "/"), NOW).is_err());
    }

    #[test]
    fn only_the_services_it_is_sent_to_advise_its_signer() {
        struct Nonces;
        impl SignRequest for Nonces {
            fn sign(
                &self,
                _: &Material,
                _: &OutgoingRequest<'_>,
                _: Timestamp,
            ) -> Result<Authorization, CredentialError> {
                Ok(Authorization::default())
            }
            fn answered(&self, _: &Origin, status: u16, _: &[(&str, &str)]) -> Advice {
                if status == 401 { Advice::SendAgain } else { Advice::Done }
            }
        }
        let plain = Credential::token("abc".into()).with_origin(origin());
        assert_eq!(plain.answered(&origin(), 401, &[]), Advice::Done);
        let signed = plain.with_signer(std::sync::Arc::new(Nonces));
        assert_eq!(signed.answered(&origin(), 401, &[]), Advice::SendAgain);
        assert_eq!(signed.answered(&origin(), 200, &[]), Advice::Done);
        let evil = Origin::parse("https://evil.example").unwrap();
        assert_eq!(signed.answered(&evil, 401, &[]), Advice::Done);
    }

    #[test]
    fn promise_3_an_expired_credential_authorizes_nothing() {
        let credential = Credential::token("abc".into()).with_origin(origin()).with_expiry(NOW);
        let error =
            credential.authorize(&OutgoingRequest::new("GET", &origin(), "/"), NOW).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Expired);
    }
}
