//! The [`Credential`] type.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::authorize::{Placement, SignRequest};
use super::freshness::{Freshness, ServingWindow};
use super::material::{AccessKey, CredentialKind, Material};
use crate::id::{AccountId, InvalidId};
use crate::origin::Origin;
use crate::revision::Revision;
use crate::time::Timestamp;

/// What a consumer gets: a secret and what is known about it. Never a refresh token.
///
/// A provider makes one and says what it knows with the `with_…` setters; the engine adds the
/// revision and the window in which it serves it. `Debug` shows everything but secrets; there is no
/// `Display` and no `Serialize`. Secrets are wiped from memory when the last copy is dropped.
///
/// ```
/// use credential_provider_api::{Credential, Origin, Timestamp};
/// let credential = Credential::oauth2("ya29.token".into())
///     .with_expiry(Timestamp::from_secs(1_800_000_000))
///     .with_scopes(["repo"])
///     .with_origin(Origin::parse("https://api.github.com")?);
/// # Ok::<(), credential_provider_api::InvalidId>(())
/// ```
///
/// It cannot be printed or serialized by accident:
/// ```compile_fail
/// println!("{}", credential_provider_api::Credential::api_key("sk-1".into()));
/// ```
/// ```compile_fail
/// serde_json::to_string(&credential_provider_api::Credential::api_key("sk-1".into()));
/// ```
#[derive(Clone)]
pub struct Credential {
    material: Material,
    expires_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    freshness: Freshness,
    revision: Option<Revision>,
    window: ServingWindow,
    extra: Option<Box<Extra>>,
}

/// What many credentials do not have, in one allocation for those that do.
#[derive(Clone, Default)]
struct Extra {
    account: Option<AccountId>,
    scopes: Vec<String>,
    origins: Vec<Origin>,
    properties: BTreeMap<String, String>,
    placement: Option<Placement>,
    signer: Option<Arc<dyn SignRequest>>,
}

impl Credential {
    /// A credential of any kind, without expiry, to be cached until its source says it changed.
    #[must_use]
    pub const fn new(material: Material) -> Self {
        Self {
            material,
            expires_at: None,
            issued_at: None,
            freshness: Freshness::UntilChanged,
            revision: None,
            window: ServingWindow::ALWAYS,
            extra: None,
        }
    }

    /// A static key.
    #[must_use]
    pub const fn api_key(key: SecretString) -> Self {
        Self::new(Material::ApiKey(key))
    }

    /// An OAuth 2.0 access token.
    #[must_use]
    pub const fn oauth2(access_token: SecretString) -> Self {
        Self::new(Material::OAuth2(access_token))
    }

    /// A bearer token.
    #[must_use]
    pub const fn token(token: SecretString) -> Self {
        Self::new(Material::Token(token))
    }

    /// Named values.
    #[must_use]
    pub const fn user_value(fields: BTreeMap<String, SecretString>) -> Self {
        Self::new(Material::UserValue(fields))
    }

    /// A cloud access key.
    #[must_use]
    pub const fn access_key(key: AccessKey) -> Self {
        Self::new(Material::AccessKey(key))
    }

    /// When it ends.
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// When its issuer made it.
    #[must_use]
    pub const fn with_issue_time(mut self, issued_at: Timestamp) -> Self {
        self.issued_at = Some(issued_at);
        self
    }

    /// How long it may be cached.
    #[must_use]
    pub const fn with_freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// The revision a store's compare-and-swap minted for it.
    #[must_use]
    pub const fn with_revision(mut self, revision: Revision) -> Self {
        self.revision = Some(revision);
        self
    }

    /// Of no revision yet: whoever keeps it next gives it one.
    #[must_use]
    pub const fn without_revision(mut self) -> Self {
        self.revision = None;
        self
    }

    /// The account it acts as.
    #[must_use]
    pub fn with_account(mut self, account: AccountId) -> Self {
        self.extra_mut().account = Some(account);
        self
    }

    /// The scopes the issuer granted.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.extra_mut().scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an origin it may be sent to. Without any, [`authorize`](Self::authorize) refuses all.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.extra_mut().origins.push(origin);
        self
    }

    /// Adds a fact about it that is not secret, for example a base URL.
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra_mut().properties.insert(name.into(), value.into());
        self
    }

    /// Where in a request it goes, if not in `Authorization: Bearer`.
    #[must_use]
    pub fn with_placement(mut self, placement: Placement) -> Self {
        self.extra_mut().placement = Some(placement);
        self
    }

    /// What signs requests with it: an access key's signature, a DPoP proof.
    #[must_use]
    pub fn with_signer(mut self, signer: Arc<dyn SignRequest>) -> Self {
        self.extra_mut().signer = Some(signer);
        self
    }

    /// As the engine hands it out: with its revision, and the window in which it is served, which
    /// ends no later than its parents'.
    #[must_use]
    pub const fn served(mut self, revision: Revision, window: ServingWindow) -> Self {
        self.revision = Some(revision);
        self.window = window;
        self
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        self.material.kind()
    }

    /// The secret, by kind. Reading it out is a sink: prefer [`authorize`](Self::authorize).
    #[must_use]
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// The one secret of an API key, access token or token; `None` for the kinds with several.
    #[must_use]
    pub const fn secret(&self) -> Option<&SecretString> {
        match &self.material {
            Material::ApiKey(s) | Material::OAuth2(s) | Material::Token(s) => Some(s),
            Material::UserValue(_) | Material::AccessKey(_) => None,
        }
    }

    /// One secret by its name; see [`Material::secrets`].
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&SecretString> {
        self.material.secrets().find(|(n, _)| *n == name).map(|(_, secret)| secret)
    }

    /// When it ends; `None` if it never does.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// When its issuer made it, where known.
    #[must_use]
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// How long it may be cached.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Which issue it is; `None` until a store or the engine gave it one.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// The window in which the engine serves it.
    #[must_use]
    pub const fn window(&self) -> ServingWindow {
        self.window
    }

    /// The account it acts as.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.extra.as_ref()?.account.as_ref()
    }

    /// The scopes granted.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.extra.as_ref().map_or(&[], |extra| &extra.scopes)
    }

    /// The origins it may be sent to.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        self.extra.as_ref().map_or(&[], |extra| &extra.origins)
    }

    /// A fact about it that is not secret.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.extra.as_ref()?.properties.get(name).map(String::as_str)
    }

    /// All such facts.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extra.iter().flat_map(|e| e.properties.iter().map(|(k, v)| (k.as_str(), v.as_str())))
    }

    pub(super) fn placement(&self) -> Option<&Placement> {
        self.extra.as_ref()?.placement.as_ref()
    }

    pub(super) fn signer(&self) -> Option<&Arc<dyn SignRequest>> {
        self.extra.as_ref()?.signer.as_ref()
    }

    /// Whether `self` and `other` hold the same secrets. Takes the same time wherever they differ.
    #[must_use]
    pub fn same_secrets(&self, other: &Self) -> bool {
        if self.kind() != other.kind() {
            return false;
        }
        let mut mine = self.material.secrets();
        let mut theirs = other.material.secrets();
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return true,
                (Some((a, x)), Some((b, y))) if a == b => {
                    let (x, y) = (x.expose_secret().as_bytes(), y.expose_secret().as_bytes());
                    let difference = x.iter().zip(y).fold(0, |all, (a, b)| all | (a ^ b));
                    if x.len() != y.len() || std::hint::black_box(difference) != 0 {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    /// Checks what a provider made before it is served: no empty value, no redaction mark.
    ///
    /// # Errors
    /// [`InvalidId`] names the field.
    pub fn validate(&self) -> Result<(), InvalidId> {
        self.material.check()
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("material", &self.material)
            .field("revision", &self.revision)
            .field("expires_at", &self.expires_at)
            .field("freshness", &self.freshness)
            .field("account", &self.account())
            .field("scopes", &self.scopes())
            .field("origins", &self.origins())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_debug_shows_what_is_known_and_no_secret() {
        let credential = Credential::oauth2("canary".into()).with_scopes(["repo"]);
        let text = format!("{credential:?}");
        assert!(text.contains("repo") && !text.contains("canary"), "{text}");
    }

    #[test]
    fn secrets_are_compared_by_value_and_name() {
        let a = Credential::api_key("one".into());
        assert!(a.same_secrets(&Credential::api_key("one".into()).with_scopes(["x"])));
        assert!(!a.same_secrets(&Credential::api_key("two".into())));
        assert!(!a.same_secrets(&Credential::api_key("oneone".into())));
        assert!(!a.same_secrets(&Credential::token("one".into())));
        let field = |n: &str| Credential::user_value([(n.to_owned(), "v".into())].into());
        assert!(!field("a").same_secrets(&field("b")));
    }
}
