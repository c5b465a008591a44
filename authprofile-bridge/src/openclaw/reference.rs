//! References to secrets where a profile may hold them.

use credential_provider_api::{SecretRef, SecretSource};

use crate::json::Raw;

/// `${NAME}` as a whole text: a reference to the environment.
pub(crate) fn template(text: &str) -> Option<SecretRef> {
    let name = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|first| first.is_ascii_uppercase());
    let rest = chars.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    (begins && rest && name.len() <= 128)
        .then(|| SecretRef::new(SecretSource::Env, "default", name))
}

/// An object that is a reference; the old form without a provider is one to `default`.
pub(crate) fn coerced(raw: &Raw) -> Option<SecretRef> {
    serde_json::from_str(raw.as_str()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn only_whole_templates_and_exact_objects_are_references() {
        assert_eq!(template(" ${A_1} ").unwrap().id, "A_1");
        for text in ["${a}", "${}", "x${A}", "$A", "${A}x", "${1}"] {
            assert_eq!(template(text), None, "{text}");
        }
        let object = |text: &str| coerced(&Raw::checked(text).unwrap());
        assert_eq!(object(r#"{"source":"file","id":"/a"}"#).unwrap().provider, "default");
        for text in [r#"{"provider":"p","id":"i"}"#, r#"{"source":"x","id":"i"}"#, "\"${A}\"", "7"]
        {
            assert_eq!(object(text), None, "{text}");
        }
    }
}
