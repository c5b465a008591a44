//! What a provider says about itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::credential::CredentialKind;
use crate::id::{CredentialId, InvalidId, ProviderId};
use crate::sign_in::SignInMethod;

/// What a provider offers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderDescriptor {
    /// Its unique id.
    pub id: ProviderId,
    /// Its name for people.
    pub display_name: String,
    /// Its credentials; an exact id wins over a pattern, a longer pattern over a shorter one.
    pub credentials: Vec<CredentialDescriptor>,
    /// What it can do beyond resolving.
    pub capabilities: BTreeSet<Capability>,
    /// The ways to sign in, the preferred one first.
    pub sign_in: Vec<SignInMethod>,
}

/// What a provider can do beyond resolving. Declared capabilities are tested by the conformance kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Notices changes made outside.
    Changes,
    /// Checks health.
    Check,
    /// Lists credentials.
    List,
    /// Keeps books about what consumers saw.
    Report,
    /// Revokes at the source.
    Revoke,
}

/// Whether a credential is the gateway's or a session's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// One for the whole gateway; the session of a request is not part of its key.
    Gateway,
    /// One for each effective session; a request without one is an error.
    Session,
}

/// Who may be granted a credential at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Audience {
    /// Any consumer the access rules name.
    #[default]
    Consumers,
    /// Only other providers, through their source: an identity token, platform keys.
    Providers,
}

/// What a provider says about one credential, or about all whose id matches a pattern.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CredentialDescriptor {
    /// The id, or a pattern of ids.
    pub id: IdPattern,
    /// Its kind.
    pub kind: CredentialKind,
    /// Other kinds it may be of, for a source whose entries are of several and come and go.
    pub or_kinds: BTreeSet<CredentialKind>,
    /// Whose it is.
    pub scope: Scope,
    /// Who may be granted it.
    pub audience: Audience,
    /// A line for people.
    pub description: String,
}

impl ProviderDescriptor {
    /// A descriptor without credentials.
    #[must_use]
    pub fn new(id: ProviderId, display_name: impl Into<String>) -> Self {
        Self {
            id,
            display_name: display_name.into(),
            credentials: Vec::new(),
            capabilities: BTreeSet::new(),
            sign_in: Vec::new(),
        }
    }

    /// Adds a credential.
    #[must_use]
    pub fn with_credential(mut self, credential: CredentialDescriptor) -> Self {
        self.credentials.push(credential);
        self
    }

    /// Declares a capability.
    #[must_use]
    pub fn with_capability(mut self, capability: Capability) -> Self {
        self.capabilities.insert(capability);
        self
    }

    /// Declares a way to sign in.
    #[must_use]
    pub fn with_sign_in(mut self, method: SignInMethod) -> Self {
        self.sign_in.push(method);
        self
    }

    /// What is said about `id`: an exact id first, else the longest pattern.
    #[must_use]
    pub fn credential(&self, id: &CredentialId) -> Option<&CredentialDescriptor> {
        self.credentials
            .iter()
            .filter(|c| c.id.matches(id.as_str()))
            .max_by_key(|c| (c.id.is_exact(), c.id.as_str().len()))
    }
}

impl CredentialDescriptor {
    /// A credential of the gateway.
    #[must_use]
    pub fn gateway(id: IdPattern, kind: CredentialKind) -> Self {
        Self {
            id,
            kind,
            or_kinds: BTreeSet::new(),
            scope: Scope::Gateway,
            audience: Audience::Consumers,
            description: String::new(),
        }
    }

    /// A credential of each session.
    #[must_use]
    pub fn session(id: IdPattern, kind: CredentialKind) -> Self {
        Self { scope: Scope::Session, ..Self::gateway(id, kind) }
    }

    /// It may be of this kind as well.
    #[must_use]
    pub fn or_kind(mut self, kind: CredentialKind) -> Self {
        self.or_kinds.insert(kind);
        self
    }

    /// Whether it may be of this kind.
    #[must_use]
    pub fn allows(&self, kind: CredentialKind) -> bool {
        self.kind == kind || self.or_kinds.contains(&kind)
    }

    /// Grantable to other providers only.
    #[must_use]
    pub fn for_providers(mut self) -> Self {
        self.audience = Audience::Providers;
        self
    }

    /// With a line for people.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }
}

/// An exact id, a prefix followed by `*`, or `*` alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdPattern(Box<str>);

impl IdPattern {
    /// Parses a pattern; `*` may stand only at the end.
    ///
    /// # Errors
    /// [`InvalidId`] for an empty text or a `*` elsewhere.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        const WHAT: &str = "an id pattern";
        let stem = text.strip_suffix('*').unwrap_or(text);
        if stem.contains('*') {
            return Err(InvalidId::new(WHAT, "has '*' only at its end"));
        }
        if !stem.is_empty() {
            crate::id::check_printable(WHAT, stem)?;
        } else if text.is_empty() {
            return Err(InvalidId::new(WHAT, "is an id, a prefix and '*', or '*'; this is empty"));
        }
        Ok(Self(text.into()))
    }

    /// Matches everything.
    #[must_use]
    pub fn any() -> Self {
        Self("*".into())
    }

    /// Whether `id` matches.
    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        self.0.strip_suffix('*').map_or_else(|| &*self.0 == id, |stem| id.starts_with(stem))
    }

    /// Whether it names one id.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.ends_with('*')
    }

    /// The pattern as text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&CredentialId> for IdPattern {
    fn from(id: &CredentialId) -> Self {
        Self(id.as_str().into())
    }
}

impl std::str::FromStr for IdPattern {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl Serialize for IdPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IdPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_description_wins() {
        let kind =
            |id: &str, kind| CredentialDescriptor::gateway(IdPattern::new(id).unwrap(), kind);
        let descriptor = ProviderDescriptor::new(ProviderId::new("p").unwrap(), "P")
            .with_credential(kind("*", CredentialKind::Token))
            .with_credential(kind("key/*", CredentialKind::ApiKey))
            .with_credential(kind("key/a", CredentialKind::OAuth2));
        let of = |id: &str| descriptor.credential(&CredentialId::new(id).unwrap()).unwrap().kind;
        assert_eq!(of("key/a"), CredentialKind::OAuth2);
        assert_eq!(of("key/b"), CredentialKind::ApiKey);
        assert_eq!(of("other"), CredentialKind::Token);
    }

    #[test]
    fn a_star_stands_only_at_the_end() {
        assert!(IdPattern::new("a*b").is_err());
        assert!(IdPattern::new("**").is_err());
        assert!(IdPattern::new("").is_err());
        assert!(IdPattern::any().matches("x"));
    }
}
