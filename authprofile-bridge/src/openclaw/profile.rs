//! One profile, as OpenClaw would understand it.

use std::fmt;

use credential_provider_api::{SecretRef, Timestamp};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::mark::NoSecret;
use super::provider_name::normalized;
use super::reference;
use crate::json::{Object, Raw};

/// The kinds of profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProfileKind {
    /// A static key.
    ApiKey,
    /// A token that is not renewed here.
    Token,
    /// An access token and what renews it.
    OAuth,
}

impl ProfileKind {
    /// As it is written in `type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Token => "token",
            Self::OAuth => "oauth",
        }
    }

    /// What is written in `type`, or none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ApiKey, Self::Token, Self::OAuth].into_iter().find(|kind| kind.as_str() == text)
    }

    /// The fields of its secret, inline and by reference.
    const fn fields(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::ApiKey => ("key", Some("keyRef")),
            Self::Token => ("token", Some("tokenRef")),
            Self::OAuth => ("access", None),
        }
    }
}

/// Why OpenClaw skips an entry, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// It is not an object.
    NonObject,
    /// Its type is none of the three.
    InvalidType,
    /// It names no provider.
    MissingProvider,
}

impl Skipped {
    /// The code that OpenClaw logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NonObject => "non_object",
            Self::InvalidType => "invalid_type",
            Self::MissingProvider => "missing_provider",
        }
    }
}

/// Where a profile's secret is.
#[derive(Clone)]
#[non_exhaustive]
pub enum ProfileSecret {
    /// In the profile. It may be a mark or a fence: see [`NoSecret`](super::NoSecret).
    Inline(SecretString),
    /// Elsewhere.
    Reference(SecretRef),
}

impl fmt::Debug for ProfileSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(…)"),
            Self::Reference(reference) => fmt::Debug::fmt(reference, f),
        }
    }
}

/// When a profile's secret ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// It says nothing.
    Unsaid,
    /// It says something that is no time.
    Invalid,
    /// Then.
    At(Timestamp),
}

/// A profile: its entry, read by OpenClaw's rules. `Debug` hides the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    kind: ProfileKind,
    provider: String,
    entry: Object,
}

impl Profile {
    /// Reads an entry of `profiles`. Old spellings are understood: `mode` for `type`, `apiKey` for
    /// `key`.
    ///
    /// # Errors
    /// Why OpenClaw skips it.
    pub fn read(entry: &Raw) -> Result<Self, Skipped> {
        let entry = entry.object().ok_or(Skipped::NonObject)?;
        let name = if entry.get("type").is_some() { "type" } else { "mode" };
        let kind = entry.text(name).and_then(|text| ProfileKind::parse(&text));
        let kind = kind.ok_or(Skipped::InvalidType)?;
        let provider = entry.text("provider").map(|text| normalized(&text));
        let provider = provider.filter(|name| !name.is_empty()).ok_or(Skipped::MissingProvider)?;
        Ok(Self { kind, provider, entry })
    }

    /// A new profile of a kind, for a model provider.
    #[must_use]
    pub fn new(kind: ProfileKind, provider: &str) -> Self {
        let mut entry = Object::new();
        entry.set("type", Raw::from_text(kind.as_str()));
        entry.set("provider", Raw::from_text(provider));
        Self { kind, provider: normalized(provider), entry }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ProfileKind {
        self.kind
    }

    /// The model provider, in lower case.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The entry as it stands in the store.
    #[must_use]
    pub const fn entry(&self) -> &Object {
        &self.entry
    }

    /// A text field, trimmed; none if it is empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        let text = self.entry.text(name)?;
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| Zeroizing::new(trimmed.to_owned()))
    }

    /// The secret that a request is authorized by; none if there is none.
    ///
    /// An inline value comes before a reference. An inline `${NAME}` is a reference.
    #[must_use]
    pub fn secret(&self) -> Option<ProfileSecret> {
        let (inline, reference) = self.kind.fields();
        let inline = match self.entry.get(inline) {
            None if self.kind == ProfileKind::ApiKey => self.entry.get("apiKey"),
            found => found,
        };
        let text = inline.and_then(Raw::text);
        if let Some(text) = text.as_deref().map(|text| text.trim()).filter(|text| !text.is_empty())
        {
            // For a login a reference is against the rules, and is reported as unresolved.
            let template = reference.and_then(|_| reference::template(text));
            return Some(match template {
                Some(found) => ProfileSecret::Reference(found),
                None => ProfileSecret::Inline(text.into()),
            });
        }
        let reference = self.entry.get(reference?).and_then(reference::coerced);
        // A reference may also stand where the value should.
        reference.or_else(|| inline.and_then(reference::coerced)).map(ProfileSecret::Reference)
    }

    /// What renews a login.
    #[must_use]
    pub fn refresh_token(&self) -> Option<SecretString> {
        let text = (self.kind == ProfileKind::OAuth).then(|| self.text("refresh")).flatten()?;
        Some(text.as_str().into())
    }

    /// When the secret ends.
    #[must_use]
    pub fn expires(&self) -> Expiry {
        match self.entry.get("expires").filter(|raw| raw.as_str() != "null") {
            None => Expiry::Unsaid,
            Some(raw) => raw.number().and_then(time).map_or(Expiry::Invalid, Expiry::At),
        }
    }

    /// A field of a login that must not hold a reference, but does: OpenClaw refuses such a profile.
    #[must_use]
    pub fn forbidden_reference(&self) -> Option<&'static str> {
        if self.kind != ProfileKind::OAuth {
            return None;
        }
        ["access", "refresh", "token", "tokenRef", "key", "keyRef"].into_iter().find(|name| {
            self.entry.get(name).is_some_and(|raw| {
                let text = raw.text();
                reference::coerced(raw).is_some()
                    || text.is_some_and(|text| reference::template(text.trim()).is_some())
            })
        })
    }

    /// Whether OpenClaw has put a fence in place of a login's tokens: it renews it, or has failed to.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        let fenced = |name: &str| {
            self.text(name).is_some_and(|text| NoSecret::of(&text) == Some(NoSecret::Fence))
        };
        self.kind == ProfileKind::OAuth && (fenced("access") || fenced("refresh"))
    }

    /// Whether it is to replace another one once a setup has ended. Later versions only.
    pub(crate) fn is_being_set_up(&self) -> bool {
        let replaces =
            self.entry.object("setup").and_then(|setup| setup.get("replacement").cloned());
        // As JavaScript has it: what is not false, nothing, zero or empty.
        replaces.is_some_and(|raw| !matches!(raw.as_str(), "false" | "null" | "0" | "\"\""))
    }

    /// Whether somebody pasted the command that asks for the key. Later versions look for it.
    pub(crate) fn key_is_a_command(&self) -> bool {
        let Some(text) = self.text("key") else { return false };
        let mut words = text.split_whitespace().map(str::to_lowercase);
        words.next().as_deref() == Some("openclaw")
            && words.next().as_deref() == Some("onboard")
            && words.any(|word| word == "--auth-choice" || word.starts_with("--auth-choice="))
    }

    /// Changes the entry.
    pub fn edit(&mut self, change: impl FnOnce(&mut Object)) {
        change(&mut self.entry);
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("kind", &self.kind)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// Milliseconds since the epoch, as JavaScript counts them.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
pub(crate) fn time(millis: f64) -> Option<Timestamp> {
    (millis.is_finite() && millis > 0.0).then(|| Timestamp::from_millis(millis as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(json: &str) -> Result<Profile, Skipped> {
        Profile::read(&Raw::checked(json).unwrap())
    }

    fn inline(json: &str) -> String {
        match read(json).unwrap().secret() {
            Some(ProfileSecret::Inline(secret)) => secret.expose_secret().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn old_spellings_are_understood() {
        assert_eq!(inline(r#"{"mode":"api_key","provider":" OpenAI ","apiKey":" sk-1 "}"#), "sk-1");
        assert_eq!(inline(r#"{"type":"token","provider":"x","token":"t","tokenRef":{}}"#), "t");
    }

    #[test]
    fn references_stand_in_either_field() {
        let ours = r#"{"source":"exec","provider":"cp","id":"a/b"}"#;
        for json in [
            format!(r#"{{"type":"api_key","provider":"x","keyRef":{ours}}}"#),
            format!(r#"{{"type":"api_key","provider":"x","key":{ours}}}"#),
            format!(r#"{{"type":"token","provider":"x","token":"","tokenRef":{ours}}}"#),
            r#"{"type":"token","provider":"x","token":"${NAME}"}"#.to_owned(),
        ] {
            let found = read(&json).unwrap().secret();
            assert!(matches!(found, Some(ProfileSecret::Reference(_))), "{json}: {found:?}");
        }
    }

    #[test]
    fn a_login_by_reference_is_named() {
        let json = r#"{"type":"oauth","provider":"x","access":"${A}","refresh":"r"}"#;
        assert_eq!(read(json).unwrap().forbidden_reference(), Some("access"));
        let json = r#"{"type":"oauth","provider":"x","access":"a","refresh":"r"}"#;
        assert_eq!(read(json).unwrap().forbidden_reference(), None);
    }

    #[test]
    fn what_openclaw_skips_is_skipped_for_its_reason() {
        for (json, why) in [
            ("7", "non_object"),
            (r#"{"provider":"x"}"#, "invalid_type"),
            (r#"{"type":"magic","provider":"x"}"#, "invalid_type"),
            (r#"{"type":"token","provider":" "}"#, "missing_provider"),
        ] {
            assert_eq!(read(json).unwrap_err().as_str(), why);
        }
    }

    #[test]
    fn an_end_is_a_time_or_invalid() {
        let expiry = |text: &str| {
            read(&format!(r#"{{"type":"token","provider":"x","expires":{text}}}"#))
                .unwrap()
                .expires()
        };
        assert_eq!(expiry("1770000000000"), Expiry::At(Timestamp::from_millis(1_770_000_000_000)));
        for invalid in ["\"soon\"", "0", "-1", "{}"] {
            assert_eq!(expiry(invalid), Expiry::Invalid, "{invalid}");
        }
        assert_eq!(expiry("null"), Expiry::Unsaid);
    }

    #[test]
    fn debug_shows_no_secret() {
        let profile = read(r#"{"type":"api_key","provider":"x","key":"sk-marked"}"#).unwrap();
        let shown = format!("{profile:?} {:?}", profile.secret());
        assert!(!shown.contains("sk-marked"), "{shown}");
    }
}
