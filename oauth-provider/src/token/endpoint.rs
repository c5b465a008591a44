//! [`TokenEndpoint`]: the calls a client makes to its issuer.

use std::sync::Arc;

use credential_provider_api::{
    Clock, CredentialError, Detail, ErrorCode, Random, Request, Revocation,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::{Answer, read};
use super::dialect::{Dialect, Requests};
use super::meaning::{DeviceWord, TokenAnswer, meaning, without_device};
use crate::client::{Addressee, Client, Proven};
use crate::dpop::{Nonces, Proof, ProofKey};
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::http::{HttpClient, HttpError, HttpResponse};
use crate::issuer::{Issuer, Metadata};
use crate::retry_after::retry_after;

/// The most bytes an answer may have.
const LIMIT: usize = 1 << 20;

pub(crate) struct TokenEndpoint {
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) client: Client,
    pub(crate) dialect: Dialect,
    pub(crate) nonces: Arc<Nonces>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// Which token is revoked (RFC 7009 §2.1) or asked about (RFC 7662 §2.1).
#[derive(Clone, Copy)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
}

impl TokenKind {
    const fn hint(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// What a call needs besides its form.
struct Prepared {
    metadata: Arc<Metadata>,
    proven: Proven,
}

/// No answer.
enum Failure {
    /// Nothing was sent.
    Before(CredentialError),
    Http(HttpError),
}

impl From<Failure> for CredentialError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Before(error) => error,
            Failure::Http(error) => error.into(),
        }
    }
}

impl TokenEndpoint {
    /// Sends `form` to the token endpoint, once, with a proof of `key` if there is one. What the call
    /// needs besides is had before anything is sent.
    pub(crate) async fn send(
        &self,
        request: &Request,
        form: Form,
        key: Option<&ProofKey>,
    ) -> TokenAnswer {
        without_device(self.send_for_device(request, form, key).await)
    }

    /// As [`send`](Self::send), for a device that waits.
    pub(crate) async fn send_for_device(
        &self,
        request: &Request,
        form: Form,
        key: Option<&ProofKey>,
    ) -> Result<TokenAnswer, DeviceWord> {
        match self.prepared(request).await {
            Ok(prepared) => self.send_prepared(&prepared, form, key).await,
            Err(error) => Ok(TokenAnswer::Unspent(error)),
        }
    }

    /// As [`send`](Self::send), in nobody's name: the assertion in the form says who speaks
    /// (RFC 7521 §4.1).
    pub(crate) async fn send_unnamed(&self, form: Form, key: Option<&ProofKey>) -> TokenAnswer {
        match self.issuer.metadata().await {
            Ok(metadata) => {
                let prepared = Prepared { metadata, proven: Proven::Unnamed };
                without_device(self.send_prepared(&prepared, form, key).await)
            }
            Err(error) => TokenAnswer::Unspent(error),
        }
    }

    async fn send_prepared(
        &self,
        prepared: &Prepared,
        form: Form,
        key: Option<&ProofKey>,
    ) -> Result<TokenAnswer, DeviceWord> {
        match self.call(prepared, &prepared.metadata.token_endpoint, form, key).await {
            Ok(response) => meaning(Ok(response), &self.dialect),
            Err(Failure::Before(error)) => Ok(TokenAnswer::Unspent(error)),
            Err(Failure::Http(error)) => meaning(Err(error), &self.dialect),
        }
    }

    /// Sends `form` to another of the issuer's endpoints, in the client's name.
    pub(crate) async fn ask(
        &self,
        request: &Request,
        endpoint: &Endpoint,
        form: Form,
        key: Option<&ProofKey>,
    ) -> Result<HttpResponse, CredentialError> {
        let prepared = self.prepared(request).await?;
        Ok(self.call(&prepared, endpoint, form, key).await?)
    }

    /// Revokes a token, if the issuer has a way to (RFC 7009).
    pub(crate) async fn revoke(
        &self,
        request: &Request,
        token: &SecretString,
        kind: TokenKind,
    ) -> Result<Revocation, CredentialError> {
        let metadata = self.issuer.metadata().await?;
        let Some(endpoint) = &metadata.revocation_endpoint else {
            return Ok(Revocation::LocalOnly);
        };
        // RFC 7009 §2.1: the hint may be left out, and not every issuer of JSON knows it.
        let form = match self.dialect.requests {
            Requests::Form => token_form(token, kind),
            Requests::Json => Form::default().secret("token", token),
        };
        let response = self.ask(request, endpoint, form, None).await?;
        let status = response.status;
        match (status, read(response.body.expose_secret(), &self.dialect)) {
            // RFC 7009 §2.2: also for a token that was not good any more.
            (200..=299, _) => Ok(Revocation::Remote),
            (429 | 500.., _) => Err(patience(&response)),
            (400..=499, Some(Answer::Error { code, description })) => {
                // RFC 7009 §2.2.1: this server does not revoke such tokens.
                if code == "unsupported_token_type" {
                    return Ok(Revocation::LocalOnly);
                }
                let detail = Detail::cleaned(&format!("{code}: {description}"));
                Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail))
            }
            _ => {
                let detail = "the revocation endpoint's answer cannot be read";
                Err(CredentialError::new(ErrorCode::InvalidResponse, detail))
            }
        }
    }

    async fn prepared(&self, request: &Request) -> Result<Prepared, CredentialError> {
        let metadata = self.issuer.metadata().await?;
        let proven = self.client.proven(request).await?;
        Ok(Prepared { metadata, proven })
    }

    /// One call; one more if all that was wrong with the first is that its proof lacked the server's
    /// nonce, which did nothing there (RFC 9449 §8).
    async fn call(
        &self,
        prepared: &Prepared,
        endpoint: &Endpoint,
        form: Form,
        key: Option<&ProofKey>,
    ) -> Result<HttpResponse, Failure> {
        let Some(key) = key else { return self.once(prepared, endpoint, form, None).await };
        let response = self.once(prepared, endpoint, form.clone(), Some(key)).await?;
        let wanted = matches!(response.status, 400 | 401)
            && response.header("dpop-nonce").is_some()
            && matches!(
                read(response.body.expose_secret(), &self.dialect),
                Some(Answer::Error { code, .. }) if code == "use_dpop_nonce"
            );
        if wanted { self.once(prepared, endpoint, form, Some(key)).await } else { Ok(response) }
    }

    async fn once(
        &self,
        prepared: &Prepared,
        endpoint: &Endpoint,
        form: Form,
        key: Option<&ProofKey>,
    ) -> Result<HttpResponse, Failure> {
        let addressee = Addressee {
            issuer: self.issuer.id.as_str(),
            token_endpoint: &prepared.metadata.token_endpoint,
        };
        let server = endpoint.origin().map(|origin| origin.to_string()).unwrap_or_default();
        let call = || {
            let call = self.client.post(endpoint, addressee, form, &prepared.proven, LIMIT)?;
            let call = self.dialect.spoken(call);
            let Some(key) = key else { return Ok(call) };
            let (htu, nonce) = (endpoint.without_query(), self.nonces.of(&server));
            let proof = Proof { htm: "POST", htu: &htu, token: None, nonce: nonce.as_deref() };
            let proof = proof.sign(key, &*self.random, self.clock.now())?;
            Ok(call.with_header("dpop", proof))
        };
        let call = call().map_err(Failure::Before)?;
        let response = self.http.send(call).await.map_err(Failure::Http)?;
        if let Some(nonce) = response.header("dpop-nonce").filter(|_| key.is_some()) {
            self.nonces.learn(&server, nonce);
        }
        Ok(response)
    }
}

/// A token, and which it is.
pub(crate) fn token_form(token: &SecretString, kind: TokenKind) -> Form {
    Form::default().secret("token", token).text("token_type_hint", kind.hint())
}

/// An answer that asks for patience, or a failure of the server.
pub(crate) fn patience(response: &HttpResponse) -> CredentialError {
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
