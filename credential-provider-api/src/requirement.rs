//! [`CredentialRequirement`]: what a skill or tool says it needs.

use serde::{Deserialize, Serialize};

use crate::credential::CredentialKind;
use crate::id::InvalidId;
use crate::reference::CredentialRef;

/// A declared need. It is a request, never a grant: the access rules decide.
///
/// ```
/// let need: credential_provider_api::CredentialRequirement = serde_json::from_str(
///     r#"{ "credential": { "provider": "vault", "id": "github" }, "env": "GITHUB_TOKEN" }"#,
/// )?;
/// assert_eq!(need.env.unwrap().as_str(), "GITHUB_TOKEN");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CredentialRequirement {
    /// Which credential.
    pub credential: CredentialRef,
    /// The kind it must have, if it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// The environment variable a child process gets it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<EnvName>,
    /// The field of a `user_value` or `access_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The scopes it must cover.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Whether the tool can run without it.
    #[serde(default)]
    pub necessity: Necessity,
    /// What for, in a line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a tool can run without a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Necessity {
    /// It cannot.
    #[default]
    Required,
    /// It can.
    Optional,
}

impl CredentialRequirement {
    /// Needs `credential`.
    #[must_use]
    pub const fn new(credential: CredentialRef) -> Self {
        Self {
            credential,
            kind: None,
            env: None,
            field: None,
            scopes: Vec::new(),
            necessity: Necessity::Required,
            reason: None,
        }
    }

    /// In this environment variable.
    #[must_use]
    pub fn with_env(mut self, env: EnvName) -> Self {
        self.env = Some(env);
        self
    }
}

/// The name of an environment variable: `A–Z a–z 0–9 _`, first not a digit, at most 128.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvName(String);

impl EnvName {
    /// Validates `name`.
    ///
    /// # Errors
    /// [`InvalidId`] if it is not such a name.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidId> {
        let name = name.into();
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !first
            || name.len() > 128
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            return Err(InvalidId::new(
                "an environment variable",
                "is named with A-Z, a-z, 0-9 and '_', first not a digit, at most 128 characters",
            ));
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EnvName {
    type Error = InvalidId;
    fn try_from(name: String) -> Result<Self, InvalidId> {
        Self::new(name)
    }
}

impl From<EnvName> for String {
    fn from(name: EnvName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_bad_names_are_refused() {
        let base = r#"{"credential":{"provider":"a","id":"b"}"#;
        for rest in [r#","grant":true}"#, r#","env":"1A"}"#, r#","env":"A=B"}"#] {
            let json = format!("{base}{rest}");
            assert!(serde_json::from_str::<CredentialRequirement>(&json).is_err(), "{rest}");
        }
        let json = format!("{base}}}");
        let need: CredentialRequirement = serde_json::from_str(&json).unwrap();
        assert_eq!(need.necessity, Necessity::Required);
    }
}
