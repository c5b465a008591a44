//! What an answer means for the grant that was sent: spent, unspent, refused, or nobody knows.

use credential_provider_api::{CredentialError, Detail, ErrorCode, ReauthReason};
use secrecy::ExposeSecret as _;

use super::answer::{Answer, Tokens, read};
use super::dialect::Dialect;
use crate::http::{HttpError, HttpResponse};
use crate::retry_after::retry_after;

/// See [`Exchanged`](credential_store::Exchanged), whose terms these are.
pub(crate) enum TokenAnswer {
    Tokens(Box<Tokens>),
    Refused { reason: ReauthReason, detail: Detail },
    Unspent(CredentialError),
    Unanswered(CredentialError),
}

pub(crate) fn meaning(answer: Result<HttpResponse, HttpError>, dialect: &Dialect) -> TokenAnswer {
    match answer {
        Ok(response) => of_response(&response, dialect),
        Err(error @ HttpError::NotSent(_)) => TokenAnswer::Unspent(error.into()),
        Err(error) => TokenAnswer::Unanswered(error.into()),
    }
}

fn of_response(response: &HttpResponse, dialect: &Dialect) -> TokenAnswer {
    let status = response.status;
    let patience = |code| {
        let detail = Detail::composed(format!("the issuer answered with status {status}"));
        let error = CredentialError::new(code, detail);
        TokenAnswer::Unspent(match retry_after(response) {
            Some(after) => error.with_retry_after(after),
            None => error,
        })
    };
    let unreadable = || {
        let words = format!("the token endpoint's answer, status {status}, cannot be read");
        CredentialError::new(ErrorCode::InvalidResponse, Detail::composed(words))
    };
    match (status, read(response.body.expose_secret(), dialect)) {
        (429, _) => patience(ErrorCode::RateLimited),
        (503, _) => patience(ErrorCode::Unavailable),
        (200, Some(Answer::Tokens(tokens))) => TokenAnswer::Tokens(Box::new(tokens)),
        (200 | 400..=499, Some(Answer::Error { code, description })) => {
            of_error(&code, &description)
        }
        // Turned away, if not in OAuth's words: a wrong address, a proxy's refusal.
        (400..=499, _) => TokenAnswer::Unspent(unreadable()),
        (500.., _) => {
            let detail = Detail::composed(format!("the issuer failed with status {status}"));
            TokenAnswer::Unanswered(CredentialError::new(ErrorCode::Unavailable, detail))
        }
        _ => TokenAnswer::Unanswered(unreadable()),
    }
}

/// The codes of RFC 6749 §5.2, RFC 8707 §2 and OpenID Connect Core §3.1.2.6, and other words for them:
/// GitHub's (docs.github.com, "Troubleshooting OAuth app access token request errors"), of which
/// `bad_refresh_token` and `bad_verification_code` are `invalid_grant`; Slack's (docs.slack.dev,
/// "oauth.v2.access"), of which `invalid_refresh_token`, `invalid_code` and `invalid_code_verifier` are.
fn of_error(code: &str, description: &str) -> TokenAnswer {
    let detail = Detail::cleaned(&format!("{code}: {description}"));
    let unspent = |class, detail| TokenAnswer::Unspent(CredentialError::new(class, detail));
    match code {
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
        "slow_down" => unspent(ErrorCode::RateLimited, detail),
        _ => unspent(ErrorCode::InvalidResponse, detail),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::HttpProblem;

    fn of(status: u16, body: &str) -> String {
        let headers = vec![("Retry-After".to_owned(), "9".to_owned())];
        let response = HttpResponse::new(status, headers, body.as_bytes().to_vec().into());
        show(meaning(Ok(response), &Dialect::default()))
    }

    fn show(answer: TokenAnswer) -> String {
        match answer {
            TokenAnswer::Tokens(_) => "tokens".to_owned(),
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
        let of = |error| show(meaning(Err(error), &Dialect::default()));
        assert_eq!(of(HttpError::NotSent(timeout)), "unspent timeout");
        assert_eq!(of(HttpError::Unanswered(timeout)), "unanswered timeout");
    }

    #[test]
    fn an_issuer_that_asks_for_a_pause_is_obeyed() {
        let headers = vec![("retry-after".to_owned(), "9".to_owned())];
        let response = HttpResponse::new(429, headers, Vec::new().into());
        let TokenAnswer::Unspent(error) = meaning(Ok(response), &Dialect::default()) else {
            panic!("unspent")
        };
        assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    }

    #[test]
    fn promise_6_a_description_is_cleaned() {
        let body =
            r#"{"error":"invalid_grant","error_description":"token rt-canary-0123456789 is bad"}"#;
        let response = HttpResponse::new(400, Vec::new(), body.as_bytes().to_vec().into());
        let TokenAnswer::Refused { detail, .. } = meaning(Ok(response), &Dialect::default()) else {
            panic!("refused")
        };
        assert_eq!(detail.as_str(), "invalid_grant: token […] is bad");
    }
}
