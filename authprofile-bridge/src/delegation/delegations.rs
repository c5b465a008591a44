//! Which profiles delegate to which credentials.

use std::collections::BTreeMap;
use std::path::Path;

use credential_provider_api::{CredentialError, CredentialRef};
use serde::Deserialize;

use crate::file::{malformed, read};
use crate::openclaw::ProfileKind;
use crate::openclaw::provider_name::normalized;

/// A profile whose key is a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delegation {
    /// The model provider.
    pub provider: String,
    /// What kind of profile it stands for, which says its place among others.
    pub kind: ProfileKind,
    /// The credential.
    pub credential: CredentialRef,
}

impl Delegation {
    /// A profile of this kind for a model provider.
    #[must_use]
    pub fn new(provider: &str, kind: ProfileKind, credential: CredentialRef) -> Self {
        Self { provider: normalized(provider), kind, credential }
    }
}

/// The delegations of a configuration, by profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delegations(BTreeMap<String, Delegation>);

/// A configuration is small; more is none.
const MOST: u64 = 16 << 20;

impl Delegations {
    /// Nothing is delegated.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Delegates a profile, instead of what was said of it before.
    #[must_use]
    pub fn with(mut self, profile: impl Into<String>, delegation: Delegation) -> Self {
        self.0.insert(profile.into(), delegation);
        self
    }

    /// Reads `auth.profiles.<id>.credentialProvider` of a configuration in a file; no file delegates
    /// nothing. It blocks.
    ///
    /// # Errors
    /// `store_unreadable` for what cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, CredentialError> {
        let Some(found) = read(path, MOST)? else { return Ok(Self::none()) };
        Self::parse(&found.text).map_err(|why| malformed(path, &why))
    }

    /// Reads the same from JSON5 text.
    ///
    /// # Errors
    /// Where and why it cannot be understood, without quoting it. What is said of a delegation must be
    /// right: a mistake that delegates nothing would use another identity.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: Sections = json5::from_str(text).map_err(|error| {
            let at = error.position().map_or(0, |at| at.line + 1);
            format!("is no configuration with delegations (line {at})")
        })?;
        let mut all = BTreeMap::new();
        for (id, said) in read.auth.profiles {
            let Some(reference) = said.credential_provider else { continue };
            // By hand: JSON5 errors may quote what they do not understand.
            let credential: CredentialRef = serde_json::from_value(reference).map_err(|_| {
                format!(
                    "has in auth.profiles[\"{id}\"].credentialProvider no {{ provider, id }} with exactly these two keys"
                )
            })?;
            let kind = said.mode.as_deref().and_then(ProfileKind::parse);
            let kind = kind.ok_or_else(|| format!("has no mode in auth.profiles[\"{id}\"]"))?;
            let provider = said.provider.as_deref().map(normalized).unwrap_or_default();
            if provider.is_empty() {
                return Err(format!("has no provider in auth.profiles[\"{id}\"]"));
            }
            all.insert(id, Delegation { provider, kind, credential });
        }
        Ok(Self(all))
    }

    /// What a profile delegates to.
    #[must_use]
    pub fn of(&self, profile: &str) -> Option<&Delegation> {
        self.0.get(profile)
    }

    /// All of them, by profile id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Delegation)> {
        self.0.iter().map(|(id, delegation)| (id.as_str(), delegation))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sections {
    auth: Auth,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    profiles: BTreeMap<String, Said>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Said {
    provider: Option<String>,
    mode: Option<String>,
    credential_provider: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_delegation_stands_in_the_profiles_configuration() {
        let text = "{ models: { x: 1 }, auth: { order: {}, profiles: {
            'openai:work': { provider: 'OpenAI', mode: 'oauth', credentialProvider: { provider: 'sso', id: 'openai' } },
            'openai:key': { provider: 'openai', mode: 'api_key' } } } }";
        let found = Delegations::parse(text).unwrap();
        let credential = CredentialRef::parse("sso/openai").unwrap();
        let wanted = Delegation::new("openai", ProfileKind::OAuth, credential);
        assert_eq!(found, Delegations::none().with("openai:work", wanted));
        assert_eq!(Delegations::parse("{}").unwrap(), Delegations::none());
        assert_eq!(Delegations::read(Path::new("/nowhere/x")).unwrap(), Delegations::none());
    }

    #[test]
    fn a_delegation_that_is_wrong_is_an_error_that_quotes_nothing() {
        for wrong in [
            "{provider:'sso',id:'x',source:'exec'}",
            "'sk-marked'",
            "{provider:'sso'}",
            "{provider:'Sk marked',id:'sk-marked'}",
        ] {
            let text = format!(
                "{{auth:{{profiles:{{a:{{provider:'x',mode:'oauth',credentialProvider:{wrong}}}}}}}}}"
            );
            let why = Delegations::parse(&text).unwrap_err();
            assert!(why.contains("credentialProvider") && !why.contains("marked"), "{why}");
        }
        for said in ["mode:'aws-sdk',provider:'x'", "mode:'token',provider:' '", "mode:'token'"] {
            let text = format!(
                "{{auth:{{profiles:{{a:{{{said},credentialProvider:{{provider:'s',id:'x'}}}}}}}}}}"
            );
            Delegations::parse(&text).unwrap_err();
        }
        assert!(!Delegations::parse("{auth:sk-marked").unwrap_err().contains("marked"));
    }
}
