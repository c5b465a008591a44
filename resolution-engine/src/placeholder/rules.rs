//! [`PlaceholderRules`]: where a host allows placeholders.

use credential_provider_api::{
    ConsumerName, CredentialError, ErrorCode, IdPattern, InvalidId, Origin,
};
use serde::{Deserialize, Deserializer};

use super::path::{Path, Pattern};

/// Where placeholders may be filled: an allow list. Without a rule, nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PlaceholderRules(Vec<PlaceholderRule>);

/// One rule, in configuration
/// `{ "consumer": "tool:http", "parameter": "/headers/*", "origin": "https://api.example" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceholderRule {
    consumer: IdPattern,
    #[serde(deserialize_with = "pattern")]
    parameter: Pattern,
    origin: Origin,
}

impl PlaceholderRules {
    /// No rule: nothing is filled.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Allows placeholders of the tools that `consumer` matches (`class:name`, or a prefix and `*`), in
    /// the parameter at this JSON pointer (RFC 6901; a segment `*` stands for any one), for calls that
    /// go to `origin`.
    ///
    /// # Errors
    /// `configuration_invalid` for a part that is not what it should be.
    pub fn allow(
        mut self,
        consumer: &str,
        parameter: &str,
        origin: &str,
    ) -> Result<Self, CredentialError> {
        let wrong = |error: InvalidId| CredentialError::new(ErrorCode::ConfigurationInvalid, error);
        self.0.push(PlaceholderRule {
            consumer: IdPattern::new(consumer).map_err(wrong)?,
            parameter: Pattern::parse(parameter)?,
            origin: Origin::parse(origin).map_err(wrong)?,
        });
        Ok(self)
    }

    /// These rules and `more`: those of the code and those of the configuration.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    pub(super) fn allow_at(
        &self,
        consumer: &ConsumerName,
        path: &Path<'_>,
        origin: &Origin,
    ) -> bool {
        self.0.iter().any(|rule| {
            rule.consumer.matches(consumer.as_str())
                && rule.parameter.matches(path)
                && rule.origin == *origin
        })
    }
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
    let text = String::deserialize(deserializer)?;
    Pattern::parse(&text).map_err(|error| serde::de::Error::custom(error.detail()))
}
