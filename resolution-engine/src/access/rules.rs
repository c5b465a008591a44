//! The rules, from code and from configuration.

use credential_provider_api::{ConsumerName, CredentialRef, IdPattern, InvalidId};
use serde::Deserialize;

/// Which consumer may have which credential. Empty rules deny everything; a `deny` wins over any
/// `allow`.
///
/// ```
/// use resolution_engine::AccessRules;
/// let rules = AccessRules::deny_all()
///     .allow("tool:web-search", "vault/search-key")?
///     .allow("model:*", "vault/*")?
///     .deny("model:*", "vault/search-key")?;
/// # Ok::<(), credential_provider_api::InvalidId>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct AccessRules {
    rules: Vec<Rule>,
}

/// One rule, in configuration `{ "consumer": "tool:*", "credential": "vault/*", "effect": "allow" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// The consumers, `class:name` or a prefix and `*`.
    pub consumer: IdPattern,
    /// The credentials, `provider/id` or a prefix and `*`. A prefix without slash covers providers.
    pub credential: IdPattern,
    /// What follows.
    #[serde(default)]
    pub effect: Effect,
}

/// What follows from a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Effect {
    /// The consumer may have the credential.
    #[default]
    Allow,
    /// It may not, whatever other rules say.
    Deny,
    /// In a child session the consumer gets the credential of the session at the top, in place of
    /// one of the child's own. Grants nothing by itself.
    Inherit,
    /// For a child session the provider may derive from the credential of the session that started
    /// it. Grants nothing by itself.
    Derive,
}

impl AccessRules {
    /// No rule: nobody may have anything.
    #[must_use]
    pub fn deny_all() -> Self {
        Self::default()
    }

    /// Grants `credential` to `consumer`; both may end in `*`.
    ///
    /// # Errors
    /// [`InvalidId`] if one is not a pattern.
    pub fn allow(self, consumer: &str, credential: &str) -> Result<Self, InvalidId> {
        self.with(consumer, credential, Effect::Allow)
    }

    /// Denies `credential` to `consumer`, whatever is granted elsewhere.
    ///
    /// # Errors
    /// [`InvalidId`] if one is not a pattern.
    pub fn deny(self, consumer: &str, credential: &str) -> Result<Self, InvalidId> {
        self.with(consumer, credential, Effect::Deny)
    }

    /// In child sessions, `consumer` gets `credential` of the session at the top. Without this a child
    /// inherits nothing.
    ///
    /// # Errors
    /// [`InvalidId`] if one is not a pattern.
    pub fn inherit(self, consumer: &str, credential: &str) -> Result<Self, InvalidId> {
        self.with(consumer, credential, Effect::Inherit)
    }

    /// For child sessions, `provider` may derive from `credential` of the session that started them.
    /// Without this it cannot.
    ///
    /// # Errors
    /// [`InvalidId`] if one is not a pattern.
    pub fn derive(self, provider: &str, credential: &str) -> Result<Self, InvalidId> {
        self.with(provider, credential, Effect::Derive)
    }

    /// These rules and `more`: those of the code and those of the configuration.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.rules.extend(more.rules);
        self
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn with(mut self, consumer: &str, credential: &str, effect: Effect) -> Result<Self, InvalidId> {
        let (consumer, credential) = (IdPattern::new(consumer)?, IdPattern::new(credential)?);
        self.rules.push(Rule { consumer, credential, effect });
        Ok(self)
    }

    pub(crate) fn decide(&self, who: &ConsumerName, what: &CredentialRef) -> super::Decision {
        let mut decision = super::Decision::Denied;
        for rule in self.matching(who, what) {
            match rule.effect {
                Effect::Deny => return super::Decision::Denied,
                Effect::Allow => decision = super::Decision::Granted,
                Effect::Inherit | Effect::Derive => {}
            }
        }
        decision
    }

    pub(crate) fn forbids(&self, who: &ConsumerName, what: &CredentialRef) -> bool {
        self.matching(who, what).any(|rule| rule.effect == Effect::Deny)
    }

    pub(crate) fn inherits(&self, who: &ConsumerName, what: &CredentialRef) -> bool {
        self.matching(who, what).any(|rule| rule.effect == Effect::Inherit)
    }

    pub(crate) fn derives(&self, who: &ConsumerName, what: &CredentialRef) -> bool {
        self.matching(who, what).any(|rule| rule.effect == Effect::Derive)
    }

    fn matching(&self, who: &ConsumerName, what: &CredentialRef) -> impl Iterator<Item = &Rule> {
        let text = what.to_string();
        let who = who.clone();
        self.rules.iter().filter(move |rule| {
            rule.consumer.matches(who.as_str()) && rule.credential.matches(&text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decision;
    use super::*;

    fn decide(rules: &AccessRules, who: &str, what: &str) -> Decision {
        let what = CredentialRef::parse(what).unwrap();
        rules.decide(&ConsumerName::new(who).unwrap(), &what)
    }

    #[test]
    fn promise_8_denied_unless_granted_and_a_denial_wins() {
        let rules = AccessRules::deny_all();
        assert_eq!(decide(&rules, "tool:a", "p/x"), Decision::Denied);
        let rules = rules.allow("tool:*", "p/*").unwrap().deny("tool:a", "p/x").unwrap();
        let rules = rules.allow("tool:a", "p/x").unwrap();
        assert_eq!(decide(&rules, "tool:a", "p/x"), Decision::Denied);
        assert_eq!(decide(&rules, "tool:a", "p/y"), Decision::Granted);
        assert_eq!(decide(&rules, "toolbox:a", "p/y"), Decision::Denied);
        assert_eq!(decide(&rules, "tool:b", "p2/y"), Decision::Denied);
    }

    #[test]
    fn rules_come_from_configuration_too() {
        let json = r#"[{"consumer":"tool:*","credential":"p/*"},
                       {"consumer":"tool:x","credential":"p/y","effect":"deny"}]"#;
        let rules: AccessRules = serde_json::from_str(json).unwrap();
        assert_eq!(decide(&rules, "tool:x", "p/y"), Decision::Denied);
        assert_eq!(decide(&rules, "tool:x", "p/z"), Decision::Granted);
        let typo = r#"[{"consumer":"tool:*","credentials":"p/*"}]"#;
        assert!(serde_json::from_str::<AccessRules>(typo).is_err());
    }
}
