//! The envelope that every answer has.

use credential_provider_api::Detail;
use oauth_provider::HttpResponse;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::code::Fault;
use super::error::{CallError, RequestId, ServiceError};

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ResponseMetadata")]
    metadata: Option<Metadata>,
    // The flat form of some gateways.
    errorcode: Option<String>,
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    request_id: Option<String>,
    error: Option<Error>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Error {
    code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Whole<T> {
    #[serde(rename = "Result")]
    result: Option<T>,
}

/// Whether `response` to `action` is a success, and its request id.
pub(super) fn judge(action: &str, response: &HttpResponse) -> Result<Option<RequestId>, CallError> {
    let head: Option<Head> = serde_json::from_slice(response.body.expose_secret()).ok();
    let (metadata, flat) = match head {
        Some(Head { metadata, errorcode: Some(code), message }) => {
            (metadata, Some(Error { code: Some(code), message }))
        }
        Some(Head { metadata, .. }) => (metadata, None),
        None => (None, None),
    };
    let enveloped = metadata.is_some();
    let Metadata { request_id, error } = metadata.unwrap_or_default();
    let request_id = request_id.as_deref().and_then(RequestId::new);
    let failed = !(200..=299).contains(&response.status);
    match error.or(flat) {
        None if !failed && enveloped => Ok(request_id),
        None if !failed => Err(CallError::Unreadable(request_id)),
        error => {
            let Error { code, message } = error.unwrap_or_default();
            let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
            Err(CallError::Service(Box::new(ServiceError {
                status: response.status,
                fault: Fault::of(response.status, &code, &message),
                request_id,
                retry_after: response.retry_after(),
                action: action.to_owned(),
                message: Detail::cleaned(&message),
                code,
            })))
        }
    }
}

/// The `Result` of an answer that was judged a success; what is not there reads as `{}`.
pub(super) fn result<T: DeserializeOwned>(
    body: &[u8],
    request_id: Option<&RequestId>,
) -> Result<T, CallError> {
    let unreadable = || CallError::Unreadable(request_id.cloned());
    let whole: Whole<IgnoredAny> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    if whole.result.is_none() {
        return serde_json::from_str("{}").map_err(|_| unreadable());
    }
    let whole: Whole<T> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    whole.result.ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Result<Option<RequestId>, CallError> {
        judge("Probe", &HttpResponse::new(status, Vec::new(), body.as_bytes().to_vec().into()))
    }

    #[test]
    fn an_error_with_status_200_is_an_error() {
        let body = r#"{"ResponseMetadata":{"Error":{"Code":"NotFound","Message":"x"}}}"#;
        assert_eq!(judged(200, body).unwrap_err().fault(), Some(Fault::NotFound));
    }

    #[test]
    fn what_is_not_the_service_s_is_no_success() {
        for body in ["", "<html>", "{}", "[]", "null", r#"{"Result":{}}"#] {
            let error = judged(200, body).unwrap_err();
            assert!(matches!(error, CallError::Unreadable(_)), "{body}");
        }
    }

    #[test]
    fn bodies_that_are_not_json_are_judged_by_status() {
        let fault = |status| judged(status, "<html>bad gateway</html>").unwrap_err().fault();
        assert_eq!(fault(502), Some(Fault::Server));
        assert_eq!(fault(429), Some(Fault::Throttled));
        assert_eq!(fault(302), Some(Fault::Other));
    }

    #[test]
    fn the_flat_form_is_understood() {
        let body = r#"{"HTTPCode":401,"errorcode":"InvalidAccessKey","message":"x"}"#;
        assert_eq!(judged(401, body).unwrap_err().fault(), Some(Fault::KeysRejected));
    }

    #[test]
    fn a_result_may_be_absent() {
        #[derive(Deserialize)]
        struct Empty {}
        for body in [r#"{"Result":null}"#, "{}", r#"{"Result":{"More":1}}"#] {
            assert!(result::<Empty>(body.as_bytes(), None).is_ok(), "{body}");
        }
    }
}
