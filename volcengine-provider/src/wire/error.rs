//! [`CallError`]: why a call has no result.

use std::fmt;
use std::time::Duration;

use credential_provider_api::{CredentialError, Detail, ErrorCode};
use oauth_provider::{HttpError, HttpProblem};

use super::code::Fault;
use super::shown::shown;

/// Why a call has no result. `Debug` and `Display` show no text of the service that was not cleaned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The service answered with an error.
    Service(Box<ServiceError>),
    /// There is no whole answer.
    Http(HttpError),
    /// The answer is none of this service's.
    Unreadable(Option<RequestId>),
    /// The keys could not be had, or the call could not be made.
    Credential(CredentialError),
}

/// An error that the service answered with.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServiceError {
    /// The status of the answer; an error may come with 200.
    pub status: u16,
    /// What it means.
    pub fault: Fault,
    /// The id by which the service finds the call.
    pub request_id: Option<RequestId>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    pub(super) action: String,
    pub(super) code: String,
    pub(super) message: Detail,
}

impl ServiceError {
    /// The code, in the service's own words; for comparing, not for showing.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Words that may be shown: action, code, message, status, request id.
    fn detail(&self) -> Detail {
        let code = match shown(&self.code) {
            Some(code) => Detail::composed(code),
            None => Detail::cleaned(&self.code),
        };
        let mut text = format!("{} was refused with {}", self.action, self.status);
        for words in [code.as_str(), self.message.as_str()] {
            if !words.is_empty() {
                text.push_str(": ");
                text.push_str(words);
            }
        }
        Detail::composed(numbered(text, self.request_id.as_ref()))
    }
}

impl fmt::Debug for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceError({:?}: {})", self.fault, self.detail().as_str())
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail().as_str())
    }
}

/// The service's id of one call: 8 to 64 hexadecimal digits and `-`. Anything else is not kept, so
/// that an id can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    pub(super) fn new(text: &str) -> Option<Self> {
        let valid = |c: char| c.is_ascii_hexdigit() || c == '-';
        let fits = (8..=64).contains(&text.len()) && text.chars().all(valid);
        fits.then(|| Self(text.into()))
    }

    /// The id.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

fn numbered(mut text: String, id: Option<&RequestId>) -> String {
    if let Some(id) = id {
        text.push_str(" (request ");
        text.push_str(id.as_str());
        text.push(')');
    }
    text
}

impl CallError {
    /// What the service said is wrong, if it is the service that said so.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Service(error) => Some(error.fault),
            _ => None,
        }
    }

    /// Whether it may be about a token that the call carries, and not about the one of its keys.
    pub(crate) fn may_mean_a_bearer(&self) -> bool {
        let Self::Service(error) = self else { return false };
        let codes = ["invalidtoken", "expiredtoken", "expiredtokenexception"];
        codes.iter().any(|code| error.code.eq_ignore_ascii_case(code))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CredentialError::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for CallError {}

impl From<CredentialError> for CallError {
    fn from(error: CredentialError) -> Self {
        Self::Credential(error)
    }
}

impl From<CallError> for CredentialError {
    fn from(error: CallError) -> Self {
        let (code, detail) = match error {
            CallError::Credential(error) => return error,
            CallError::Unreadable(id) => {
                let text = "the answer is not one of this service".to_owned();
                (ErrorCode::InvalidResponse, Detail::composed(numbered(text, id.as_ref())))
            }
            CallError::Http(error) => match error.problem() {
                HttpProblem::Timeout => {
                    (ErrorCode::Timeout, "the service did not answer in time".into())
                }
                HttpProblem::TooLarge => {
                    (ErrorCode::InvalidResponse, "the answer is too large".into())
                }
                HttpProblem::Forbidden => (
                    ErrorCode::ConfigurationInvalid,
                    "an address has no TLS and is not where that is fine".into(),
                ),
                HttpProblem::Broken => {
                    (ErrorCode::Unavailable, "the connection to the service broke".into())
                }
                _ => (ErrorCode::Unavailable, "the service cannot be reached".into()),
            },
            CallError::Service(error) => {
                let code = match error.fault {
                    Fault::Throttled => ErrorCode::RateLimited,
                    Fault::Server => ErrorCode::Unavailable,
                    Fault::KeysRejected => ErrorCode::Rejected,
                    Fault::NotFound => ErrorCode::CredentialNotFound,
                    Fault::UnknownAction => ErrorCode::Unsupported,
                    Fault::Clock
                    | Fault::Denied
                    | Fault::AlreadyExists
                    | Fault::Invalid
                    | Fault::Other => ErrorCode::ConfigurationInvalid,
                };
                let mapped = Self::new(code, error.detail());
                return match error.retry_after {
                    Some(after) if mapped.is_transient() => mapped.with_retry_after(after),
                    _ => mapped,
                };
            }
        };
        Self::new(code, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str, id: &str) -> CallError {
        CallError::Service(Box::new(ServiceError {
            status: 400,
            fault: Fault::of(400, code, message),
            request_id: RequestId::new(id),
            retry_after: None,
            action: "GetResourceApiKey".into(),
            code: code.into(),
            message: Detail::cleaned(message),
        }))
    }

    #[test]
    fn promise_9_an_error_names_action_code_and_request() {
        let shown = error("SignatureDoesNotMatch", "no", "20251127AABB00").to_string();
        for part in ["rejected", "GetResourceApiKey", "signaturedoesnotmatch", "20251127AABB00"] {
            assert!(shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn promise_6_what_a_service_says_is_cleaned() {
        let secret = "sk-canary-1234567890-abc";
        let error = error(secret, &format!("the key {secret} is bad"), secret);
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
