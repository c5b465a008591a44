//! [`Variant`]: parameters that change what is issued.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::id::InvalidId;

/// What a request asks for beyond the credential's name: scopes, audience, resource, role, account.
///
/// Two requests with the same variant may share a credential; two with different ones never do. It
/// is canonical: the order in which parameters or scopes were given does not matter. Parameters that
/// do not change what is issued (minimum validity, deadline) are refused here.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variant(Option<Arc<str>>);

/// Collects the parameters of a [`Variant`].
#[derive(Clone, Debug, Default)]
pub struct VariantBuilder {
    parameters: BTreeMap<String, String>,
    problem: Option<InvalidId>,
}

const WHAT: &str = "a variant parameter";

impl Variant {
    /// The empty variant.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Starts collecting parameters.
    #[must_use]
    pub fn builder() -> VariantBuilder {
        VariantBuilder::default()
    }

    /// Whether no parameter is set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value of a parameter. Scopes are one value, sorted and separated by spaces.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// All parameters, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.encoded()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(n, v)| (n, decode(v)))
    }

    /// The canonical text, `name=value&…` with percent-encoded values; empty for the empty variant.
    #[must_use]
    pub fn encoded(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Reads back what [`encoded`](Self::encoded) gave, for stores.
    ///
    /// # Errors
    /// [`InvalidId`] if `text` is not the canonical text of a valid variant.
    pub fn from_encoded(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            return Ok(Self::none());
        }
        let wrong = || InvalidId::new("an encoded variant", "is damaged");
        let mut builder = Self::builder();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
            builder = builder.parameter(name, decode(value).as_ref());
        }
        let built = builder.build()?;
        if built.encoded() == text { Ok(built) } else { Err(wrong()) }
    }
}

impl VariantBuilder {
    /// OAuth scopes; order and repetition do not matter.
    #[must_use]
    pub fn scopes<S: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        let mut sorted = std::collections::BTreeSet::new();
        for scope in scopes {
            let scope = scope.as_ref();
            // RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E
            let valid = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
            if scope.is_empty() || !scope.chars().all(valid) {
                self.fail("has scopes of visible ASCII without quotes or backslashes");
            }
            sorted.insert(scope.to_owned());
        }
        let joined = sorted.into_iter().collect::<Vec<_>>().join(" ");
        self.parameter("scopes", &joined)
    }

    /// The audience the credential is meant for.
    #[must_use]
    pub fn audience(self, audience: &str) -> Self {
        self.parameter("audience", audience)
    }

    /// The resource indicator (RFC 8707) the credential is bound to.
    #[must_use]
    pub fn resource(self, resource: &str) -> Self {
        self.parameter("resource", resource)
    }

    /// The role to assume.
    #[must_use]
    pub fn role(self, role: &str) -> Self {
        self.parameter("role", role)
    }

    /// The account to act as, where an identity has several.
    #[must_use]
    pub fn account(self, account: &str) -> Self {
        self.parameter("account", account)
    }

    /// Any other parameter a provider documents: name of `a–z 0–9 _`, at most 32 characters.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        let mut letters = name.chars();
        let named = letters.next().is_some_and(|c| c.is_ascii_lowercase())
            && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && name.len() <= 32;
        if !named {
            self.fail("has a name of a-z, 0-9 and '_', at most 32 characters, first a letter");
        } else if matches!(name, "min_validity" | "deadline") {
            self.fail("does not change what is issued: minimum validity and deadline are options of the request");
        } else if value.is_empty() || value.len() > 2048 || value.chars().any(char::is_control) {
            self.fail("has a value of 1 to 2048 bytes without control characters");
        } else if self.parameters.insert(name.to_owned(), value.to_owned()).is_some() {
            self.fail("is given once");
        }
        self
    }

    /// The variant.
    ///
    /// # Errors
    /// [`InvalidId`] with the first problem met.
    pub fn build(self) -> Result<Variant, InvalidId> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if self.parameters.is_empty() {
            return Ok(Variant::none());
        }
        let pairs: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        Ok(Variant(Some(Arc::from(pairs.join("&")))))
    }

    fn fail(&mut self, problem: &'static str) {
        self.problem.get_or_insert_with(|| InvalidId::new(WHAT, problem));
    }
}

fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '%' => text.push_str("%25"),
            '&' => text.push_str("%26"),
            '=' => text.push_str("%3D"),
            other => text.push(other),
        }
    }
    text
}

fn decode(value: &str) -> Cow<'_, str> {
    if value.contains('%') {
        Cow::Owned(value.replace("%26", "&").replace("%3D", "=").replace("%25", "%"))
    } else {
        Cow::Borrowed(value)
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variant({})", self.encoded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let a = Variant::builder().scopes(["b", "a", "b"]).audience("x").build().unwrap();
        let b = Variant::builder().audience("x").scopes(["a", "b"]).build().unwrap();
        assert_eq!(a, b);
        assert_eq!(a.get("scopes").unwrap(), "a b");
    }

    #[test]
    fn what_does_not_change_the_credential_is_refused() {
        assert!(Variant::builder().parameter("min_validity", "5").build().is_err());
        assert!(Variant::builder().parameter("Name", "5").build().is_err());
        assert!(Variant::builder().audience("").build().is_err());
        assert!(Variant::builder().audience("a").audience("b").build().is_err());
        assert!(Variant::builder().scopes(["a b"]).build().is_err());
    }

    proptest! {
        #[test]
        fn promise_5_different_audiences_never_share_a_variant(a in "[a%&=2536D]{1,8}", b in "[a%&=2536D]{1,8}") {
            let one = Variant::builder().audience(&a).build().unwrap();
            let two = Variant::builder().audience(&b).build().unwrap();
            prop_assert_eq!(one == two, a == b);
            prop_assert_eq!(one.get("audience").unwrap(), a.as_str());
            prop_assert_eq!(Variant::from_encoded(one.encoded()).unwrap(), one);
        }
    }
}
