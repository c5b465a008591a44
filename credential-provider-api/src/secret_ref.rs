//! SecretRefs: how OpenClaw's world points at static secrets. Understood in settings, resolved by
//! the host.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::{CredentialError, ErrorCode};
use crate::reference::CredentialRef;

/// `{ "source": "env" | "file" | "exec" | "store", "provider": "…", "id": "…" }`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SecretRef {
    /// Where the secret is.
    pub source: SecretSource,
    /// The alias of the configured source; `default` unless given.
    #[serde(default = "default_alias")]
    pub provider: String,
    /// The name, pointer or path within it.
    pub id: String,
}

/// Where a SecretRef's secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SecretSource {
    /// An environment variable.
    Env,
    /// A file.
    File,
    /// A program's answer.
    Exec,
    /// OpenClaw's own store.
    Store,
}

fn default_alias() -> String {
    "default".to_owned()
}

impl SecretRef {
    /// A reference of its parts.
    #[must_use]
    pub fn new(source: SecretSource, provider: impl Into<String>, id: impl Into<String>) -> Self {
        Self { source, provider: provider.into(), id: id.into() }
    }
}

/// A secret in a provider's settings: by reference, or, if it must be, inline.
///
/// Read from JSON: `{provider, id}` is a [`CredentialRef`], `{source, provider, id}` or `"${NAME}"` a
/// [`SecretRef`], any other text an inline secret. `Debug` hides the inline one.
#[derive(Clone)]
#[non_exhaustive]
pub enum SecretInput {
    /// Ask the engine, through the request's source, each time it is needed.
    Credential(CredentialRef),
    /// Ask the host's resolver when the provider is built.
    Secret(SecretRef),
    /// The secret itself.
    Inline(SecretString),
}

impl fmt::Debug for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(reference) => fmt::Debug::fmt(reference, f),
            Self::Secret(reference) => fmt::Debug::fmt(reference, f),
            Self::Inline(_) => f.write_str("Inline(…)"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = SecretInput;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ provider, id }, a SecretRef { source, provider, id }, or \"${NAME}\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretInput, E> {
        let trimmed = text.trim();
        if let Some(name) = trimmed.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            return Ok(SecretInput::Secret(SecretRef::new(SecretSource::Env, "default", name)));
        }
        if trimmed.is_empty() {
            return Err(E::custom("the secret is empty"));
        }
        Ok(SecretInput::Inline(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretInput, A::Error> {
        let mut fields = std::collections::BTreeMap::<String, String>::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            fields.insert(name, value);
        }
        let is_secret_ref = fields.contains_key("source");
        let pairs = de::value::MapDeserializer::<_, A::Error>::new(fields.into_iter());
        if is_secret_ref {
            SecretRef::deserialize(pairs).map(SecretInput::Secret)
        } else {
            CredentialRef::deserialize(pairs).map(SecretInput::Credential)
        }
    }
}

/// Resolves SecretRefs for factories. A host brings one (`authprofile-bridge` has OpenClaw's).
#[async_trait]
pub trait SecretRefResolver: Send + Sync {
    /// The secrets, in the order of the references; one failing fails its own place only.
    async fn resolve(&self, references: &[SecretRef])
    -> Vec<Result<SecretString, CredentialError>>;
}

/// A host without SecretRefs.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecretRefs;

#[async_trait]
impl SecretRefResolver for NoSecretRefs {
    async fn resolve(
        &self,
        references: &[SecretRef],
    ) -> Vec<Result<SecretString, CredentialError>> {
        let detail = "this host resolves no SecretRefs";
        references
            .iter()
            .map(|_| Err(CredentialError::new(ErrorCode::NotConfigured, detail)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> SecretInput {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_three_forms_are_told_apart() {
        assert!(matches!(read(r#"{"provider":"a","id":"b"}"#), SecretInput::Credential(_)));
        assert!(matches!(read(r#"{"source":"file","id":"/k"}"#), SecretInput::Secret(_)));
        assert!(matches!(read(r#""${KEY}""#), SecretInput::Secret(r) if r.id == "KEY"));
        let inline = read(r#""canary""#);
        assert!(!format!("{inline:?}").contains("canary"));
        assert!(
            serde_json::from_str::<SecretInput>(r#"{"source":"env","id":"A","x":"y"}"#).is_err()
        );
    }
}
