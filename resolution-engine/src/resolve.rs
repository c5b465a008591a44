//! A request that the fast path could not answer: checks, entry, flight, wait.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Audience, AuditAction, Credential, CredentialError, CredentialRef, EffectiveSession, ErrorCode,
    Hint, Interaction, Key, Revision, Scope, Timestamp, Variant,
};

use crate::access::Decision;
use crate::consumer::Identity;
use crate::core::Core;
use crate::entry::{Ask, Entry, Persistence, Step};
use crate::flight::{self, Context, Flight, Outcome, PermitSlot};

/// Who asks.
pub(crate) struct Asker<'a> {
    pub(crate) identity: &'a Identity,
    /// The flight that asks, if one does.
    pub(crate) node: Option<u64>,
    pub(crate) depth: u8,
    pub(crate) permit: Option<&'a PermitSlot>,
}

/// What is asked for, as asked.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) reference: CredentialRef,
    pub(crate) session: Option<EffectiveSession>,
    pub(crate) variant: Variant,
}

/// How it is asked for.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) min_validity: Duration,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) interaction: Interaction,
    pub(crate) reject: Option<Revision>,
    pub(crate) persistence: Persistence,
    pub(crate) hint: Hint,
}

/// What came of it.
pub(crate) struct Resolved {
    pub(crate) credential: Arc<Credential>,
    pub(crate) entry: Arc<Entry>,
    pub(crate) epoch: u32,
}

/// An error, with the entry that answered and its epoch then.
pub(crate) struct Failed {
    pub(crate) error: CredentialError,
    pub(crate) entry: Option<(Arc<Entry>, u32)>,
}

impl From<CredentialError> for Failed {
    fn from(error: CredentialError) -> Self {
        Self { error, entry: None }
    }
}

/// Selections that may follow one another.
const SELECTIONS: u8 = 4;

/// Resolves. Cancel-safe: dropping it gives up this caller's wait and nothing else.
pub(crate) async fn resolve(
    core: &Arc<Core>,
    asker: &Asker<'_>,
    wanted: &Wanted,
    options: &Options,
) -> Result<Resolved, Failed> {
    core.counters.misses.add(1);
    let mut key = core.authorize(asker.identity, wanted)?;
    let deadline =
        options.deadline.unwrap_or_else(|| core.clock.now().plus(core.tuning.default_deadline));
    for _ in 0..SELECTIONS {
        match entry_answer(core, asker, &key, options, deadline).await? {
            Answered::Resolved(resolved) => {
                core.grant(asker.identity, &wanted.reference, &resolved)?;
                return Ok(resolved);
            }
            Answered::Selected(id) => {
                let chosen = CredentialRef::new(key.provider.clone(), id);
                if core.access.forbids(&asker.identity.name, &chosen) {
                    return Err(core.denied(asker.identity, &key).into());
                }
                let wanted = Wanted { reference: chosen, ..wanted.clone() };
                key = core.key_of(Some(asker.identity), &wanted)?;
            }
        }
    }
    let detail = "selections follow one another without end";
    Err(CredentialError::new(ErrorCode::DependencyTooDeep, detail).about(&wanted.reference).into())
}

enum Answered {
    Resolved(Resolved),
    Selected(credential_provider_api::CredentialId),
}

async fn entry_answer(
    core: &Arc<Core>,
    asker: &Asker<'_>,
    key: &Key,
    options: &Options,
    deadline: Timestamp,
) -> Result<Answered, Failed> {
    let now = core.clock.now();
    let entry = core.table.get_or_create(key, now, core.secs(now), &core.tuning)?;
    let began = entry.epoch();
    let mut persistence = options.persistence;
    let mut reject = options.reject;
    loop {
        core.check_running()?;
        if entry.session_ended_since(began) {
            // The session this caller belonged to is over, even if another of its name has begun.
            let error = CredentialError::new(ErrorCode::SessionEnded, "");
            return Err(error.about(&key.reference()).into());
        }
        let ask = Ask { now: core.clock.now(), min_validity: options.min_validity, persistence };
        let step = entry.ask(core, ask, reject.take(), &options.hint, options.interaction);
        let (flight, start, fallback, epoch) = match step {
            Step::Serve(credential, epoch) => {
                let entry = entry.clone();
                return Ok(Answered::Resolved(Resolved { credential, entry, epoch }));
            }
            Step::Fail(error) => {
                let asks = options.interaction == Interaction::Allowed
                    && error.code() == ErrorCode::InteractionRequired
                    && persistence == Persistence::Respectful;
                if asks {
                    persistence = Persistence::Explicit;
                    continue;
                }
                let error = error.about(&key.reference());
                return Err(Failed { error, entry: Some((entry.clone(), began)) });
            }
            Step::Wait { flight, start, fallback, epoch } => (flight, start, fallback, epoch),
        };
        let serve = |credential: Arc<Credential>, epoch: u32| {
            Ok(Answered::Resolved(Resolved { credential, entry: entry.clone(), epoch }))
        };
        // The wait is noted before the flight starts, so that two flights which start each other
        // see the circle.
        let waits = match asker.node.map(|node| core.waits.enter(node, flight.node)) {
            Some(None) => {
                let error = CredentialError::new(ErrorCode::DependencyCycle, "");
                return Err(error.about(&key.reference()).into());
            }
            Some(Some(wait)) => Some(wait),
            None => None,
        };
        if let Some(launch) = start {
            let context = Context {
                min_validity: options.min_validity,
                interaction: options.interaction,
                hint: options.hint.clone(),
                depth: asker.depth + u8::from(asker.node.is_some()),
                permit: None,
            };
            flight::start(core, entry.clone(), *launch, context);
        }
        let waiter = core.waiters.enter().map_err(|error| error.about(&key.reference()))?;
        let pause = asker.permit.map(PermitSlot::pause);
        let same_hint = flight.hint == options.hint;
        let outcome = wait(core, &flight, deadline).await;
        if let Some(pause) = pause {
            pause.resume().await;
        }
        drop((waits, waiter));
        match outcome {
            Waited::Outcome(Outcome::Served(credential, served_in)) => {
                // A withdrawal since then means that it must not be handed out any more.
                if entry.epoch() == served_in {
                    return serve(credential, served_in);
                }
            }
            Waited::Outcome(Outcome::Selected(id)) if same_hint => {
                return Ok(Answered::Selected(id));
            }
            Waited::Outcome(Outcome::Selected(_) | Outcome::Fenced(_)) => {}
            // Somebody else's request failed for what only that one wanted.
            Waited::Outcome(Outcome::Failed(error, _)) if error.is_passing() && !same_hint => {}
            Waited::Outcome(Outcome::Failed(error, asked)) => {
                if let Some(credential) = still_good(core, &entry, fallback, epoch) {
                    return serve(credential, epoch);
                }
                let may_ask = options.interaction == Interaction::Allowed
                    && asked == Interaction::Forbidden
                    && error.code() == ErrorCode::InteractionRequired;
                if !may_ask {
                    let error = error.about(&key.reference());
                    return Err(Failed { error, entry: Some((entry.clone(), epoch)) });
                }
                persistence = Persistence::Explicit;
            }
            Waited::Gone => return Err(CredentialError::new(ErrorCode::ShutDown, "").into()),
            Waited::TooLong => {
                if let Some(credential) = still_good(core, &entry, fallback, epoch) {
                    return serve(credential, epoch);
                }
                let error = CredentialError::new(ErrorCode::DeadlineExceeded, "");
                return Err(error.about(&key.reference()).into());
            }
        }
    }
}

/// What was served before the wait, if it still may be.
fn still_good(
    core: &Core,
    entry: &Entry,
    fallback: Option<Arc<Credential>>,
    epoch: u32,
) -> Option<Arc<Credential>> {
    let current = entry.value();
    let current = current.as_ref()?;
    fallback.filter(|credential| {
        entry.epoch() == epoch
            && Arc::ptr_eq(current, credential)
            && core.clock.now() < credential.window().until
    })
}

enum Waited {
    Outcome(Outcome),
    TooLong,
    Gone,
}

async fn wait(core: &Core, flight: &Flight, deadline: Timestamp) -> Waited {
    let mut outcome = flight.outcome.clone();
    // Whoever finds it stopped already waits for its end.
    let stopped = flight.stop.is_cancelled();
    tokio::select! {
        biased;
        seen = outcome.wait_for(Option::is_some) => match seen.ok().and_then(|seen| seen.clone()) {
            Some(outcome) => return Waited::Outcome(outcome),
            None => return Waited::Gone,
        },
        () = core.clock.sleep_until(deadline) => return Waited::TooLong,
        // Taken back: those who wait are told at once, though an exchange may go on to its end. A
        // shutdown takes nothing back.
        () = flight.stop.cancelled(), if !stopped => {}
    }
    if !core.stop.is_cancelled() {
        return Waited::Outcome(Outcome::Fenced(None));
    }
    tokio::select! {
        biased;
        seen = outcome.wait_for(Option::is_some) => {
            let seen = seen.ok().and_then(|seen| seen.clone());
            seen.map_or(Waited::Gone, Waited::Outcome)
        }
        () = core.clock.sleep_until(deadline) => Waited::TooLong,
    }
}

impl Core {
    /// Whether `who` may have what is wanted, and the key it goes by.
    pub(crate) fn authorize(
        &self,
        who: &Identity,
        wanted: &Wanted,
    ) -> Result<Key, CredentialError> {
        self.check_running()?;
        let decision = self.access.decide(&who.name, &wanted.reference);
        if decision == Decision::Denied {
            let key = Key::new(&wanted.reference, wanted.session.clone(), wanted.variant.clone());
            return Err(self.denied(who, &key));
        }
        self.key_of(Some(who), wanted)
    }

    /// The key of what is wanted, as its provider's descriptor scopes it. An administrator (`None`)
    /// may address what is for providers only.
    pub(crate) fn key_of(
        &self,
        who: Option<&Identity>,
        wanted: &Wanted,
    ) -> Result<Key, CredentialError> {
        let reference = &wanted.reference;
        let fail = |code| CredentialError::new(code, "").about(reference);
        let registered = self
            .registry
            .get(&reference.provider)
            .ok_or_else(|| fail(ErrorCode::ProviderNotFound))?;
        let descriptor = registered
            .provider
            .descriptor()
            .credential(&reference.id)
            .ok_or_else(|| fail(ErrorCode::CredentialNotFound))?;
        let inherits = || who.is_some_and(|who| self.access.inherits(&who.name, reference));
        let session = match (descriptor.scope, &wanted.session) {
            (Scope::Gateway, _) => None,
            (_, Some(session)) if inherits() => Some(session.root()),
            (_, Some(session)) => Some(session.clone()),
            (_, None) => return Err(fail(ErrorCode::SessionRequired)),
        };
        let key = Key::new(reference, session, wanted.variant.clone());
        match who {
            Some(who) if descriptor.audience == Audience::Providers && !who.is_provider() => {
                Err(self.denied(who, &key))
            }
            _ => Ok(key),
        }
    }

    /// Audits and counts a denial.
    pub(crate) fn denied(&self, who: &Identity, key: &Key) -> CredentialError {
        self.counters.denied.add(1);
        tracing::info!(consumer = %who.name, credential = %key.reference(), "access denied");
        match self.audited(who, key, AuditAction::Denied) {
            Ok(()) => CredentialError::new(ErrorCode::AccessDenied, "").about(&key.reference()),
            Err(error) => error,
        }
    }

    /// The last check before a credential leaves: the rules as they are now, and the audit of a
    /// first use. From here on the fast path answers this consumer.
    pub(crate) fn grant(
        &self,
        who: &Identity,
        asked: &CredentialRef,
        resolved: &Resolved,
    ) -> Result<(), CredentialError> {
        let entry = &resolved.entry;
        let epoch = self.access.epoch();
        if self.access.decide(&who.name, asked) == Decision::Denied {
            return Err(self.denied(who, entry.key()));
        }
        entry.touch(self.secs(self.clock.coarse_now()));
        let Some(revision) = resolved.credential.revision() else {
            let detail = "a credential is served without revision";
            return Err(CredentialError::new(ErrorCode::Internal, detail));
        };
        let marks = entry.marks().load(std::sync::atomic::Ordering::Acquire);
        if who.bit != 0 && marks >> 40 == epoch && marks & who.bit != 0 {
            return Ok(());
        }
        self.audited(who, entry.key(), AuditAction::FirstUse(revision))?;
        // A choice among accounts is made anew each time: the fast path must not skip it.
        let by_name = entry.key().credential == asked.id;
        if who.bit != 0 && by_name {
            entry.mark(revision, who.bit, epoch);
        }
        Ok(())
    }
}
