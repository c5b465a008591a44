//! The settings of one provider, and what can be wrong with them.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{CredentialError, Detail, ErrorCode};

/// The settings of one provider, as configured, not yet read.
///
/// `Debug` shows the names of the settings only: a value may be an inline secret.
#[derive(Clone, PartialEq)]
pub struct Settings {
    path: String,
    value: Value,
}

impl Settings {
    /// Settings from JSON text, found at `path` of the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] if the text is not JSON.
    pub fn from_json(path: impl Into<String>, json: &str) -> Result<Self, ConfigError> {
        let path = path.into();
        let value = serde_json::from_str(json).map_err(|error| {
            let at = format!("line {}, column {}", error.line(), error.column());
            ConfigError::new(&path, format!("is not valid JSON at {at}"))
        })?;
        Ok(Self { path, value })
    }

    /// Settings from any format with a serde reader, for example JSON5.
    ///
    /// # Errors
    /// The reader's error.
    pub fn from_deserializer<'de, D: Deserializer<'de>>(
        path: impl Into<String>,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        Ok(Self { path: path.into(), value: Value::deserialize(deserializer)? })
    }

    /// Where in the configuration they stand.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same settings at another path.
    #[must_use]
    pub fn with_path(mut self, path: String) -> Self {
        self.path = path;
        self
    }

    /// Reads them as `T`. Every unknown field is an error, with its path and the nearest known name.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of the first problem.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let mut unknown = BTreeSet::new();
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&self.value, &mut track);
        let read: Result<T, _> = serde_ignored::deserialize(tracked, |path| {
            unknown.insert(path.to_string());
        });
        let at = |path: &str| match path {
            "" | "." => self.path.clone(),
            path => format!("{}.{}", self.path, path.trim_start_matches("?.").replace(".?", "")),
        };
        match read {
            Err(error) => {
                let path = at(&track.path().to_string());
                Err(ConfigError::new(&path, describe(&error)))
            }
            Ok(value) => match unknown.into_iter().next() {
                Some(path) => Err(ConfigError::new(&at(&path), "is not a known setting")),
                None => Ok(value),
            },
        }
    }

    /// Takes one text setting out, for example `"type"`.
    #[must_use]
    pub fn take_text(&mut self, name: &str) -> Option<String> {
        match self.value.as_object_mut()?.remove(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of a section, each with its own path; `None` if it is not an object.
    #[must_use]
    pub fn entries(&self) -> Option<Vec<(String, Self)>> {
        let entry = |(name, value): (&String, &Value)| {
            let path =
                if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            (name.clone(), Self { path, value: value.clone() })
        };
        Some(self.value.as_object()?.iter().map(entry).collect())
    }
}

/// serde_json's messages quote values (`invalid type: string "sk-…"`); ours do not.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let quotes = text.starts_with("invalid") || text.starts_with("unknown variant");
    match text.split_once(", expected") {
        Some((_, rest)) if quotes => format!("has the wrong value; expected{rest}"),
        _ if quotes => "has the wrong value".to_owned(),
        _ => text,
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> =
            self.value.as_object().map(|o| o.keys().collect()).unwrap_or_default();
        f.debug_struct("Settings").field("path", &self.path).field("names", &names).finish()
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        wipe(&mut self.value);
    }
}

/// An inline secret may have stood in any text.
fn wipe(value: &mut Value) {
    use zeroize::Zeroize as _;
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct ConfigError {
    path: String,
    problem: String,
}

impl ConfigError {
    /// A problem at `path`. It must not repeat a value that could be a secret.
    #[must_use]
    pub fn new(path: &str, problem: impl Into<String>) -> Self {
        Self { path: path.to_owned(), problem: problem.into() }
    }

    /// Where: names joined by dots.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl From<ConfigError> for CredentialError {
    fn from(error: ConfigError) -> Self {
        Self::new(ErrorCode::ConfigurationInvalid, Detail::composed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CredentialRef;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code, reason = "read by the test through Debug only")]
    struct Sample {
        region: String,
        key: Option<CredentialRef>,
        nested: Option<Box<Self>>,
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Mode {
        Fast,
    }

    fn read(json: &str) -> Result<Sample, ConfigError> {
        Settings::from_json("credentialProviders.volc", json).unwrap().read()
    }

    #[test]
    fn an_unknown_field_is_reported_by_its_path() {
        let error = read(r#"{"region":"a","nested":{"region":"b","endpiont":"x"}}"#).unwrap_err();
        assert_eq!(error.path(), "credentialProviders.volc.nested.endpiont");
    }

    #[test]
    fn a_wrong_value_is_reported_by_its_path_and_not_repeated() {
        for json in [
            r#"{"region":"a","key":"sk-canary"}"#,
            r#"{"region":"a","mode":"canary"}"#,
            r#"{"region":"a","nested":"canary"}"#,
            r#"{"region":"a","mode":{"canary":1}}"#,
            r#"{"region":"a","nested":{"region":123454321}}"#,
        ] {
            let error = read(json).unwrap_err();
            assert!(error.path().starts_with("credentialProviders.volc."), "{error}");
            let text = error.to_string();
            assert!(!text.contains("canary") && !text.contains("123454321"), "{error}");
        }
    }

    #[test]
    fn promise_6_debug_shows_names_only() {
        let settings = Settings::from_json("p", r#"{"apiKey":"canary"}"#).unwrap();
        let text = format!("{settings:?}");
        assert!(text.contains("apiKey") && !text.contains("canary"), "{text}");
    }

    #[test]
    fn text_that_is_not_json_says_where() {
        let error = Settings::from_json("credentialProviders", "{\n  x").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
