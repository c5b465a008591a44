//! What may be served: a text that is a secret, and nothing that stands in for one.

use std::fmt;

use credential_provider_api::{CredentialError, ErrorCode, ReauthReason, SecretString};
use secrecy::ExposeSecret as _;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::format::Problem;

/// What stands in a place for a secret.
#[derive(Default)]
pub(super) enum Said {
    /// Nothing, or null.
    #[default]
    Nothing,
    /// A text.
    Text(SecretString),
    /// An object, as a reference to a secret is.
    Object,
    /// What is neither.
    Other,
}

/// What OpenClaw writes in place of a token while it renews it, or failed to.
const FENCE: &str = "openclaw-oauth-refresh-fence:";

impl Said {
    /// The secret, without space around it; `None` if there is none.
    pub(super) fn secret(self) -> Result<Option<SecretString>, Problem> {
        let text = match self {
            Self::Nothing => return Ok(None),
            Self::Text(text) => text,
            Self::Object => return Err(reference()),
            Self::Other => return Err(Problem::Corrupt("a secret in it is no text")),
        };
        let trimmed = text.expose_secret().trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        if let Some(fence) = trimmed.strip_prefix(FENCE) {
            return Err(fenced(fence));
        }
        if is_reference(trimmed) {
            return Err(reference());
        }
        if is_mark(trimmed) {
            let detail = "a redaction mark stands where the tool keeps its secret";
            return Err(Problem::Is(CredentialError::new(ErrorCode::RedactedValue, detail)));
        }
        if trimmed.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Problem::Corrupt("a secret in it has spaces or control characters"));
        }
        let whole = trimmed.len() == text.expose_secret().len();
        Ok(Some(if whole { text } else { SecretString::from(trimmed) }))
    }
}

fn reference() -> Problem {
    let detail = "a reference stands where the secret is expected; it is not followed here";
    Problem::Is(CredentialError::new(ErrorCode::Unsupported, detail))
}

fn fenced(rest: &str) -> Problem {
    Problem::Is(if rest.contains(":failed:") {
        let detail = "OpenClaw failed to renew it: sign in again with OpenClaw";
        CredentialError::needs_reauth(ReauthReason::RenewalInterrupted, detail)
    } else {
        CredentialError::new(ErrorCode::Unavailable, "OpenClaw is renewing it")
    })
}

/// `${NAME}`, `$NAME`, an object or a marker that OpenClaw would follow to a secret elsewhere.
fn is_reference(text: &str) -> bool {
    let name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    text.starts_with("${")
        || text.strip_prefix('$').is_some_and(name)
        || text.starts_with('{')
        || ["secretref-", "secretref:", "__env__:", "op://"].iter().any(|p| text.starts_with(p))
}

/// A mark that was saved over a secret, or over the middle of one.
fn is_mark(text: &str) -> bool {
    credential_provider_api::is_mark(text) || text.contains("***")
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SaidVisitor)
    }
}

struct SaidVisitor;

impl<'de> Visitor<'de> for SaidVisitor {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
    fn visit_unit<E>(self) -> Result<Said, E> {
        Ok(Said::Nothing)
    }
    fn visit_str<E>(self, text: &str) -> Result<Said, E> {
        Ok(Said::Text(SecretString::from(text)))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Said, E> {
        Ok(Said::Other)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Said, E> {
        Ok(Said::Other)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Said, E> {
        Ok(Said::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Said, E> {
        Ok(Said::Other)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Said, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Said::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Said, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Said::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Option<SecretString>, Problem> {
        serde_json::from_str::<Said>(json).unwrap().secret()
    }

    fn refused(json: &str) -> ErrorCode {
        match read(json) {
            Err(Problem::Is(error)) => error.code(),
            _ => panic!("{json} is served"),
        }
    }

    #[test]
    fn promise_10_what_stands_in_for_a_secret_is_never_served() {
        for json in [
            r#""${OPENAI_API_KEY}""#,
            r#"" $OPENAI_API_KEY ""#,
            r#"{"source":"env","provider":"default","id":"A"}"#,
            r#""{\"source\":\"env\"}""#,
            r#""secretref-env:KEY""#,
            r#""__env__:KEY""#,
            r#""op://vault/item/field""#,
        ] {
            assert_eq!(refused(json), ErrorCode::Unsupported, "{json}");
        }
        for text in
            ["__OPENCLAW_REDACTED__", "***", "sk-***abc", "oc-sent-v2.abc.end", "••••", "XXXX"]
        {
            assert_eq!(refused(&format!("{text:?}")), ErrorCode::RedactedValue, "{text}");
        }
        let fence = |state: &str| format!(r#""{FENCE}v1:0123:{state}access:abc""#);
        assert_eq!(refused(&fence("")), ErrorCode::Unavailable);
        assert_eq!(refused(&fence("failed:")), ErrorCode::NeedsReauth);
        for json in ["7", "-7", "0.5", "true", "[[]]", r#""a b""#] {
            assert!(matches!(read(json), Err(Problem::Corrupt(_))), "{json}");
        }
    }

    #[test]
    fn a_secret_is_served_without_space_around_it() {
        assert_eq!(read(r#"" a$b.\n""#).unwrap().unwrap().expose_secret(), "a$b.");
        for nothing in ["null", r#""""#, r#"" \n""#] {
            assert!(read(nothing).unwrap().is_none());
        }
    }
}
