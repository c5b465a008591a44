//! HTTP behind a small trait, so that a host brings its own client.

mod error;
mod message;
#[cfg(feature = "reqwest")]
mod reqwest;

use async_trait::async_trait;

#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestClient, ReqwestClientBuilder};
pub use error::{HttpError, HttpProblem};
pub use message::{HttpMethod, HttpRequest, HttpResponse};

/// Sends one request and reads one answer.
///
/// # What a client promises
/// 1. It sends a request at most once, and follows no redirect: a 3xx is an answer like any other
///    (RFC 9700 §4.12: a redirect would carry the client's secret to wherever it points).
/// 2. It has limits on connecting, on reading and in total, so that no call waits for ever.
/// 3. It reads no more of an answer's body than [`HttpRequest::response_limit`].
/// 4. [`HttpError::NotSent`] means that no byte of the request can have reached the server. When in
///    doubt it says [`HttpError::Unanswered`]: a login depends on it.
/// 5. It logs neither headers nor bodies, and keeps no cookies.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends `request` and reads the whole answer. Dropping the future gives up; whether the request
    /// was sent is then unknown.
    ///
    /// # Errors
    /// [`HttpError`] if there is no whole answer; an error status is an answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}
