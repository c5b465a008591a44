//! What an answer means for the grant that was sent: spent, unspent, refused, or nobody knows.

use credential_provider_api::{CredentialError, Detail, ErrorCode, ReauthReason};
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::{Answer, Tokens, read};
use super::dialect::Dialect;
use super::endpoint::patience;
use crate::http::{HttpError, HttpResponse};

/// See [`Exchanged`](credential_store::Exchanged), whose terms these are.
pub(crate) enum TokenAnswer {
    Tokens(Box<Tokens>),
    /// The refresh token that follows, beside nothing that can be used.
    Rotated {
        refresh_token: SecretString,
        error: CredentialError,
    },
    Refused {
        reason: ReauthReason,
        detail: Detail,
    },
    Unspent(CredentialError),
    Unanswered(CredentialError),
}

/// Why a device has no token yet, or will have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceAnswer {
    AuthorizationPending,
    SlowDown,
    AccessDenied,
    ExpiredToken,
}

/// What a waiting device is told in place of tokens.
pub(crate) type DeviceWord = (DeviceAnswer, Detail);

pub(crate) fn meaning(
    answer: Result<HttpResponse, HttpError>,
    dialect: &Dialect,
) -> Result<TokenAnswer, DeviceWord> {
    match answer {
        Ok(response) => of_response(&response, dialect),
        Err(error @ HttpError::NotSent(_)) => Ok(TokenAnswer::Unspent(error.into())),
        Err(error) => Ok(TokenAnswer::Unanswered(error.into())),
    }
}

/// What it means where no device is waiting.
pub(crate) fn without_device(answer: Result<TokenAnswer, DeviceWord>) -> TokenAnswer {
    answer.unwrap_or_else(|(word, detail)| {
        let code = match word {
            DeviceAnswer::SlowDown => ErrorCode::RateLimited,
            _ => ErrorCode::InvalidResponse,
        };
        TokenAnswer::Unspent(CredentialError::new(code, detail))
    })
}

fn of_response(response: &HttpResponse, dialect: &Dialect) -> Result<TokenAnswer, DeviceWord> {
    let status = response.status;
    let unreadable = || {
        let words = format!("the token endpoint's answer, status {status}, cannot be read");
        CredentialError::new(ErrorCode::InvalidResponse, Detail::composed(words))
    };
    Ok(match (status, read(response.body.expose_secret(), dialect)) {
        (429 | 503, _) => TokenAnswer::Unspent(patience(response)),
        (200, Some(Answer::Tokens(tokens))) => TokenAnswer::Tokens(Box::new(tokens)),
        (200, Some(Answer::Unusable { refresh_token })) => {
            TokenAnswer::Rotated { refresh_token, error: unreadable() }
        }
        (200 | 400..=499, Some(Answer::Error { code, description })) => {
            return of_error(&code, &description);
        }
        // Turned away, if not in OAuth's words: a wrong address, a proxy's refusal.
        (400..=499, _) => TokenAnswer::Unspent(unreadable()),
        (500.., _) => {
            let detail = Detail::composed(format!("the issuer failed with status {status}"));
            TokenAnswer::Unanswered(CredentialError::new(ErrorCode::Unavailable, detail))
        }
        _ => TokenAnswer::Unanswered(unreadable()),
    })
}

/// The codes of RFC 6749 §5.2, RFC 8707 §2 and OpenID Connect Core §3.1.2.6, and other words for them:
/// GitHub's (docs.github.com, "Troubleshooting OAuth app access token request errors"), of which
/// `bad_refresh_token` and `bad_verification_code` are `invalid_grant`; Slack's (docs.slack.dev,
/// "oauth.v2.access"), of which `invalid_refresh_token`, `invalid_code` and `invalid_code_verifier` are.
fn of_error(code: &str, description: &str) -> Result<TokenAnswer, DeviceWord> {
    let detail = Detail::cleaned(&format!("{code}: {description}"));
    let unspent = |class, detail| TokenAnswer::Unspent(CredentialError::new(class, detail));
    Ok(match code {
        "invalid_grant"
        | "bad_refresh_token"
        | "bad_verification_code"
        | "invalid_code"
        | "invalid_code_verifier"
        | "invalid_refresh_token" => {
            TokenAnswer::Refused { reason: ReauthReason::GrantRejected, detail }
        }
        "interaction_required" | "login_required" | "consent_required" => {
            TokenAnswer::Refused { reason: ReauthReason::ConsentRequired, detail }
        }
        "invalid_client"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_request"
        | "invalid_scope"
        | "invalid_target"
        | "incorrect_client_credentials"
        | "redirect_uri_mismatch"
        | "bad_client_secret"
        | "bad_redirect_uri"
        | "invalid_client_id"
        | "invalid_grant_type"
        | "no_scopes"
        | "oauth_authorization_url_mismatch"
        | "pkce_not_allowed" => unspent(ErrorCode::ConfigurationInvalid, detail),
        "temporarily_unavailable" | "server_error" => unspent(ErrorCode::Unavailable, detail),
        "authorization_pending" => return Err((DeviceAnswer::AuthorizationPending, detail)),
        "slow_down" => return Err((DeviceAnswer::SlowDown, detail)),
        "access_denied" => return Err((DeviceAnswer::AccessDenied, detail)),
        "expired_token" => return Err((DeviceAnswer::ExpiredToken, detail)),
        _ => unspent(ErrorCode::InvalidResponse, detail),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::HttpProblem;

    fn of(status: u16, body: &str) -> String {
        let headers = vec![("Retry-After".to_owned(), "9".to_owned())];
        let response = HttpResponse::new(status, headers, body.as_bytes().to_vec().into());
        show(said(Ok(response)))
    }

    fn said(answer: Result<HttpResponse, HttpError>) -> TokenAnswer {
        without_device(meaning(answer, &Dialect::default()))
    }

    fn show(answer: TokenAnswer) -> String {
        match answer {
            TokenAnswer::Tokens(_) => "tokens".to_owned(),
            TokenAnswer::Rotated { error, .. } => format!("rotated {}", error.code()),
            TokenAnswer::Refused { reason, .. } => format!("refused {}", reason.as_str()),
            TokenAnswer::Unspent(error) => format!("unspent {}", error.code()),
            TokenAnswer::Unanswered(error) => format!("unanswered {}", error.code()),
        }
    }

    #[test]
    fn every_answer_says_what_became_of_the_grant() {
        let error = |code: &str| format!(r#"{{"error":"{code}","error_description":"x"}}"#);
        let good = r#"{"access_token":"a"}"#;
        for (status, body, meant) in [
            (200, good.to_owned(), "tokens"),
            (
                200,
                r#"{"access_token":"","refresh_token":"r"}"#.to_owned(),
                "rotated invalid_response",
            ),
            (200, error("bad_refresh_token"), "refused grant_rejected"),
            (200, error("invalid_refresh_token"), "refused grant_rejected"),
            (200, error("incorrect_client_credentials"), "unspent configuration_invalid"),
            (200, error("pkce_not_allowed"), "unspent configuration_invalid"),
            (200, "<html>".to_owned(), "unanswered invalid_response"),
            (201, "{}".to_owned(), "unanswered invalid_response"),
            (302, String::new(), "unanswered invalid_response"),
            (400, error("invalid_grant"), "refused grant_rejected"),
            (400, error("interaction_required"), "refused consent_required"),
            (401, error("invalid_client"), "unspent configuration_invalid"),
            (400, error("unauthorized_client"), "unspent configuration_invalid"),
            (400, error("something_new"), "unspent invalid_response"),
            (400, error("slow_down"), "unspent rate_limited"),
            (400, error("expired_token"), "unspent invalid_response"),
            (403, "<html>".to_owned(), "unspent invalid_response"),
            (400, good.to_owned(), "unspent invalid_response"),
            (429, String::new(), "unspent rate_limited"),
            (503, error("invalid_grant"), "unspent unavailable"),
            (500, error("invalid_grant"), "unanswered unavailable"),
            (502, "<html>".to_owned(), "unanswered unavailable"),
        ] {
            assert_eq!(of(status, &body), meant, "{status} {body}");
        }
    }

    #[test]
    fn what_was_not_sent_is_unspent() {
        let timeout = HttpProblem::Timeout;
        assert_eq!(show(said(Err(HttpError::NotSent(timeout)))), "unspent timeout");
        assert_eq!(show(said(Err(HttpError::Unanswered(timeout)))), "unanswered timeout");
    }

    #[test]
    fn an_issuer_that_asks_for_a_pause_is_obeyed() {
        let headers = vec![("retry-after".to_owned(), "9".to_owned())];
        let response = HttpResponse::new(429, headers, Vec::new().into());
        let TokenAnswer::Unspent(error) = said(Ok(response)) else { panic!("unspent") };
        assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    }

    #[test]
    fn promise_6_a_description_is_cleaned() {
        let body =
            r#"{"error":"invalid_grant","error_description":"token rt-canary-0123456789 is bad"}"#;
        let response = HttpResponse::new(400, Vec::new(), body.as_bytes().to_vec().into());
        let TokenAnswer::Refused { detail, .. } = said(Ok(response)) else { panic!("refused") };
        assert_eq!(detail.as_str(), "invalid_grant: token […] is bad");
    }
}
