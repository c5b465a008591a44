//! [`Subject`]: the provider under test, and the calls to it.

use std::fmt::Debug;
use std::sync::Arc;

use super::{ProviderSuite, SignInScript};
use crate::clock::Clock;
use crate::conformance::report::{Checked, Stop, fail};
use crate::conformance::timer::WallClock;
use crate::conformance::witness::Witness;
use crate::credential::Credential;
use crate::error::CredentialError;
use crate::id::CredentialId;
use crate::key::Key;
use crate::provider::{
    Capability, CommitGate, CredentialProvider, ProviderDescriptor, Reason, Request, Resolution,
    Scope, Source,
};
use crate::reference::CredentialRef;
use crate::revision::Revision;
use crate::session::{EffectiveSession, Requester};
use crate::variant::Variant;

/// A fresh provider.
pub(super) type Provider = Arc<dyn CredentialProvider>;
/// What a provider answered.
pub(super) type Answer = Result<Resolution, CredentialError>;

/// How often an answer may point at another credential.
const MOST_SELECTIONS: usize = 4;

pub(super) struct Subject {
    pub(super) suite: ProviderSuite,
    pub(super) witness: Witness,
    pub(super) descriptor: ProviderDescriptor,
    pub(super) one: EffectiveSession,
    pub(super) other: EffectiveSession,
    clock: Arc<dyn Clock>,
    wanted: Vec<(CredentialRef, Variant)>,
}

impl Subject {
    pub(super) async fn new(mut suite: ProviderSuite) -> Checked<Self> {
        let witness = Witness::new(suite.limit, std::mem::take(&mut suite.secret_marks));
        let provider = witness.call("the making of a provider", (suite.make)()).await?;
        let described = async { provider.descriptor().clone() };
        let descriptor = witness.call("descriptor", described).await?;
        let reference = |id: &str| -> Checked<CredentialRef> {
            let id = CredentialId::new(id)?;
            Ok(CredentialRef::new(descriptor.id.clone(), id))
        };
        let mut wanted = Vec::new();
        for (id, variant) in &suite.credentials {
            wanted.push((reference(id)?, variant.clone()));
        }
        if wanted.is_empty() {
            return fail("name a credential that resolves, with `.credential(…)`");
        }
        let (one, other) = match suite.sessions.clone() {
            Some(given) => given,
            None => (person("alice")?, person("bob")?),
        };
        let clock: Arc<dyn Clock> = match &suite.clock {
            Some(manual) => Arc::new(manual.clone()),
            None => Arc::new(WallClock),
        };
        Ok(Self { suite, witness, descriptor, one, other, clock, wanted })
    }

    pub(super) async fn fresh(&self) -> Checked<Provider> {
        let made = (self.suite.make)();
        self.witness.call("the making of a provider", made).await
    }

    /// The credentials that should resolve.
    pub(super) fn references(&self) -> impl Iterator<Item = &CredentialRef> {
        self.wanted.iter().map(|(reference, _)| reference)
    }

    /// Their keys, those of sessions for the first session.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.keys_in(&self.one)
    }

    /// Their keys, those of sessions for `session`.
    pub(super) fn keys_in(&self, session: &EffectiveSession) -> Vec<Key> {
        let key = |(reference, variant): &(CredentialRef, Variant)| {
            let session = (self.scope(&reference.id) == Scope::Session).then(|| session.clone());
            Key::new(reference, session, variant.clone())
        };
        self.wanted.iter().map(key).collect()
    }

    /// The key of one credential by its id, without variant.
    pub(super) fn key_of(&self, id: &str) -> Checked<Key> {
        let id = CredentialId::new(id)?;
        let session = (self.scope(&id) == Scope::Session).then(|| self.one.clone());
        let reference = CredentialRef::new(self.descriptor.id.clone(), id);
        Ok(Key::new(&reference, session, Variant::none()))
    }

    pub(super) fn scope(&self, id: &CredentialId) -> Scope {
        self.descriptor.credential(id).map_or(Scope::Gateway, |described| described.scope)
    }

    pub(super) fn declares(&self, capability: Capability) -> bool {
        self.descriptor.capabilities.contains(&capability)
    }

    pub(super) fn sign_in_script(&self) -> Checked<&SignInScript> {
        self.suite.sign_in.as_ref().ok_or_else(|| {
            Stop::Failed(
                "the descriptor lists ways to sign in: give `.sign_in_answers(…)`".to_owned(),
            )
        })
    }

    pub(super) fn request(&self, key: &Key) -> Request {
        let request = Request::new(key.clone(), Arc::clone(&self.clock));
        match &self.suite.source {
            Some(source) => request.with_source(source(key.session.as_ref())),
            None => request,
        }
    }

    pub(super) fn request_from(&self, key: &Key, source: Arc<dyn Source>) -> Request {
        self.request(key).with_source(source)
    }

    /// Resolves, whatever the answer.
    pub(super) async fn resolve(&self, provider: &Provider, key: &Key) -> Checked<Answer> {
        self.send(provider, self.request(key), Call::Resolve).await
    }

    /// Refreshes, whatever the answer.
    pub(super) async fn refresh(
        &self,
        provider: &Provider,
        key: &Key,
        current: &Credential,
        why: Reason,
    ) -> Checked<Answer> {
        let rejected = (why == Reason::Rejected).then(|| current.revision()).flatten();
        let request = self.request(key).with_rejected(rejected);
        self.send(provider, request, Call::Refresh(current, why)).await
    }

    /// Makes a call and remembers what it showed.
    pub(super) async fn send(
        &self,
        provider: &Provider,
        request: Request,
        call: Call<'_>,
    ) -> Checked<Answer> {
        let gate = CommitGate::new();
        self.send_through(provider, request, call, gate).await
    }

    /// Makes a call through this gate.
    pub(super) async fn send_through(
        &self,
        provider: &Provider,
        request: Request,
        call: Call<'_>,
        gate: CommitGate,
    ) -> Checked<Answer> {
        let request = request.with_gate(gate.clone());
        let (what, answer) = match call {
            Call::Resolve => ("resolve", provider.resolve(&request)),
            Call::Refresh(current, why) => ("refresh", provider.refresh(&request, current, why)),
        };
        let answer = self.witness.call(what, answer).await?;
        if gate.is_committed() {
            self.witness.guard_left(what);
        }
        self.saw(what, &answer);
        if let Ok(Resolution::Credential(credential)) = &answer {
            self.witness.issued(credential);
        }
        Ok(answer)
    }

    /// Remembers what an answer shows to whoever prints it.
    pub(super) fn saw<T: Debug>(&self, what: &str, answer: &Result<T, CredentialError>) {
        match answer {
            Ok(value) => self.witness.shown(&format!("the answer of `{what}`"), value),
            Err(error) => self.saw_error(what, error),
        }
    }

    pub(super) fn saw_error(&self, what: &str, error: &CredentialError) {
        let what = format!("the error of `{what}`");
        self.witness.shown(&what, error);
        self.witness.text(&what, error.detail());
    }

    /// Resolves to a credential, or breaks the rule.
    pub(super) async fn credential(&self, provider: &Provider, key: &Key) -> Checked<Credential> {
        let mut key = key.clone();
        for _ in 0..MOST_SELECTIONS {
            let name = key.reference();
            match self.resolve(provider, &key).await? {
                Ok(Resolution::Credential(credential)) => return Ok(*credential),
                Ok(Resolution::Selected(id)) if id == key.credential => {
                    return fail(format!("{name} selected itself"));
                }
                Ok(Resolution::Selected(id)) if self.descriptor.credential(&id).is_none() => {
                    return fail(format!("{name} selected {id}, which is not described"));
                }
                Ok(Resolution::Selected(id)) => {
                    let session = (self.scope(&id) == Scope::Session).then(|| self.one.clone());
                    key = Key { credential: id, session: key.session.or(session), ..key };
                }
                Ok(other) => {
                    return fail(format!("{name} was answered with {}", named(&other)));
                }
                Err(error) => return fail(format!("{name} was answered with {error}")),
            }
        }
        fail(format!("{} selected others more than {MOST_SELECTIONS} times", key.reference()))
    }

    /// As [`credential`](Self::credential), as an engine hands it out: with a revision.
    pub(super) async fn served(&self, provider: &Provider, key: &Key) -> Checked<Credential> {
        let credential = self.credential(provider, key).await?;
        let revision = credential.revision().unwrap_or(Revision::FIRST);
        Ok(credential.with_revision(revision))
    }
}

/// Which call to make.
pub(super) enum Call<'a> {
    Resolve,
    Refresh(&'a Credential, Reason),
}

/// The name of an answer, for messages.
pub(super) const fn named(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::Credential(_) => "a credential",
        Resolution::Unchanged => "`Unchanged`",
        Resolution::Selected(_) => "`Selected`",
        Resolution::SignIn(_) => "a sign-in step",
    }
}

fn person(name: &str) -> Checked<EffectiveSession> {
    Ok(EffectiveSession::requester(Requester {
        session: "conformance",
        channel: "conformance",
        account: "conformance",
        requester: name,
    })?)
}
