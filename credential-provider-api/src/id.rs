//! Validated identifiers. Text that passed a constructor here needs no second look elsewhere.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an identifier. It never repeats the text: people paste keys into the wrong field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct InvalidId {
    what: &'static str,
    problem: String,
}

impl InvalidId {
    pub(crate) fn new(what: &'static str, problem: impl Into<String>) -> Self {
        Self { what, problem: problem.into() }
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Validates `text`; see the type for its grammar.
            ///
            /// # Errors
            /// [`InvalidId`] says which rule the text breaks and at which character.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                let text = text.as_ref();
                $check($what, text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier!(
    /// The unique name of a provider in one host: 1–64 of `a–z 0–9 . _ -`, first a letter or digit.
    ProviderId,
    "a provider id",
    check_provider
);
identifier!(
    /// The name of a credential within its provider: 1–256 printable characters, no space at either end.
    ///
    /// Providers name credentials after things of the outside world (a vault item, a profile, an
    /// e-mail address), so the grammar is wide; `/` and `:` are allowed.
    CredentialId,
    "a credential id",
    check_printable
);
identifier!(
    /// The account a credential acts as, as its issuer names it (an OpenID Connect `sub`, a login).
    AccountId,
    "an account id",
    check_printable
);
identifier!(
    /// Who asks: `<class>:<name>`, for example `tool:web-search`.
    ///
    /// A name alone opens nothing: the host mints a consumer capability from it.
    ConsumerName,
    "a consumer name",
    check_consumer
);

impl ConsumerName {
    /// The consumer that provider `id` is when it asks for credentials it depends on.
    #[must_use]
    pub fn for_provider(id: &ProviderId) -> Self {
        Self(Arc::from(format!("provider:{id}")))
    }

    /// The part before the first colon.
    #[must_use]
    pub fn class(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(class, _)| class)
    }
}

fn check_provider(what: &'static str, text: &str) -> Result<(), InvalidId> {
    if text.is_empty() || text.len() > 64 {
        return Err(InvalidId::new(
            what,
            format!("has 1 to 64 characters, this has {}", text.len()),
        ));
    }
    for (index, c) in text.chars().enumerate() {
        let inner = matches!(c, '.' | '_' | '-');
        if !(c.is_ascii_lowercase() || c.is_ascii_digit() || (inner && index > 0)) {
            return Err(InvalidId::new(
                what,
                format!(
                    "is made of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit; \
                     character {} is neither",
                    index + 1
                ),
            ));
        }
    }
    Ok(())
}

pub(crate) fn check_printable(what: &'static str, text: &str) -> Result<(), InvalidId> {
    if text.is_empty() || text.len() > 256 {
        return Err(InvalidId::new(what, format!("has 1 to 256 bytes, this has {}", text.len())));
    }
    if text.trim() != text {
        return Err(InvalidId::new(what, "has no space at its start or end"));
    }
    if let Some(index) = text.chars().position(char::is_control) {
        return Err(InvalidId::new(
            what,
            format!("has no control characters; character {} is one", index + 1),
        ));
    }
    Ok(())
}

fn check_consumer(what: &'static str, text: &str) -> Result<(), InvalidId> {
    check_printable(what, text)?;
    let Some((class, name)) = text.split_once(':') else {
        return Err(InvalidId::new(what, "has the form class:name, for example tool:web-search"));
    };
    let class_ok = !class.is_empty() && class.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    if !class_ok || name.is_empty() {
        return Err(InvalidId::new(
            what,
            "has the form class:name with a class of a-z and '-', for example tool:web-search",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_id_is_refused_with_the_place_that_is_wrong() {
        assert!(ProviderId::new("volcengine-identity").is_ok());
        let error = ProviderId::new("Volc").unwrap_err().to_string();
        assert!(error.contains("character 1"), "{error}");
        assert!(ProviderId::new("").is_err());
        assert!(ProviderId::new("-x").is_err());
        assert!(ProviderId::new("x".repeat(65)).is_err());
    }

    #[test]
    fn an_invalid_id_never_repeats_its_text() {
        let pasted = "sk-canary \n1234";
        let text = format!("{0:?} {0}", CredentialId::new(pasted).unwrap_err());
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_consumer_has_a_class_and_a_name() {
        assert_eq!(ConsumerName::new("tool:web:search").unwrap().class(), "tool");
        for wrong in ["tool", ":x", "tool:", "Tool:x", " tool:x"] {
            assert!(ConsumerName::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn deserialization_validates() {
        assert!(serde_json::from_str::<ProviderId>("\"ok\"").is_ok());
        assert!(serde_json::from_str::<ProviderId>("\"not ok\"").is_err());
    }
}
