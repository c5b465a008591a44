//! A secret of the state: read, compared and used, never shown.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;

/// A secret that a state file or a call brought. `Debug` and `Serialize` do not show it: there is no
/// `Serialize`. Empty unless given.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes over `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The text, for where it is used.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Whether it is `text`, in constant time.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.expose().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SecretString::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_it() {
        let secret: Secret = serde_json::from_str("\"canary\"").unwrap();
        assert_eq!((format!("{secret:?}"), secret.expose()), ("Secret(…)".into(), "canary"));
        assert!(secret.is("canary") && !secret.is("canar"));
    }
}
