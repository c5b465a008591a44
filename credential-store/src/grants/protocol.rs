//! The renewal protocol: lease, read again, intent, exchange, save, publish, release.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::{
    CommitGate, Credential, CredentialError, ErrorCode, Grant, Intent, Key, Lease, Loaded,
    ReauthReason, Record, Refusal, Revision, Timestamp,
};
use futures::FutureExt as _;
use tokio::time::Instant;

use super::ask::Renewal;
use super::exchange::{Exchange, Exchanged};
use super::handle::Inner;
use super::verdict::{Given, Held, Verdict, absent, judge};
use crate::faults::Point;

/// How often a waiter looks whether the lease's holder has saved something good enough.
const NEWS: Duration = Duration::from_millis(100);
/// Somebody who signs in again and again meets a renewal at most this often.
const ROUNDS: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs on a task of its own; only a closed `gate` ends it early, and only before the exchange.
pub(super) async fn renew(
    inner: Arc<Inner>,
    ask: Renewal,
    exchange: Arc<dyn Exchange>,
    gate: CommitGate,
) -> Result<Given, CredentialError> {
    let ask = match inner.judged(&ask).await? {
        Verdict::Give(given) => return Ok(given),
        Verdict::Fail(error) => return Err(error),
        Verdict::Renew(held) => ask.begun_at(Some(held.revision)),
    };
    let turn = inner.turns.wait(ask.key()).await?;
    let run = Run { inner: &inner, ask: &ask, exchange: &exchange };
    let outcome = run.in_turn(&gate).await;
    turn.end(&outcome);
    outcome
}

struct Run<'a> {
    inner: &'a Inner,
    ask: &'a Renewal,
    exchange: &'a Arc<dyn Exchange>,
}

/// How far a round came.
enum Round {
    Done(Result<Given, CredentialError>),
    /// Somebody signed in meanwhile: judge again.
    Again,
}

impl Run<'_> {
    /// Whoever had the turn before has mostly brought what this one wants. That is seen without the
    /// lease: other processes stand in line for it, and a crowd here would wait once for each task.
    async fn in_turn(&self, gate: &CommitGate) -> Result<Given, CredentialError> {
        match self.inner.judged(self.ask).await? {
            Verdict::Give(given) => Ok(given),
            Verdict::Fail(error) => Err(error),
            Verdict::Renew(_) => self.under_lease(gate).await,
        }
    }

    async fn under_lease(&self, gate: &CommitGate) -> Result<Given, CredentialError> {
        let lease = match self.lease().await? {
            Ok(lease) => lease,
            Err(given) => return Ok(given),
        };
        self.probe(Point::Leased)?;
        let mut outcome = None;
        for _ in 0..ROUNDS {
            match self.round(&*lease, gate).await {
                Round::Done(done) => {
                    outcome = Some(done);
                    break;
                }
                Round::Again => {}
            }
        }
        drop(lease);
        self.probe(Point::Released)?;
        outcome.unwrap_or_else(|| {
            let detail = "the grant changes faster than it can be renewed";
            Err(CredentialError::new(ErrorCode::Conflict, detail))
        })
    }

    /// The lease, or what its holder saved while we waited for it.
    async fn lease(&self) -> Result<Result<Box<dyn Lease>, Given>, CredentialError> {
        let mut lease = self.inner.store.lease(self.ask.key());
        loop {
            tokio::select! {
                biased;
                lease = &mut lease => return Ok(Ok(lease?)),
                () = tokio::time::sleep(NEWS) => {}
            }
            match self.inner.judged(self.ask).await? {
                Verdict::Give(given) => return Ok(Err(given)),
                Verdict::Fail(error) => return Err(error),
                Verdict::Renew(_) => {}
            }
        }
    }

    async fn round(&self, lease: &dyn Lease, gate: &CommitGate) -> Round {
        let held = match self.inner.judged(self.ask).await {
            Ok(Verdict::Renew(held)) => held,
            Ok(Verdict::Give(given)) => return Round::Done(Ok(given)),
            Ok(Verdict::Fail(error)) | Err(error) => return Round::Done(Err(error)),
        };
        // From here on nobody cancels: neither the caller nor the engine it asks for.
        let committed =
            self.probe(Point::Read).and_then(|()| Ok((gate.enter()?, self.ask.commit()?)));
        let _committed = match committed {
            Ok(guards) => guards,
            Err(error) => return Round::Done(Err(error)),
        };
        let interrupted = held.record.intent.is_some();
        let intended = match self.intend(held, lease).await {
            Ok(Some(intended)) => intended,
            Ok(None) => return Round::Again,
            Err(error) => return Round::Done(Err(error)),
        };
        if let Err(error) = self.probe(Point::IntentSaved) {
            return Round::Done(Err(error));
        }
        if !lease.is_held() {
            let detail = "the lease was lost before anything was sent";
            if !interrupted {
                self.forget_intent(intended).await;
            }
            return Round::Done(Err(CredentialError::new(ErrorCode::StoreLocked, detail)));
        }
        let answer = self.exchanged(&intended).await;
        if let Err(error) = self.probe(Point::Answered) {
            return Round::Done(Err(error));
        }
        match answer {
            Exchanged::Issued { credential, grant } => {
                self.keep(intended, Ok(credential.without_revision()), grant).await
            }
            Exchanged::Rotated { grant, error } => {
                self.keep(intended, Err(error), Some(grant)).await
            }
            Exchanged::Refused { reason, detail } => {
                let reason = if interrupted { ReauthReason::RenewalInterrupted } else { reason };
                let refusal = Refusal::new(self.inner.clock.now(), reason, detail);
                self.refused(intended, refusal).await
            }
            Exchanged::Unspent(error) => {
                // An older interruption is still unexplained: its intent stays.
                if !interrupted {
                    self.forget_intent(intended).await;
                }
                Round::Done(Err(error))
            }
            Exchanged::Unanswered(error) => Round::Done(Err(error)),
        }
    }

    /// Makes it durable that an exchange is about to be sent. An intent that is there already says
    /// so, and who was interrupted. `None` if the record changed meanwhile.
    async fn intend(&self, held: Held, lease: &dyn Lease) -> Result<Option<Held>, CredentialError> {
        if held.record.intent.is_some() {
            return Ok(Some(held));
        }
        let intent = Intent::new(self.inner.clock.now(), lease.holder());
        let record = held.record.with_intent(intent);
        let saved = self.inner.store.save(self.key(), Some(held.revision), record.clone()).await;
        match saved {
            Ok(revision) => Ok(Some(Held { revision, record, grant: held.grant })),
            Err(error) if error.code() == ErrorCode::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn exchanged(&self, held: &Held) -> Exchanged {
        let current = held.record.credential.as_ref();
        let sent = AssertUnwindSafe(self.exchange.exchange(&held.grant, current)).catch_unwind();
        match tokio::time::timeout(self.inner.exchange_limit, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                let detail = "the exchange panicked";
                let error = CredentialError::new(ErrorCode::ProviderPanicked, detail);
                Exchanged::Unanswered(error)
            }
            Err(_) => {
                let detail = "the issuer did not answer in time";
                Exchanged::Unanswered(CredentialError::new(ErrorCode::Timeout, detail))
            }
        }
    }

    /// Saves what was issued, before anybody sees it, however often it takes.
    async fn keep(
        &self,
        held: Held,
        issued: Result<Credential, CredentialError>,
        grant: Option<Grant>,
    ) -> Round {
        let follower = grant.clone().unwrap_or_else(|| held.grant.clone());
        // What cannot be served does not take the place of what was.
        let kept = issued.as_ref().ok().or(held.record.credential.as_ref());
        let mut record = Record::new(Some(follower.clone()), kept.cloned());
        record.signed_in = held.record.signed_in;
        let mut expected = held.revision;
        let (since, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let saved = self.inner.store.save(self.key(), Some(expected), record.clone()).await;
            let problem = match saved {
                Ok(revision) => {
                    self.inner.known.did(self.key(), revision, Some(&record));
                    if let Some(end) = issued.as_ref().ok().and_then(Credential::expires_at) {
                        let issued = Issued { revision, at: self.inner.clock.now(), end };
                        self.inner.issued().insert(self.key().clone(), issued);
                    }
                    let given = issued.map(|credential| Given {
                        credential: credential.with_revision(revision),
                        grant: Some(follower),
                    });
                    return Round::Done(self.probe(Point::Saved).and(given));
                }
                Err(error) if error.code() == ErrorCode::Conflict => {
                    match self.inner.load(self.key()).await {
                        Ok(now) => match overtaken(&now, &held, &record) {
                            None => {
                                expected = now.revision.unwrap_or(expected);
                                continue;
                            }
                            Some(round) => {
                                self.discard(grant);
                                return round;
                            }
                        },
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            let hopeless = matches!(
                problem.code(),
                ErrorCode::InvalidResponse | ErrorCode::Internal | ErrorCode::AccessDenied
            );
            if hopeless || since.elapsed() >= self.inner.save_limit {
                self.discard(grant);
                return Round::Done(Err(problem));
            }
            tracing::warn!(
                key = %self.key().reference(),
                code = problem.code().as_str(),
                "a renewed grant could not be saved; trying again"
            );
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// Revokes what nobody will have, beside the renewal: it may hang, and nobody waits for it but
    /// `close`.
    fn discard(&self, grant: Option<Grant>) {
        if let Some(grant) = grant {
            let (exchange, limit) = (self.exchange.clone(), self.inner.exchange_limit);
            self.inner.tasks.spawn(async move {
                let discarded = AssertUnwindSafe(exchange.discard(grant)).catch_unwind();
                if !matches!(tokio::time::timeout(limit, discarded).await, Ok(Ok(()))) {
                    tracing::warn!("a grant that came too late was not discarded");
                }
            });
        }
    }

    /// The issuer said no. Somebody may have changed the grant without the lease; else that was its
    /// last word, which is kept beside the grant.
    async fn refused(&self, held: Held, refusal: Refusal) -> Round {
        let error = refusal.error();
        let unsaved = (held.revision, error.clone());
        let mut record = held.record.with_refusal(refusal);
        record.intent = None;
        let saved = self.inner.store.save(self.key(), Some(held.revision), record.clone()).await;
        match saved {
            Ok(revision) => {
                self.inner.known.did(self.key(), revision, Some(&record));
                Round::Done(self.probe(Point::Saved).and(Err(error)))
            }
            Err(conflict) if conflict.code() == ErrorCode::Conflict => Round::Again,
            Err(_) => {
                // This process at least does not ask again.
                self.inner.refusals().insert(self.key().clone(), unsaved);
                Round::Done(Err(error))
            }
        }
    }

    /// If this fails the intent stays, and the next holder asks the issuer what became of it.
    async fn forget_intent(&self, held: Held) {
        let mut record = held.record;
        record.intent = None;
        let saved = self.inner.store.save(self.key(), Some(held.revision), record).await;
        if let Err(error) = saved {
            tracing::warn!(code = error.code().as_str(), "an intent was not taken back");
        }
    }

    fn key(&self) -> &Key {
        self.ask.key()
    }

    fn probe(&self, point: Point) -> Result<(), CredentialError> {
        self.inner.probe.at(point).map_err(|_| {
            CredentialError::new(ErrorCode::Unavailable, "a test stopped the renewal here")
        })
    }
}

/// Whether somebody signed out or in anew while the answer was on its way. Anything else that changed
/// the record is older than the answer.
fn overtaken(now: &Loaded, sent: &Held, ours: &Record) -> Option<Round> {
    let Some(record) = &now.record else {
        return Some(Round::Done(Err(absent(now.revision))));
    };
    // Under a clock that was set, or within a millisecond, two sign-ins have one time.
    let known = [Some(&sent.grant), ours.grant.as_ref()].map(|grant| grant.map(Grant::expose));
    let other = !known.contains(&record.grant.as_ref().map(Grant::expose));
    (record.signed_in != ours.signed_in || other).then_some(Round::Again)
}

/// What an issuer gave, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Issued {
    revision: Revision,
    at: Timestamp,
    end: Timestamp,
}

impl Issued {
    /// Its revision, if somebody wants more than the issuer gives: until half of its life has passed
    /// another would hardly last longer.
    fn best(&self, ask: &Renewal, now: Timestamp) -> Option<Revision> {
        let life = self.at.until(self.end);
        (ask.wants_more_than(life) && now < self.at.plus(life / 2)).then_some(self.revision)
    }
}

impl Inner {
    /// What is kept.
    pub(crate) async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        let loaded = self.store.load(key).await?;
        self.known.read(key, &loaded);
        Ok(loaded)
    }

    async fn judged(&self, ask: &Renewal) -> Result<Verdict, CredentialError> {
        let loaded = self.load(ask.key()).await?;
        let refusal = self.refusals().get(ask.key()).cloned();
        let now = self.clock.now();
        let best = self.issued().get(ask.key()).and_then(|issued| issued.best(ask, now));
        let verdict = judge(ask, loaded, now, best);
        Ok(match (verdict, refusal) {
            (Verdict::Renew(held), Some((at, error))) if held.revision == at => {
                Verdict::Fail(error)
            }
            (verdict, _) => verdict,
        })
    }

    /// What this process was issued last.
    fn issued(&self) -> MutexGuard<'_, HashMap<Key, Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The issuer's last words that could not be saved, and the revisions they are about.
    fn refusals(&self) -> MutexGuard<'_, HashMap<Key, (Revision, CredentialError)>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
