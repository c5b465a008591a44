//! HTTP behind a small trait, so that a host brings its own client.

mod error;
mod message;
mod reach;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "reqwest")]
mod resolver;

use async_trait::async_trait;

#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestClient, ReqwestClientBuilder};
pub use error::{HttpError, HttpProblem};
pub use message::{HttpMethod, HttpRequest, HttpResponse};
pub use reach::Reach;
#[cfg(feature = "reqwest")]
pub use resolver::Resolver;

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
/// 6. It connects to nothing out of the request's [`Reach`]: an address in the URL is judged before
///    anything is sent, a name by [all its addresses](Reach::admits), found for this connection and
///    used for it. What is out of reach is [`HttpProblem::OutOfReach`], and was not sent. No proxy
///    resolves the name in its place.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends `request` and reads the whole answer. Dropping the future gives up; whether the request
    /// was sent is then unknown.
    ///
    /// # Errors
    /// [`HttpError`] if there is no whole answer; an error status is an answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}
