//! What a token endpoint sends (RFC 6749 §5).

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::dialect::{Dialect, Holder, OkField};

/// A successful answer.
pub(crate) struct Tokens {
    pub(crate) access_token: SecretString,
    pub(crate) token_type: TokenType,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) id_token: Option<SecretString>,
    /// From when the request was sent; `None` if the issuer does not say.
    pub(crate) expires_in: Option<Duration>,
    /// Other than asked for.
    pub(crate) scopes: Option<Vec<String>>,
}

/// How a token is used (RFC 6749 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenType {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// With a proof of the key it is bound to (RFC 9449 §5).
    DPoP,
    /// It is no access token (RFC 8693 §2.2.1).
    NotApplicable,
}

/// An answer that can be read.
pub(crate) enum Answer {
    Tokens(Tokens),
    /// `error` and `error_description` as sent: outside text.
    Error {
        code: String,
        description: String,
    },
}

#[derive(Deserialize)]
struct Body {
    access_token: Option<SecretString>,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
    refresh_token: Option<SecretString>,
    id_token: Option<SecretString>,
    scope: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// A person's token beside a bot's, as Slack has it.
#[derive(Deserialize)]
struct Beside {
    authed_user: Option<Body>,
}

/// Slack's word on whether it worked.
#[derive(Deserialize)]
struct Judged {
    ok: bool,
}

/// A number, or a number in quotes, as some issuers have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

/// Reads a body, whatever the status: some issuers send errors with 200. `None` if it is neither
/// tokens that can be used nor an error.
pub(crate) fn read(bytes: &[u8], dialect: &Dialect) -> Option<Answer> {
    let mut body: Body = serde_json::from_slice(bytes).ok()?;
    if let Some(code) = body.error {
        let description = body.error_description.unwrap_or_default();
        return Some(Answer::Error { code, description });
    }
    if dialect.ok == OkField::Heeded && !serde_json::from_slice::<Judged>(bytes).ok()?.ok {
        let (code, description) = ("not_ok".to_owned(), String::new());
        return Some(Answer::Error { code, description });
    }
    if dialect.holder == Holder::User {
        let beside = serde_json::from_slice::<Beside>(bytes).ok()?.authed_user;
        body = beside.filter(|body| body.access_token.is_some()).unwrap_or(body);
    }
    let token_type = dialect.token_type(body.token_type.as_deref())?;
    let expires_in = match body.expires_in {
        None => None,
        Some(seconds) => Some(span(&seconds)?),
    };
    let given = |secret: &SecretString| !secret.expose_secret().is_empty();
    Some(Answer::Tokens(Tokens {
        access_token: body.access_token.filter(|token| given(token) && is_token(token))?,
        token_type,
        refresh_token: body.refresh_token.filter(given),
        id_token: body.id_token.filter(given),
        expires_in,
        scopes: body.scope.map(|text| dialect.granted(&text)),
    }))
}

/// RFC 6749 §A.12, less the space: it goes into a header.
fn is_token(token: &SecretString) -> bool {
    token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic())
}

fn span(seconds: &Seconds) -> Option<Duration> {
    /// A hundred years: beyond that a number is a mistake, not a promise.
    const LONGEST: f64 = 3_155_760_000.0;
    let seconds = match seconds {
        Seconds::Number(seconds) => *seconds,
        Seconds::Text(text) => text.trim().parse().ok()?,
    };
    Duration::try_from_secs_f64(seconds.min(LONGEST)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard(body: &[u8]) -> Option<Answer> {
        read(body, &Dialect::default())
    }

    fn tokens(body: &str) -> Option<Tokens> {
        match standard(body.as_bytes())? {
            Answer::Tokens(tokens) => Some(tokens),
            Answer::Error { .. } => None,
        }
    }

    #[test]
    fn the_forms_issuers_have_are_understood() {
        for (expires_in, seconds) in [("3600", 3600), ("\"3600\"", 3600), ("3600.0", 3600)] {
            let body = format!(
                r#"{{"access_token":"a","token_type":"BEARER","expires_in":{expires_in}}}"#
            );
            assert_eq!(tokens(&body).unwrap().expires_in, Some(Duration::from_secs(seconds)));
        }
        let plain = tokens(r#"{"access_token":"a","refresh_token":"","x":{}}"#).unwrap();
        assert!(plain.expires_in.is_none() && plain.refresh_token.is_none());
    }

    #[test]
    fn what_cannot_be_used_is_not_tokens() {
        for body in [
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":"a\r\nX: y"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a","expires_in":"soon"}"#,
            r#"{"access_token":"a","expires_in":-1}"#,
            "<html>access_token</html>",
            "",
        ] {
            assert!(standard(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn an_error_counts_even_beside_tokens() {
        let body = br#"{"access_token":"a","error":"invalid_grant"}"#;
        assert!(
            matches!(standard(body), Some(Answer::Error { code, .. }) if code == "invalid_grant")
        );
    }
}
