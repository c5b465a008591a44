//! The secret itself, by kind.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::id::InvalidId;

/// The kinds of credential, by their names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialKind {
    /// A static key.
    ApiKey,
    /// An OAuth 2.0 access token.
    #[serde(rename = "oauth2")]
    OAuth2,
    /// Any other bearer token, for example a JWT.
    Token,
    /// Named values a user supplied.
    UserValue,
    /// A cloud access key, which signs requests.
    AccessKey,
}

impl CredentialKind {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::OAuth2 => "oauth2",
            Self::Token => "token",
            Self::UserValue => "user_value",
            Self::AccessKey => "access_key",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The secret. Its `Debug` shows the kind and names, never a value.
#[derive(Clone)]
#[non_exhaustive]
pub enum Material {
    /// See [`CredentialKind::ApiKey`].
    ApiKey(SecretString),
    /// See [`CredentialKind::OAuth2`].
    OAuth2(SecretString),
    /// See [`CredentialKind::Token`].
    Token(SecretString),
    /// See [`CredentialKind::UserValue`]. Never empty.
    UserValue(BTreeMap<String, SecretString>),
    /// See [`CredentialKind::AccessKey`].
    AccessKey(AccessKey),
}

/// A cloud access key. The id is public, the rest is not.
#[derive(Clone)]
#[non_exhaustive]
pub struct AccessKey {
    /// The public id of the key.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: SecretString,
    /// The session token of temporary keys.
    pub session_token: Option<SecretString>,
}

impl AccessKey {
    /// A key of its parts.
    #[must_use]
    pub const fn new(
        access_key_id: String,
        secret_access_key: SecretString,
        session_token: Option<SecretString>,
    ) -> Self {
        Self { access_key_id, secret_access_key, session_token }
    }
}

impl Material {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::ApiKey(_) => CredentialKind::ApiKey,
            Self::OAuth2(_) => CredentialKind::OAuth2,
            Self::Token(_) => CredentialKind::Token,
            Self::UserValue(_) => CredentialKind::UserValue,
            Self::AccessKey(_) => CredentialKind::AccessKey,
        }
    }

    /// All secrets in it, with the name each goes by.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        let mut found: Vec<(&str, &SecretString)> = Vec::new();
        match self {
            Self::ApiKey(secret) => found.push(("key", secret)),
            Self::OAuth2(secret) => found.push(("access_token", secret)),
            Self::Token(secret) => found.push(("token", secret)),
            Self::UserValue(fields) => found.extend(fields.iter().map(|(n, s)| (n.as_str(), s))),
            Self::AccessKey(key) => {
                found.push(("secret_access_key", &key.secret_access_key));
                found.extend(key.session_token.iter().map(|s| ("session_token", s)));
            }
        }
        found.into_iter()
    }

    pub(crate) fn check(&self) -> Result<(), InvalidId> {
        use secrecy::ExposeSecret as _;
        const WHAT: &str = "a credential";
        if let Self::UserValue(fields) = self
            && fields.is_empty()
        {
            return Err(InvalidId::new(WHAT, "of kind user_value has at least one field"));
        }
        for (name, secret) in self.secrets() {
            let text = secret.expose_secret();
            if text.is_empty() {
                return Err(InvalidId::new(WHAT, format!("has a value for `{name}`; it is empty")));
            }
            // Promise 10: marks of other programs are never served as secrets.
            if is_mark(text) {
                return Err(InvalidId::new(
                    WHAT,
                    format!(
                        "has a real value for `{name}`; this is a redaction mark or an unresolved reference"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Whether `text` stands in for a secret: an OpenClaw redaction mark, sentinel or refresh fence, a row
/// of stars or bullets, an unresolved `${NAME}` or `secretref-env:NAME`, or nothing at all. Other
/// programs leave such where a secret was or will be; it is never served and never written as one.
#[must_use]
pub fn is_mark(text: &str) -> bool {
    let text = text.trim();
    text.contains("__OPENCLAW_REDACTED__")
        || text.starts_with("oc-sent-v2.")
        || text.starts_with("secretref-env:")
        || text.starts_with("openclaw-oauth-refresh-fence:")
        || (text.starts_with("${") && text.ends_with('}'))
        || text.chars().all(|c| matches!(c, '*' | '•' | '…'))
        || (text.len() >= 4 && text.chars().all(|c| matches!(c, 'x' | 'X')))
        || matches!(
            text,
            "[redacted]" | "[REDACTED]" | "<redacted>" | "REDACTED" | "[object Object]"
        )
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserValue(fields) => {
                f.debug_tuple("UserValue").field(&fields.keys().collect::<Vec<_>>()).finish()
            }
            Self::AccessKey(key) => key.fmt(f),
            other => write!(f, "{:?}(…)", other.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_10_marks_are_no_secrets() {
        for mark in [
            "",
            "***",
            " •••• ",
            "xxxxxxxx",
            "__OPENCLAW_REDACTED__",
            "${OPENAI_API_KEY}",
            "secretref-env:OPENAI_API_KEY",
            "oc-sent-v2.AAAA.end",
            "openclaw-oauth-refresh-fence:v1:00112233445566778899aabbccddeeff:access:00",
            "[object Object]",
        ] {
            assert!(is_mark(mark), "{mark}");
        }
        for value in ["sk-1", "$ecret", "pa**word", "xx", "${A}b"] {
            assert!(!is_mark(value), "{value}");
        }
    }

    #[test]
    fn kinds_have_the_names_of_the_rfc() {
        for kind in [
            CredentialKind::ApiKey,
            CredentialKind::OAuth2,
            CredentialKind::Token,
            CredentialKind::UserValue,
            CredentialKind::AccessKey,
        ] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn promise_10_marks_are_never_secrets() {
        for mark in
            ["__OPENCLAW_REDACTED__", "***", "${OPENAI_API_KEY}", "oc-sent-v2.abc.end", " •••• "]
        {
            assert!(Material::ApiKey(mark.into()).check().is_err(), "{mark}");
        }
        assert!(Material::ApiKey("sk-1".into()).check().is_ok());
        assert!(Material::UserValue(BTreeMap::new()).check().is_err());
    }

    #[test]
    fn promise_6_debug_shows_no_value() {
        let fields = BTreeMap::from([("password".to_owned(), "canary".into())]);
        let key = AccessKey::new("AKID".into(), "canary".into(), Some("canary".into()));
        for material in [
            Material::ApiKey("canary".into()),
            Material::OAuth2("canary".into()),
            Material::Token("canary".into()),
            Material::UserValue(fields),
            Material::AccessKey(key),
        ] {
            assert!(!format!("{material:?} {material:#?}").contains("canary"));
        }
    }
}
