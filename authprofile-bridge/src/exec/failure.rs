//! [`ExecFailure`]: why there is no answer.

use super::request::MalformedRequest;

/// Why a program gives no answer. It says so on standard error, and in its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ExecFailure {
    /// What was read is no request.
    #[error("{}", malformed(*.0))]
    Malformed(MalformedRequest),
    /// The request is longer than allowed.
    #[error("the request is too long; lower secrets.resolution.maxBatchBytes of the asker")]
    TooBig,
    /// The request did not end in time.
    #[error("no whole request came in time; write one JSON object to standard input and close it")]
    TimedOut,
    /// The request could not be read.
    #[error("standard input cannot be read")]
    Unreadable,
    /// The answer could not be written, or nobody reads it.
    #[error("standard output cannot be written: the asker has gone, or does not read")]
    Unwritable,
}

const fn malformed(problem: MalformedRequest) -> &'static str {
    match problem {
        MalformedRequest::NotJson => "the request is not JSON; this speaks exec protocol v1",
        MalformedRequest::NotObject => {
            "the request is not an object {protocolVersion, provider, ids}"
        }
        MalformedRequest::NoIds => "the request has no list of texts `ids`",
    }
}

impl ExecFailure {
    /// The exit code for it: 2 for a request that is none, 3 for none in time, 4 for a broken pipe.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Malformed(_) | Self::TooBig => 2,
            Self::TimedOut => 3,
            Self::Unreadable | Self::Unwritable => 4,
        }
    }
}
