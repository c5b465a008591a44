//! What the service says when it refuses.

use std::borrow::Cow;

/// A refusal: status, code and the number that the gateway's own codes have.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) number: Option<u32>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) retry_after: Option<u64>,
}

type Words = Cow<'static, str>;

impl ApiError {
    pub(crate) fn new(status: u16, code: impl Into<Words>, message: impl Into<Words>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { status, number: number(&code), code, message, retry_after: None }
    }

    /// The gateway's own codes, with the status that belongs to each.
    pub(crate) fn gateway(code: &'static str, message: impl Into<Words>) -> Self {
        let status = match code {
            "MissingParameter"
            | "MissingRequestInfo"
            | "InvalidTimestamp"
            | "InvalidAuthorization"
            | "InvalidCredential" => 400,
            "MissingAuthenticationToken"
            | "MissingSignature"
            | "InvalidAccessKey"
            | "SignatureDoesNotMatch"
            | "InvalidSecretToken" => 401,
            "AccessDenied" => 403,
            "ServiceNotFound" | "InvalidActionOrVersion" => 404,
            "FlowLimitExceeded" => 429,
            _ => 500,
        };
        Self::new(status, code, message)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(400, format!("MissingParameter.{parameter}"), format!("{parameter} is required"))
    }

    pub(crate) fn invalid(parameter: &str, message: impl Into<Words>) -> Self {
        Self::new(400, format!("InvalidParameter.{parameter}"), message)
    }

    /// No such thing. The status is the service's, the code is not known.
    pub(crate) fn not_found(what: &str, name: &str) -> Self {
        Self::new(404, format!("NotFound.{what}"), format!("{what} {name} not found"))
    }

    /// It is there already. The status is the service's, the code is not known.
    pub(crate) fn exists(what: &str, name: &str) -> Self {
        Self::new(409, format!("Duplicated.{what}"), format!("Duplicate entry {name} for {what}"))
    }

    pub(crate) fn denied(message: impl Into<Words>) -> Self {
        Self::gateway("AccessDenied", message)
    }
}

fn number(code: &str) -> Option<u32> {
    Some(match code {
        "UndefinedError" => 100_001,
        "MissingParameter" => 100_002,
        "MissingAuthenticationToken" => 100_003,
        "MissingRequestInfo" => 100_004,
        "MissingSignature" => 100_005,
        "InvalidTimestamp" => 100_006,
        "ServiceNotFound" => 100_007,
        "InvalidActionOrVersion" => 100_008,
        "InvalidAccessKey" => 100_009,
        "SignatureDoesNotMatch" => 100_010,
        "AccessDenied" => 100_013,
        "InternalError" => 100_014,
        "InternalServiceTimeout" => 100_016,
        "FlowLimitExceeded" => 100_018,
        _ => return None,
    })
}
