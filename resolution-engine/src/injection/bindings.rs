//! [`Bindings`]: which credential goes into which variable of whose child.

use std::collections::BTreeMap;
use std::fmt;

use credential_provider_api::{
    ConsumerName, CredentialError, CredentialRef, Detail, EnvName, ErrorCode, IdPattern, InvalidId,
    Necessity, Variant,
};
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

use super::injector::refused;
use super::names::BlockedName;

/// Bindings, from code and from configuration. Every name in it may be bound, and for each consumer
/// pattern each name is bound once.
///
/// Where several patterns match a consumer, the exact one wins for a name, else the longer one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Binding>")]
pub struct Bindings(Vec<Binding>);

/// One binding, in configuration
/// `{ "consumer": "tool:*", "env": "NAME", "credential": "provider/id" }`. It grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Binding {
    /// The consumers, `class:name` or a prefix and `*`.
    pub consumer: IdPattern,
    /// The variable. Two names that differ in the case of letters only are the same.
    pub env: EnvName,
    /// The credential, `"provider/id"` or `{ "provider": …, "id": … }`.
    #[serde(deserialize_with = "reference")]
    pub credential: CredentialRef,
    /// Which of its fields, for a credential of several.
    #[serde(default)]
    pub field: Option<String>,
    /// The variant to ask for: an object of texts, with a list for `scopes`.
    #[serde(default, deserialize_with = "variant")]
    pub variant: Variant,
    /// Whether the tool can run without it. If so, and it cannot be had, the name is left out.
    #[serde(default)]
    pub necessity: Necessity,
}

impl Binding {
    /// Binds `credential` to `env` for the consumers of this pattern.
    #[must_use]
    pub const fn new(consumer: IdPattern, env: EnvName, credential: CredentialRef) -> Self {
        Self {
            consumer,
            env,
            credential,
            field: None,
            variant: Variant::none(),
            necessity: Necessity::Required,
        }
    }

    /// One of its fields.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// In a variant.
    #[must_use]
    pub fn with_variant(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// The tool can run without it.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.necessity = Necessity::Optional;
        self
    }
}

impl Bindings {
    /// No binding.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// With one more, each part as text.
    ///
    /// # Errors
    /// As for [`and`](Self::and), and `configuration_invalid` for a part that is not what it should be.
    pub fn bind(self, consumer: &str, env: &str, to: &str) -> Result<Self, CredentialError> {
        let wrong = |error: InvalidId| CredentialError::new(ErrorCode::ConfigurationInvalid, error);
        let consumer = IdPattern::new(consumer).map_err(wrong)?;
        let env = EnvName::new(env).map_err(wrong)?;
        self.and(Binding::new(consumer, env, CredentialRef::parse(to).map_err(wrong)?))
    }

    /// With one more.
    ///
    /// # Errors
    /// `injection_refused` for a [blocked](BlockedName) name, `configuration_invalid` for one that is
    /// bound already for the same consumer pattern.
    pub fn and(mut self, binding: Binding) -> Result<Self, CredentialError> {
        if BlockedName::of(&binding.env).is_some() {
            let problem =
                "this name is blocked: it changes how programs are found, loaded or connected";
            return Err(refused(&binding.env, problem).about(&binding.credential));
        }
        if self.0.iter().any(|b| b.consumer == binding.consumer && same(&b.env, &binding.env)) {
            let (env, whose) = (binding.env.as_str(), binding.consumer.as_str());
            let detail = Detail::composed(format!("{env} is bound twice for {whose}"));
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        self.0.push(binding);
        Ok(self)
    }

    /// With those of `others` whose name is not bound here for the consumer they name: these win.
    #[must_use]
    pub fn completed_by(mut self, others: Self) -> Self {
        for other in others.0 {
            let taken = |b: &Binding| {
                same(&b.env, &other.env)
                    && (b.consumer == other.consumer || b.consumer.matches(other.consumer.as_str()))
            };
            if !self.0.iter().any(taken) {
                self.0.push(other);
            }
        }
        self
    }

    /// All of them.
    #[must_use]
    pub fn list(&self) -> &[Binding] {
        &self.0
    }

    /// Those that count for `consumer`, one for each name.
    #[must_use]
    pub fn of(&self, consumer: &ConsumerName) -> Vec<&Binding> {
        let rank = |b: &Binding| (b.consumer.is_exact(), b.consumer.as_str().len());
        let mut chosen: BTreeMap<String, &Binding> = BTreeMap::new();
        for binding in self.0.iter().filter(|b| b.consumer.matches(consumer.as_str())) {
            let best = chosen.entry(binding.env.as_str().to_ascii_uppercase()).or_insert(binding);
            if rank(binding) > rank(best) {
                *best = binding;
            }
        }
        chosen.into_values().collect()
    }
}

fn same(one: &EnvName, other: &EnvName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

impl TryFrom<Vec<Binding>> for Bindings {
    type Error = String;

    fn try_from(list: Vec<Binding>) -> Result<Self, String> {
        list.into_iter().enumerate().try_fold(Self::none(), |all, (nth, binding)| {
            all.and(binding).map_err(|error| format!("[{nth}].env: {}", error.detail()))
        })
    }
}

/// Both forms of a reference.
fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CredentialRef, D::Error> {
    struct Either;
    impl<'de> Visitor<'de> for Either {
        type Value = CredentialRef;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("\"provider/id\" or { provider, id }")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<CredentialRef, E> {
            CredentialRef::parse(text).map_err(E::custom)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CredentialRef, A::Error> {
            CredentialRef::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Either)
}

/// A text, or a list of scopes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Parameter {
    Text(String),
    List(Vec<String>),
}

fn variant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Variant, D::Error> {
    let parameters = BTreeMap::<String, Parameter>::deserialize(deserializer)?;
    let mut builder = Variant::builder();
    for (name, value) in parameters {
        builder = match (name.as_str(), value) {
            ("scopes", Parameter::List(scopes)) => builder.scopes(scopes),
            ("scopes", Parameter::Text(scopes)) => builder.scopes(scopes.split_whitespace()),
            (name, Parameter::Text(value)) => builder.parameter(name, &value),
            (_, Parameter::List(_)) => {
                return Err(de::Error::custom("only `scopes` of a variant is a list"));
            }
        };
    }
    builder.build().map_err(de::Error::custom)
}
