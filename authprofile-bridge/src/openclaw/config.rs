//! What `openclaw.json` says about profiles.

use std::collections::BTreeMap;
use std::path::Path;

use credential_provider_api::CredentialError;
use serde::Deserialize;

use super::cooldowns::{Cooldowns, Section};
use super::era::Era;
use super::provider_name::{normalized, same_auth};
use crate::file::{self, malformed};

/// The sections of OpenClaw's configuration that decide which profile is used.
///
/// Read as JSON5. `$include` and other sections are not looked at. Nothing in these sections is a
/// secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Config {
    auth: Auth,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    /// In their order: it is the order in which they are tried.
    profiles: Ordered,
    order: BTreeMap<String, Vec<String>>,
    cooldowns: Section,
}

/// What the configuration says of one profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ProfileConfig {
    /// The model provider.
    pub provider: String,
    /// `api_key`, `oauth`, `token`, or another word, which matches no stored profile.
    pub mode: String,
}

impl ProfileConfig {
    /// What is said of a profile.
    #[must_use]
    pub fn new(provider: &str, mode: &str) -> Self {
        Self { provider: provider.to_owned(), mode: mode.to_owned() }
    }
}

/// A configuration is small; more is none.
const MOST: u64 = 16 << 20;

impl Config {
    /// Reads a configuration; what is not there says nothing. It blocks.
    ///
    /// # Errors
    /// `store_unreadable` for what is not JSON5, or has another shape.
    pub fn read(path: &Path) -> Result<Self, CredentialError> {
        let Some(contents) = file::read(path, MOST)? else { return Ok(Self::default()) };
        Self::parse(&contents.text).map_err(|why| malformed(path, &why))
    }

    /// Reads JSON5 text.
    ///
    /// # Errors
    /// Where it cannot be understood, without quoting it.
    pub fn parse(text: &str) -> Result<Self, String> {
        json5::from_str(text).map_err(|error| {
            error.position().map_or_else(
                || "is no OpenClaw configuration".to_owned(),
                |at| format!("cannot be understood at line {}", at.line + 1),
            )
        })
    }

    /// What is said of a profile.
    #[must_use]
    pub fn profile(&self, id: &str) -> Option<&ProfileConfig> {
        self.auth.profiles.0.iter().rev().find(|(name, _)| name == id).map(|(_, said)| said)
    }

    /// The order for a provider; an empty list is one.
    #[must_use]
    pub fn order(&self, provider: &str) -> Option<Vec<String>> {
        let provider = normalized(provider);
        let found = self.auth.order.iter().find(|(name, _)| normalized(name) == provider);
        found.map(|(_, ids)| ids.clone())
    }

    /// The profiles configured for a provider, in their order.
    #[must_use]
    pub fn profiles_of(&self, provider: &str) -> Vec<String> {
        let all = self.auth.profiles.0.iter();
        all.filter(|(_, said)| same_auth(&said.provider, provider))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// The same, with this said of a profile: in its place if something is said of it, else last.
    #[must_use]
    pub(crate) fn with_profile(mut self, id: &str, said: ProfileConfig) -> Self {
        let all = &mut self.auth.profiles.0;
        match all.iter_mut().rev().find(|(name, _)| name == id) {
            Some((_, old)) => *old = said,
            None => all.push((id.to_owned(), said)),
        }
        self
    }

    /// The times for which a profile of a provider is left alone, by the rules of an era.
    #[must_use]
    pub fn cooldowns(&self, era: Era, provider: &str) -> Cooldowns {
        match era {
            Era::C => Cooldowns::of_databases(),
            _ => self.auth.cooldowns.for_provider(provider),
        }
    }
}

/// A map that keeps its order.
#[derive(Clone, Debug, Default)]
struct Ordered(Vec<(String, ProfileConfig)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Ordered;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("profiles by their ids")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Ordered, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn json5_with_other_sections_is_read() {
        let config = Config::parse(
            "{ // a comment\n models: { providers: { x: { apiKey: 'sk-1' } } },\n auth: { order: { 'OpenAI ': ['b', 'a'] },
             profiles: { b: { provider: 'openai', mode: 'oauth', email: 'e' }, a: { provider: 'openai', mode: 'api_key' } } } }",
        )
        .unwrap();
        assert_eq!(config.order("openai").unwrap(), ["b", "a"]);
        assert_eq!(config.profiles_of("OPENAI"), ["b", "a"]);
        assert_eq!(config.profile("b").unwrap().mode, "oauth");
        assert_eq!(config.cooldowns(Era::B, "openai"), Cooldowns::default());
    }

    #[test]
    fn what_cannot_be_understood_names_its_line_and_quotes_nothing() {
        let why = Config::parse("{\n apiKey: 'sk-marked\n}").unwrap_err();
        assert!(why.contains("line") && !why.contains("sk-marked"), "{why}");
    }

    #[test]
    fn no_configuration_says_nothing() {
        let config = Config::read(Path::new("/nowhere/openclaw.json")).unwrap();
        assert_eq!(config.order("openai"), None);
    }
}
