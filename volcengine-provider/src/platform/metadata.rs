//! Keys from a metadata address. They are there to assume a role with.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, ErrorCode, Timestamp};
use futures::future::{Either, select};
use oauth_provider::{HttpClient, HttpError, HttpProblem, HttpRequest, HttpResponse};
use secrecy::ExposeSecret as _;

use super::source::{Found, MetadataKeys};
use crate::wire::CallError;

/// The most bytes of an answer.
pub(super) const LONGEST_ANSWER: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct MetadataRole {
    pub(crate) url: String,
}

impl MetadataRole {
    pub(super) async fn find(
        configured: Option<&Self>,
        http: &dyn HttpClient,
        clock: &Arc<dyn Clock>,
    ) -> Result<Found, CredentialError> {
        let Some(Self { url }) = configured else {
            return Ok(Found::Absent("credentialsMetadataUrl is not set"));
        };
        let answer = fetch(http, clock, HttpRequest::get(url, LONGEST_ANSWER), PATIENCE).await;
        read(&answer.map_err(CallError::Http)?, clock.now())
    }
}

/// Nothing there is no failure; everything else is.
pub(super) fn read(answer: &HttpResponse, now: Timestamp) -> Result<Found, CredentialError> {
    match answer.status {
        404 => Ok(Found::Absent("the metadata has none (404)")),
        200 => MetadataKeys::read(answer.body.expose_secret(), now).map(Found::Keys),
        _ => Err(refused(answer)),
    }
}

pub(super) fn refused(answer: &HttpResponse) -> CredentialError {
    let code = match answer.status {
        429 => ErrorCode::RateLimited,
        500.. => ErrorCode::Unavailable,
        _ => ErrorCode::InvalidResponse,
    };
    let detail = format!("the metadata service answered with {}", answer.status);
    let error = CredentialError::new(code, credential_provider_api::Detail::composed(detail));
    match answer.retry_after() {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// Sends `request`, and waits for so long.
pub(super) async fn fetch(
    http: &dyn HttpClient,
    clock: &Arc<dyn Clock>,
    request: HttpRequest,
    patience: Duration,
) -> Result<HttpResponse, HttpError> {
    let limit = clock.sleep_until(clock.now().plus(patience));
    match select(http.send(request), limit).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(HttpError::Unanswered(HttpProblem::Timeout)),
    }
}
