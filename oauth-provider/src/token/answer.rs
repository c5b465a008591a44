//! What a token endpoint sends (RFC 6749 §5).

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::dialect::{Dialect, Holder, OkField};
use super::member::Member;

/// A successful answer.
pub(crate) struct Tokens {
    pub(crate) access_token: SecretString,
    pub(crate) token_type: TokenType,
    /// What it is (RFC 8693 §2.2.1), where the issuer says.
    pub(crate) issued_token_type: Option<String>,
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
    /// Nothing that can be used, beside the refresh token that counts from now on.
    Unusable {
        refresh_token: SecretString,
    },
    /// `error` and `error_description` as sent: outside text.
    Error {
        code: String,
        description: String,
    },
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Body {
    access_token: Member,
    token_type: Member,
    issued_token_type: Member,
    expires_in: Member,
    refresh_token: Member,
    id_token: Member,
    scope: Member,
    error: Member,
    error_description: Member,
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

/// Reads a body, whatever the status: some issuers send errors with 200. `None` if there is nothing in
/// it that counts.
pub(crate) fn read(bytes: &[u8], dialect: &Dialect) -> Option<Answer> {
    let mut body: Body = serde_json::from_slice(bytes).ok()?;
    if let Some(code) = body.error.plain().ok()? {
        let code = code.to_owned();
        let description = body.error_description.plain().ok().flatten().unwrap_or_default();
        return Some(Answer::Error { code, description: description.to_owned() });
    }
    if dialect.ok == OkField::Heeded && !serde_json::from_slice::<Judged>(bytes).ok()?.ok {
        let (code, description) = ("not_ok".to_owned(), String::new());
        return Some(Answer::Error { code, description });
    }
    if dialect.holder == Holder::User {
        let beside = serde_json::from_slice::<Beside>(bytes).ok()?.authed_user;
        let usable = |body: &Body| matches!(body.access_token, Member::Text(_));
        body = beside.filter(usable).unwrap_or(body);
    }
    let refresh_token = std::mem::take(&mut body.refresh_token).text();
    match body.tokens(dialect) {
        Some(tokens) => Some(Answer::Tokens(Tokens { refresh_token, ..tokens })),
        // The issuer accepts only this from now on, whatever is wrong with the rest.
        None => refresh_token.map(|refresh_token| Answer::Unusable { refresh_token }),
    }
}

impl Body {
    /// All but the refresh token, if it can be used.
    fn tokens(self, dialect: &Dialect) -> Option<Tokens> {
        let token_type = dialect.token_type(self.token_type.plain().ok()?)?;
        let scopes = self.scope.plain().ok()?.map(|text| dialect.granted(text));
        let issued_token_type = self.issued_token_type.plain().ok()?.map(str::to_owned);
        let expires_in = match &self.expires_in {
            Member::Absent => None,
            Member::Number(seconds) => Some(span(*seconds)?),
            Member::Text(text) => Some(span(text.expose_secret().trim().parse().ok()?)?),
            Member::Strange => return None,
        };
        let id_token = match self.id_token {
            Member::Number(_) | Member::Strange => return None,
            text => text.text(),
        };
        Some(Tokens {
            access_token: self.access_token.text().filter(is_token)?,
            token_type,
            issued_token_type,
            refresh_token: None,
            id_token,
            expires_in,
            scopes,
        })
    }
}

/// RFC 6749 §A.12, less the space: it goes into a header.
fn is_token(token: &SecretString) -> bool {
    token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic())
}

fn span(seconds: f64) -> Option<Duration> {
    /// A hundred years: beyond that a number is a mistake, not a promise.
    const LONGEST: f64 = 3_155_760_000.0;
    // The smaller of a hundred years and no number at all would be a hundred years.
    let seconds = Some(seconds).filter(|seconds| seconds.is_finite())?;
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
            Answer::Error { .. } | Answer::Unusable { .. } => None,
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
