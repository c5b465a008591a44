//! [`HttpError`]: there is no answer, and whether the request can have been sent.

use credential_provider_api::{CredentialError, ErrorCode};

/// Why there is no answer. What matters is whether the server may have acted on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpError {
    /// Nothing was sent.
    NotSent(HttpProblem),
    /// It may have been sent, and no whole answer came.
    Unanswered(HttpProblem),
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpProblem {
    /// No connection: name, network, refused, or TLS.
    Unreachable,
    /// A limit on time was met.
    Timeout,
    /// The connection broke, or spoke no HTTP.
    Broken,
    /// The answer is larger than the request allows.
    TooLarge,
    /// The address is neither https nor on loopback, or is no address.
    Forbidden,
    /// The address, or one that its name leads to, is out of the request's [`Reach`](super::Reach).
    OutOfReach,
}

impl HttpError {
    /// What went wrong.
    #[must_use]
    pub const fn problem(self) -> HttpProblem {
        match self {
            Self::NotSent(problem) | Self::Unanswered(problem) => problem,
        }
    }
}

impl From<HttpError> for CredentialError {
    fn from(error: HttpError) -> Self {
        let (code, detail) = match error.problem() {
            HttpProblem::Unreachable => (ErrorCode::Unavailable, "the issuer cannot be reached"),
            HttpProblem::Timeout => (ErrorCode::Timeout, "the issuer did not answer in time"),
            HttpProblem::Broken => (ErrorCode::Unavailable, "the connection to the issuer broke"),
            HttpProblem::TooLarge => (ErrorCode::InvalidResponse, "the answer is too large"),
            HttpProblem::Forbidden => {
                (ErrorCode::ConfigurationInvalid, "an address is neither https nor on loopback")
            }
            HttpProblem::OutOfReach => (
                ErrorCode::ConfigurationInvalid,
                "an address learned from a server leads where that server may not lead",
            ),
        };
        Self::new(code, detail)
    }
}
