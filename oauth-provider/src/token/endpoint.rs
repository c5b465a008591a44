//! [`TokenEndpoint`]: the calls a client makes (RFC 6749 §3.2, RFC 7009).

use std::sync::Arc;

use credential_provider_api::{CredentialError, Detail, ErrorCode, Request, Revocation};
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::{Answer, read};
use super::dialect::{Dialect, Requests};
use super::meaning::{TokenAnswer, meaning};
use crate::client::Client;
use crate::form::Form;
use crate::http::HttpClient;
use crate::issuer::Issuer;
use crate::retry_after::retry_after;

/// The most bytes an answer may have.
const LIMIT: usize = 1 << 20;

pub(crate) struct TokenEndpoint {
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) client: Client,
    pub(crate) dialect: Dialect,
}

/// Which token is revoked (RFC 7009 §2.1).
#[derive(Clone, Copy)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
}

impl TokenEndpoint {
    /// Sends `form`, once. What the call needs besides is had before anything is sent.
    pub(crate) async fn send(&self, request: &Request, form: Form) -> TokenAnswer {
        let prepared = async {
            let metadata = self.issuer.metadata().await?;
            let secret = self.client.secret(request).await?;
            Ok((metadata, secret))
        };
        let (metadata, secret) = match prepared.await {
            Ok(prepared) => prepared,
            Err(error) => return TokenAnswer::Unspent(error),
        };
        let call = self.client.post(&metadata.token_endpoint, form, secret.as_ref(), LIMIT);
        meaning(self.http.send(self.dialect.spoken(call)).await, &self.dialect)
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
        let secret = self.client.secret(request).await?;
        let hint = match kind {
            TokenKind::Access => "access_token",
            TokenKind::Refresh => "refresh_token",
        };
        // RFC 7009 §2.1: the hint may be left out, and not every issuer of JSON knows it.
        let hint = (self.dialect.requests == Requests::Form).then_some(hint);
        let form = Form::default().secret("token", token).optional("token_type_hint", hint);
        let call = self.client.post(endpoint, form, secret.as_ref(), LIMIT);
        let response = self.http.send(self.dialect.spoken(call)).await?;
        let status = response.status;
        let patience = |code| {
            let detail = Detail::composed(format!("the issuer answered with status {status}"));
            let error = CredentialError::new(code, detail);
            match retry_after(&response) {
                Some(after) => error.with_retry_after(after),
                None => error,
            }
        };
        match (status, read(response.body.expose_secret(), &self.dialect)) {
            // RFC 7009 §2.2: also for a token that was not good any more.
            (200..=299, _) => Ok(Revocation::Remote),
            (429, _) => Err(patience(ErrorCode::RateLimited)),
            (500.., _) => Err(patience(ErrorCode::Unavailable)),
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
}
