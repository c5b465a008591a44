//! [`CredentialRef`]: how configuration points at a credential.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{CredentialId, InvalidId, ProviderId};

/// Points at one credential of one provider: `{ "provider": "…", "id": "…" }`, exactly these keys.
///
/// The RFC keeps this shape apart from a SecretRef, which has three keys. Anything else is refused
/// with a message that says what it looks like. Its text form is `provider/id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub struct CredentialRef {
    /// The provider that issues the credential.
    pub provider: ProviderId,
    /// The credential's name within that provider.
    pub id: CredentialId,
}

impl CredentialRef {
    /// A reference made of two validated ids.
    #[must_use]
    pub const fn new(provider: ProviderId, id: CredentialId) -> Self {
        Self { provider, id }
    }

    /// Parses `provider/id`; the id may itself contain slashes.
    ///
    /// # Errors
    /// [`InvalidId`] if there is no slash or one of the two parts is not an id.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (provider, id) = text
            .split_once('/')
            .ok_or_else(|| InvalidId::new("a credential reference", "has the form provider/id"))?;
        Ok(Self::new(ProviderId::new(provider)?, CredentialId::new(id)?))
    }
}

impl fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.id)
    }
}

impl std::str::FromStr for CredentialRef {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for CredentialRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RefVisitor)
    }
}

struct RefVisitor;

const EXPECTED: &str = "a credential reference { provider, id } with exactly these two keys";

impl<'de> Visitor<'de> for RefVisitor {
    type Value = CredentialRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    // The text itself stays out of the message: it may be a key pasted in the wrong place.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<CredentialRef, E> {
        let trimmed = text.trim();
        Err(E::custom(if trimmed.starts_with("${") && trimmed.ends_with('}') {
            format!("this looks like an environment SecretRef (${{NAME}}); expected {EXPECTED}")
        } else if CredentialRef::parse(trimmed).is_ok() {
            format!("this looks like the text form provider/id; here, expected {EXPECTED}")
        } else {
            format!("this is plain text, perhaps an inline secret; expected {EXPECTED}")
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CredentialRef, A::Error> {
        let mut provider: Option<ProviderId> = None;
        let mut id: Option<CredentialId> = None;
        let mut unknown: Option<String> = None;
        let mut secret_ref = false;
        // Every key is read before anything is judged: a SecretRef's own ids must not be reported
        // as bad ids of ours.
        let mut failure: Option<InvalidId> = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "provider" => {
                    if provider.is_some() {
                        return Err(de::Error::duplicate_field("provider"));
                    }
                    match ProviderId::new(map.next_value::<String>()?) {
                        Ok(valid) => provider = Some(valid),
                        Err(error) => failure = failure.or(Some(error)),
                    }
                }
                "id" => {
                    if id.is_some() {
                        return Err(de::Error::duplicate_field("id"));
                    }
                    match CredentialId::new(map.next_value::<String>()?) {
                        Ok(valid) => id = Some(valid),
                        Err(error) => failure = failure.or(Some(error)),
                    }
                }
                "source" => {
                    secret_ref = true;
                    map.next_value::<de::IgnoredAny>()?;
                }
                _ => {
                    map.next_value::<de::IgnoredAny>()?;
                    unknown = unknown.or(Some(name));
                }
            }
        }
        if secret_ref {
            return Err(de::Error::custom(format!(
                "this looks like a SecretRef {{ source, provider, id }}; expected {EXPECTED}"
            )));
        }
        if let Some(name) = unknown {
            return Err(de::Error::custom(format!("unknown key `{name}` in {EXPECTED}")));
        }
        if let Some(error) = failure {
            return Err(de::Error::custom(error));
        }
        match (provider, id) {
            (Some(provider), Some(id)) => Ok(CredentialRef::new(provider, id)),
            (None, _) => Err(de::Error::missing_field("provider")),
            (_, None) => Err(de::Error::missing_field("id")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        serde_json::from_str::<CredentialRef>(json).unwrap_err().to_string()
    }

    #[test]
    fn exactly_two_keys_are_accepted() {
        let parsed: CredentialRef =
            serde_json::from_str(r#"{"id":"gpt","provider":"vault"}"#).unwrap();
        assert_eq!(parsed.to_string(), "vault/gpt");
        let text = serde_json::to_string(&parsed).unwrap();
        assert_eq!(text, r#"{"provider":"vault","id":"gpt"}"#);
    }

    #[test]
    fn a_secret_ref_is_recognised_whatever_its_order_and_ids() {
        for json in [
            r#"{"source":"env","provider":"default","id":"OPENAI_API_KEY"}"#,
            r#"{"provider":"Default Vault","id":"/a/b","source":"file"}"#,
            r#"{"source":"env","id":"X"}"#,
        ] {
            assert!(refusal(json).contains("looks like a SecretRef"), "{json}");
        }
        assert!(refusal(r#""${OPENAI_API_KEY}""#).contains("environment SecretRef"));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let message = refusal(r#"{"provider":"a","id":"b","key":"c"}"#);
        assert!(message.contains("unknown key `key`"), "{message}");
    }

    #[test]
    fn an_inline_secret_is_not_repeated() {
        let message = refusal(r#""sk-canary-123""#);
        assert!(message.contains("inline secret") && !message.contains("canary"), "{message}");
    }

    #[test]
    fn missing_and_repeated_keys_are_errors() {
        assert!(refusal(r#"{"provider":"a"}"#).contains("id"));
        assert!(refusal(r#"{"provider":"a","provider":"a","id":"b"}"#).contains("duplicate"));
    }

    #[test]
    fn the_text_form_splits_at_the_first_slash() {
        let parsed = CredentialRef::parse("vault/team/key").unwrap();
        assert_eq!(parsed.id.as_str(), "team/key");
        assert!(CredentialRef::parse("vault").is_err());
    }
}
