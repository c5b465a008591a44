//! The gateway: what a host sets up once, and how its parts ask.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use credential_provider_api::{
    Credential, CredentialError, CredentialRef, EffectiveSession, Requester, State, Timestamp,
};
use resolution_engine::{AccessRules, Administrator, Consumer, ResolutionEngine, Tuning};

use super::chat::Chat;
use super::checks::Checks;
use super::console::Console;
use super::grants::Grants;
use super::issuer::Issuer;
use super::measure::Measure;
use super::narrator::Narrator;
use super::provider::Workspace;

/// How much time the story takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// To be read along.
    Told,
    /// To be checked.
    Fast,
}

/// Somebody in the chat.
#[derive(Clone)]
pub struct Person {
    /// The name, as the chat and the issuer know it.
    pub name: &'static str,
    /// What tells this person from others in the same chat.
    pub session: EffectiveSession,
}

/// The gateway, and what watches it.
pub struct Host {
    pub(super) pace: Pace,
    pub(super) narrator: Arc<Narrator>,
    pub(super) checks: Checks,
    pub(super) measure: Measure,
    pub(super) issuer: Arc<Issuer>,
    pub(super) engine: ResolutionEngine,
    pub(super) administrator: Administrator,
    pub(super) assistant: Consumer,
    pub(super) tool: Consumer,
    pub(super) slack: Consumer,
    pub(super) stranger: Consumer,
    pub(super) calendar: CredentialRef,
    pub(super) post: CredentialRef,
    pub(super) model: CredentialRef,
    pub(super) alice: Person,
    pub(super) bob: Person,
}

impl Host {
    /// Builds the engine and mints the consumers.
    ///
    /// # Errors
    /// A name or rule that is not one.
    pub fn open(
        pace: Pace,
        narrator: Arc<Narrator>,
    ) -> Result<Arc<Self>, Box<dyn Error + Send + Sync>> {
        let latency = match pace {
            Pace::Told => (50, 100),
            Pace::Fast => (10, 20),
        };
        let issuer = Arc::new(Issuer::new(latency));
        let workspace = Workspace::new(issuer.clone(), Arc::new(Grants::default()))?;
        // Denied unless granted. A provider is a consumer too: the chat's token is derived.
        let rules = AccessRules::deny_all()
            .allow("model:assistant", "console/model")?
            .allow("tool:calendar", "workspace/calendar")?
            .allow("channel:slack", "chat/post")?
            .allow("provider:chat", "workspace/calendar")?;
        let engine = ResolutionEngine::builder()
            .provider(workspace)
            .provider(Chat::new(issuer.clone())?)
            .provider(Console::new(issuer.clone())?)
            .access(rules)
            .tuning(tuning())
            .build()?;
        Ok(Arc::new(Self {
            pace,
            narrator,
            checks: Checks::default(),
            measure: Measure::default(),
            issuer,
            administrator: engine.administrator(),
            assistant: engine.consumer("model:assistant")?,
            tool: engine.consumer("tool:calendar")?,
            slack: engine.consumer("channel:slack")?,
            stranger: engine.consumer("skill:weather")?,
            calendar: CredentialRef::parse("workspace/calendar")?,
            post: CredentialRef::parse("chat/post")?,
            model: CredentialRef::parse("console/model")?,
            alice: person("alice")?,
            bob: person("bob")?,
            engine,
        }))
    }

    /// A request by name, its latency noted.
    pub(super) async fn request(
        &self,
        who: &Consumer,
        credential: &CredentialRef,
        person: &Person,
    ) -> Result<Arc<Credential>, CredentialError> {
        let begun = Instant::now();
        let answer = who.request(credential).session(&person.session).await;
        self.measure.request(begun.elapsed());
        answer
    }

    /// Where `person`'s calendar credential is in its life.
    pub(super) fn state_of(&self, person: &Person) -> State {
        let snapshot = self.administrator.snapshot();
        let mut own = snapshot.iter().filter(|status| {
            status.key.reference() == self.calendar
                && status.key.session.as_ref() == Some(&person.session)
        });
        own.next().map_or(State::Unconfigured, |status| status.state)
    }

    /// Waits until `condition` holds, at most `patience`; whether it does.
    pub(super) async fn wait_for(&self, patience: Duration, condition: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !condition() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }

    /// A pause for the reader, and for events to be printed where they belong.
    pub(super) async fn pause(&self) {
        let span = match self.pace {
            Pace::Told => Duration::from_millis(600),
            Pace::Fast => Duration::from_millis(10),
        };
        tokio::time::sleep(span).await;
    }

    pub(super) fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    pub(super) fn say(&self, who: &str, what: impl std::fmt::Display) {
        self.narrator.say(who, what);
    }
}

/// One group chat, two people: the chat's session key alone would be the same for both.
fn person(name: &'static str) -> Result<Person, CredentialError> {
    let session = EffectiveSession::requester(Requester {
        session: "agent:main:slack:group:planning",
        channel: "slack",
        account: "T024BE7LD",
        requester: name,
    })?;
    Ok(Person { name, session })
}

/// Pauses that fit tokens which live three seconds. The defaults fit an hour.
fn tuning() -> Tuning {
    let mut tuning = Tuning::default();
    tuning.attempts = 1;
    tuning.backoff = Duration::from_millis(200);
    tuning.backoff_limit = Duration::from_millis(400);
    tuning.forced_pause = Duration::from_millis(500);
    tuning
}
