//! [`Preflight`]: checks what a skill asks for against the access rules and what is at hand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Audience, Credential, CredentialError, CredentialKind, EffectiveSession, EnvName, ErrorClass,
    ErrorCode, IdPattern, Necessity, Variant,
};
use futures::future::join_all;

use super::declared::Skill;
use super::report::{Need, Needed, PreflightReport, Readiness};
use crate::access::{Effect, Rule};
use crate::consumer::{Consumer, RequestBuilder};
use crate::injection::{BlockedName, Injector, ShortValues, judge};

/// A check being put together; see [`Skill::preflight`].
#[derive(Debug)]
#[must_use = "a preflight does nothing until it is checked"]
pub struct Preflight<'a> {
    skill: &'a Skill,
    consumer: &'a Consumer,
    session: Option<&'a EffectiveSession>,
    injector: Option<&'a Injector>,
    environment: BTreeSet<String>,
    patience: Option<Duration>,
}

/// One credential to look for, as the skill or the host's binding names it.
struct Sought<'a> {
    credential: &'a credential_provider_api::CredentialRef,
    variant: &'a Variant,
    env: Option<&'a EnvName>,
    field: Option<&'a str>,
    kind: Option<CredentialKind>,
    scopes: &'a [String],
    necessity: Necessity,
    reason: Option<&'a str>,
}

impl Skill {
    /// Whether what this skill asks for can be had by `consumer`: the name under which the *host*
    /// knows it, for example `skill:` and its folder. A name that the skill gives itself could be
    /// another's.
    pub const fn preflight<'a>(&'a self, consumer: &'a Consumer) -> Preflight<'a> {
        Preflight {
            skill: self,
            consumer,
            session: None,
            injector: None,
            environment: BTreeSet::new(),
            patience: None,
        }
    }
}

impl<'a> Preflight<'a> {
    /// For this session.
    pub const fn session(mut self, session: &'a EffectiveSession) -> Self {
        self.session = Some(session);
        self
    }

    /// With the host's own bindings. One of a name that the skill asks for takes the place of what it
    /// asks for.
    pub const fn injector(mut self, injector: &'a Injector) -> Self {
        self.injector = Some(injector);
        self
    }

    /// The names of the variables that the tool inherits from the host, which may be none.
    pub fn environment<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.environment.extend(names.into_iter().map(Into::into));
        self
    }

    /// The patience with each source.
    pub const fn within(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Checks. What the rules grant is fetched by an ordinary request that asks nobody to act; what
    /// they do not is audited as denied. Cancel-safe.
    pub async fn check(self) -> PreflightReport {
        let bound = self
            .injector
            .map(|injector| injector.bindings().of(self.consumer.name()))
            .unwrap_or_default();
        let binding_of = |env: &EnvName| {
            bound.iter().find(|b| b.env.as_str().eq_ignore_ascii_case(env.as_str())).copied()
        };
        let none = Variant::none();
        let mut sought: Vec<Sought<'_>> = Vec::new();
        for need in &self.skill.credentials {
            let of_host = need.env.as_ref().and_then(binding_of);
            sought.push(Sought {
                credential: of_host.map_or(&need.credential, |b| &b.credential),
                variant: of_host.map_or(&none, |b| &b.variant),
                env: need.env.as_ref(),
                field: of_host.map_or(need.field.as_deref(), |b| b.field.as_deref()),
                kind: need.kind.filter(|_| of_host.is_none()),
                scopes: if of_host.is_some() { &[] } else { &need.scopes },
                necessity: need.necessity,
                reason: need.reason.as_deref(),
            });
        }
        let mut plain = Vec::new();
        for declared in &self.skill.env {
            let asked = sought.iter().any(|s| s.env == Some(&declared.name));
            match binding_of(&declared.name) {
                _ if asked => {}
                Some(binding) => sought.push(Sought {
                    credential: &binding.credential,
                    variant: &binding.variant,
                    env: Some(&declared.name),
                    field: binding.field.as_deref(),
                    kind: None,
                    scopes: &[],
                    necessity: declared.necessity,
                    reason: declared.description.as_deref(),
                }),
                None => plain.push(Need {
                    what: Needed::Env(declared.name.clone()),
                    necessity: declared.necessity,
                    reason: declared.description.clone(),
                    readiness: self.inherited(&declared.name),
                }),
            }
        }
        let found = join_all(sought.iter().map(|sought| self.look_for(sought))).await;
        let credentials = sought.iter().zip(found).map(|(sought, readiness)| Need {
            what: Needed::Credential {
                credential: sought.credential.clone(),
                env: sought.env.cloned(),
            },
            necessity: sought.necessity,
            reason: sought.reason.map(str::to_owned),
            readiness,
        });
        let needs = credentials.chain(plain).collect();
        PreflightReport { consumer: self.consumer.name().clone(), needs }
    }

    /// Nobody is told to set a blocked variable because a skill names it.
    fn inherited(&self, env: &EnvName) -> Readiness {
        if self.environment.contains(env.as_str()) {
            Readiness::Ready
        } else if BlockedName::of(env).is_some() {
            Readiness::BlockedEnv
        } else {
            Readiness::MissingEnv
        }
    }

    async fn look_for(&self, sought: &Sought<'_>) -> Readiness {
        if sought.env.is_some_and(|env| BlockedName::of(env).is_some()) {
            return Readiness::BlockedEnv;
        }
        let request = self.request(sought);
        let core = &self.consumer.core;
        if let Err(error) = core.authorize(&self.consumer.identity, &request.wanted()) {
            return self.judged(error, sought);
        }
        let provider = core.registry.get(&sought.credential.provider);
        let descriptor = provider.as_ref().map(|p| p.provider.descriptor());
        let described = descriptor.and_then(|d| d.credential(&sought.credential.id));
        // Before anybody is told to sign in to what would be of no use.
        if let (Some(asked), Some(described)) = (sought.kind, described)
            && !described.allows(asked)
        {
            return Readiness::WrongKind { asked, found: described.kind };
        }
        match request.await {
            Ok(credential) => self.fits(&credential, sought),
            Err(error) => self.judged(error, sought),
        }
    }

    fn request<'b>(&self, sought: &Sought<'b>) -> RequestBuilder<'b>
    where
        'a: 'b,
    {
        let request = self.consumer.request(sought.credential).variant(sought.variant);
        let request = match self.session {
            Some(session) => request.session(session),
            None => request,
        };
        match self.patience {
            Some(patience) => request.within(patience),
            None => request,
        }
    }

    fn judged(&self, error: CredentialError, sought: &Sought<'_>) -> Readiness {
        match error.code() {
            ErrorCode::AccessDenied => Readiness::Denied { rule: self.rule(sought) },
            ErrorCode::ProviderNotFound | ErrorCode::CredentialNotFound => {
                Readiness::Unknown(error)
            }
            ErrorCode::SessionRequired => Readiness::SessionRequired,
            _ if error.class() == ErrorClass::SignIn => Readiness::NeedsSignIn(error),
            _ => Readiness::Failing(error),
        }
    }

    /// The rule that would grant it, if one would and it grants nothing else.
    fn rule(&self, sought: &Sought<'_>) -> Option<Rule> {
        let core = &self.consumer.core;
        let for_providers = core.registry.get(&sought.credential.provider).is_some_and(|p| {
            let described = p.provider.descriptor().credential(&sought.credential.id);
            described.is_some_and(|d| d.audience == Audience::Providers)
        });
        if for_providers || core.access.forbids(self.consumer.name(), sought.credential) {
            return None;
        }
        let exact = |text: &str| IdPattern::new(text).ok().filter(IdPattern::is_exact);
        Some(Rule {
            consumer: exact(self.consumer.name().as_str())?,
            credential: exact(&sought.credential.to_string())?,
            effect: Effect::Allow,
        })
    }

    fn fits(&self, credential: &Arc<Credential>, sought: &Sought<'_>) -> Readiness {
        if let Some(asked) = sought.kind.filter(|kind| *kind != credential.kind()) {
            return Readiness::WrongKind { asked, found: credential.kind() };
        }
        // A source that says nothing of scopes, as for a static key, cannot be held to them.
        let stated = credential.scopes();
        let missing = sought.scopes.iter().filter(|s| !stated.is_empty() && !stated.contains(s));
        let missing: Vec<String> = missing.cloned().collect();
        if !missing.is_empty() {
            return Readiness::MissingScopes(missing);
        }
        let short = self.injector.map_or_else(ShortValues::default, Injector::short);
        let judged = sought.env.map(|_| judge(credential, sought.field, short));
        match judged {
            Some(Err(problem)) => Readiness::Unfit(problem),
            None if sought.field.is_some_and(|name| credential.field(name).is_none()) => {
                Readiness::Unfit("its credential has no field of the name given")
            }
            Some(Ok(_)) | None => Readiness::Ready,
        }
    }
}
