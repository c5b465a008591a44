//! The task that follows the authority and keeps the profiles.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock, Credential, CredentialError, ErrorClass, ErrorCode, Scope, State, Timestamp,
};
use futures::future::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::hold::Hold;
use super::ledger::Ledger;
use super::said::SyntheticProfile;
use super::service::{SyntheticStanding, SyntheticStatus};
use super::settle::{Settled, Token, Wish, settle};
use crate::authority::{Authority, News, NewsStream, Wanted};
use crate::openclaw::provider_name::normalized;
use crate::openclaw::{AuthProfileStore, NoSecret};

/// How long to wait after a failure that says nothing about it.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// How long to wait after the store could not be edited, which waits for its lock already.
const AFTER_LOCK: Duration = Duration::from_secs(5);
/// The longest time before the end at which a successor is asked for.
const LEAD: Duration = Duration::from_secs(60);
/// The shortest pause between two looks at one profile.
const PAUSE: Duration = Duration::from_secs(1);

/// What does not change while the task runs.
pub(super) struct Room {
    pub(super) store: AuthProfileStore,
    pub(super) authority: Arc<dyn Authority>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: PathBuf,
    pub(super) margin: Duration,
    pub(super) every: Duration,
    /// Kept as long as anybody may edit by the ledger.
    #[expect(dead_code, reason = "it is held, and let go of with the rest")]
    pub(super) hold: Option<Hold>,
}

/// One profile that is kept.
struct Target {
    said: SyntheticProfile,
    id: String,
    /// When to look at it next.
    due: Timestamp,
    /// Counts the looks: an answer to an earlier one does not count.
    look: u64,
    looking: bool,
    /// What stands in the store: until when, and when to ask for its successor.
    standing: Option<(Timestamp, Timestamp)>,
    /// When the credential last written truly ends.
    end: Option<Timestamp>,
}

/// What came of asking for a credential.
enum Answer {
    Token(Token),
    /// It is not to be had, and what is written must not stay.
    Withdrawn(CredentialError),
    /// It is not to be had now.
    Failing(CredentialError),
}

type Look = Pin<Box<dyn Future<Output = (usize, u64, Answer)> + Send>>;

pub(super) struct Worker {
    room: Arc<Room>,
    targets: Vec<Target>,
    status: watch::Sender<Vec<SyntheticStatus>>,
    looks: FuturesUnordered<Look>,
    /// When to look for what is no longer configured; until that was done once.
    leftovers: Option<Timestamp>,
}

impl Worker {
    pub(super) fn new(
        room: Arc<Room>,
        said: Vec<SyntheticProfile>,
        status: watch::Sender<Vec<SyntheticStatus>>,
    ) -> Self {
        let now = room.clock.now();
        let target = |said: SyntheticProfile| Target {
            id: said.profile_id(),
            said,
            due: now,
            look: 0,
            looking: false,
            standing: None,
            end: None,
        };
        let targets = said.into_iter().map(target).collect();
        Self { room, targets, status, looks: FuturesUnordered::new(), leftovers: Some(now) }
    }

    /// Runs until it is stopped or the authority ends. An edit that has begun is waited for.
    pub(super) async fn run(mut self, mut news: NewsStream, stop: CancellationToken) {
        loop {
            // All that is known counts before anything is written.
            while let Some(item) = news.next().now_or_never() {
                match item {
                    Some(item) => self.hear(&item),
                    None => return,
                }
            }
            let now = self.room.clock.now();
            if self.leftovers.is_some_and(|due| due <= now) {
                self.remove_leftovers().await;
            }
            for at in 0..self.targets.len() {
                self.look_if_due(at).await;
            }
            let due = self.targets.iter().filter(|target| !target.looking).map(|target| target.due);
            let due = due.chain(self.leftovers).min().unwrap_or(Timestamp::MAX);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                item = news.next() => match item {
                    Some(item) => self.hear(&item),
                    None => return,
                },
                Some((at, look, answer)) = self.looks.next() => self.answered(at, look, answer).await,
                () = self.room.clock.sleep_until(due) => {}
            }
        }
    }

    fn hear(&mut self, news: &News) {
        let now = self.room.clock.now();
        for target in &mut self.targets {
            let about = match news {
                News::Credential(credential) => target.said.credential == *credential,
                News::Anything => true,
            };
            if about {
                // A look under way may have seen what was before.
                target.look += 1;
                target.looking = false;
                target.due = now;
            }
        }
    }

    async fn look_if_due(&mut self, at: usize) {
        let now = self.room.clock.now();
        let room = Arc::clone(&self.room);
        let Some(target) = self.targets.get_mut(at) else { return };
        if target.looking || now < target.due {
            return;
        }
        target.look += 1;
        let credential = target.said.credential.clone();
        let taken_back = match room.authority.state(&credential) {
            // Not asked for: an answer would be its failure, or bring it back.
            Some(State::Revoked) => Some(ErrorCode::Revoked),
            Some(State::NeedsReauth) => Some(ErrorCode::NeedsReauth),
            _ => None,
        };
        if let Some(code) = taken_back {
            let error = CredentialError::new(code, "").about(&credential);
            let look = target.look;
            return self.answered(at, look, Answer::Withdrawn(error)).await;
        }
        // Near the end of what is written only one that lasts longer is any use.
        let is_ending = target.standing.is_some_and(|(_, ask)| ask <= now);
        let at_least = match target.end {
            Some(end) if is_ending => now.until(end) + PAUSE,
            _ => Duration::ZERO,
        };
        target.looking = true;
        let (look, provider) = (target.look, target.said.provider.clone());
        self.looks.push(Box::pin(async move {
            let wanted = Wanted::new(&credential).at_least(at_least);
            let answer = match room.authority.get(wanted).await {
                Ok(found) => room.judge(&credential, &provider, &found),
                Err(error) => Err(error),
            };
            let answer = match answer {
                Ok(token) => Answer::Token(token),
                Err(error) if error.class() == ErrorClass::Retry => Answer::Failing(error),
                Err(error) => Answer::Withdrawn(error),
            };
            (at, look, answer)
        }));
    }

    async fn answered(&mut self, at: usize, look: u64, answer: Answer) {
        let Some(target) = self.targets.get_mut(at).filter(|target| target.look == look) else {
            return;
        };
        target.looking = false;
        let (wish, error) = match answer {
            Answer::Token(token) => {
                target.end = token.end;
                (Wish::Token(token), None)
            }
            Answer::Withdrawn(error) => (Wish::Gone, Some(error)),
            Answer::Failing(error) => (Wish::Unchanged, Some(error)),
        };
        let failing = matches!(wish, Wish::Unchanged);
        let settled = self.room.settle(target.id.clone(), wish).await;
        let now = self.room.clock.now();
        let later = now.plus(self.room.every);
        let (standing, error) = match settled {
            Ok(settled) => {
                target.standing = match (settled, target.standing) {
                    (Settled::Ours(Some(early)), Some(before)) if before.0 == early => Some(before),
                    (Settled::Ours(Some(early)), _) => {
                        Some((early, early.minus(LEAD.min(now.until(early) / 20))))
                    }
                    _ => None,
                };
                (settled.into(), error)
            }
            // Soon again: it may be a revocation that is not carried out yet.
            Err(why) if why.is_transient() => {
                let why = if why.retry_after().is_some() {
                    why
                } else {
                    why.with_retry_after(AFTER_LOCK)
                };
                (SyntheticStanding::Unknown, Some(why))
            }
            Err(why) => (SyntheticStanding::Unknown, Some(why)),
        };
        let retry = error.as_ref().filter(|error| failing || error.is_transient());
        target.due = match (retry, target.standing) {
            (Some(error), _) => now.plus(error.retry_after().unwrap_or(AFTER_FAILURE)),
            (None, Some((_, ask))) if now < ask => ask,
            // It has no successor yet.
            (None, Some((early, _))) => now.plus((now.until(early) / 2).max(PAUSE)),
            (None, None) => later,
        };
        target.due = target.due.min(later);
        if let (Some((early, _)), true) = (target.standing, failing) {
            // Gone in time, whatever the source asked us to wait.
            target.due = target.due.min(early.max(now.plus(PAUSE)));
        }
        if let Some(error) = &error {
            tracing::warn!(profile = %target.id, %error, "a synthetic profile is not as it should be");
        }
        self.say(at, standing, error);
    }

    fn say(&self, at: usize, standing: SyntheticStanding, error: Option<CredentialError>) {
        self.status.send_modify(|all| {
            if let Some(status) = all.get_mut(at) {
                status.standing = standing;
                status.error = error;
            }
        });
    }

    /// Removes what an earlier run wrote and nobody wants any more.
    async fn remove_leftovers(&mut self) {
        let wanted: Vec<String> = self.targets.iter().map(|target| target.id.clone()).collect();
        let now = self.room.clock.now();
        let removed = self.room.forget(move |id| !wanted.iter().any(|other| other == id)).await;
        let pause = match &removed {
            Ok(()) => self.room.every,
            Err(error) => {
                tracing::warn!(%error, "synthetic profiles of an earlier run were not removed");
                AFTER_FAILURE
            }
        };
        // An OpenClaw that has one in memory may write it back.
        self.leftovers = Some(now.plus(pause));
    }
}

impl Room {
    /// What is to be written of a credential.
    ///
    /// # Errors
    /// Why nothing is.
    fn judge(
        &self,
        reference: &credential_provider_api::CredentialRef,
        provider: &str,
        credential: &Credential,
    ) -> Result<Token, CredentialError> {
        let refused =
            |code, detail: &'static str| Err(CredentialError::new(code, detail).about(reference));
        // Asked again: the provider may have been replaced since the configuration was read.
        if self.authority.scope(reference) != Some(Scope::Gateway) {
            return refused(ErrorCode::AccessDenied, NOT_THE_GATEWAYS);
        }
        let Some(secret) = credential.secret() else {
            return refused(
                ErrorCode::Unsupported,
                "it is more than one text, and a profile is one",
            );
        };
        if credential.property("binding") == Some("dpop") {
            return refused(
                ErrorCode::Unsupported,
                "it is bound to a key that OpenClaw does not have",
            );
        }
        let text = secret.expose_secret();
        if text.trim().is_empty() || NoSecret::of(text).is_some() {
            return refused(ErrorCode::RedactedValue, "it is no secret, and is not written");
        }
        let now = self.clock.now();
        let early = credential.expires_at().map(|end| {
            let life = credential.issued_at().unwrap_or(now).min(now).until(end);
            end.minus(self.margin.min(life / 5).max(Duration::from_millis(1)))
        });
        Ok(Token {
            provider: normalized(provider),
            secret: secret.clone(),
            early,
            end: credential.expires_at(),
        })
    }

    async fn settle(&self, id: String, wish: Wish) -> Result<Settled, CredentialError> {
        let now = self.clock.now();
        let file = self.ledger.clone();
        let change = move |profiles: &mut _| {
            let before = Ledger::read(&file)?;
            let mut ledger = before.clone();
            let settled = settle(profiles, &mut ledger, &id, &wish, now)?;
            // Before the profile: what stands there must be known as ours, whenever we end.
            ledger.write(&file, &before)?;
            Ok(settled)
        };
        self.store.edit(change).await
    }

    /// Removes the profiles of ours that `which` says.
    pub(super) async fn forget(
        &self,
        which: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<(), CredentialError> {
        if !self.ledger.exists() {
            return Ok(());
        }
        let now = self.clock.now();
        let file = self.ledger.clone();
        let change = move |profiles: &mut _| {
            let before = Ledger::read(&file)?;
            let mut ledger = before.clone();
            for id in before.ids().iter().filter(|id| which(id)) {
                settle(profiles, &mut ledger, id, &Wish::Forgotten, now)?;
            }
            ledger.write(&file, &before)
        };
        self.store.edit(change).await
    }
}

/// Said where a credential is a session's, or nobody's.
pub(super) const NOT_THE_GATEWAYS: &str =
    "only what its provider says is the gateway's is written where every agent reads it";

impl From<Settled> for SyntheticStanding {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Ours(until) => Self::Written { until },
            Settled::Nothing => Self::Absent,
        }
    }
}
