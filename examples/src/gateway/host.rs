//! The gateway: what a host sets up once, and how its parts ask.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use credential_provider_api::{
    Credential, CredentialError, CredentialRef, EffectiveSession, Requester, State, Timestamp,
};
use credential_store::Grants;
use resolution_engine::{AccessRules, Administrator, Consumer, ResolutionEngine, Tuning};

use super::chat::Chat;
use super::checks::Checks;
use super::console::Console;
use super::folder::{Folder, grants_in};
use super::issuer::{Issuer, TOKEN_LIFE};
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

/// A gateway, and what watches it.
pub struct Host {
    /// How the story calls it.
    pub(super) name: &'static str,
    pub(super) pace: Pace,
    pub(super) narrator: Arc<Narrator>,
    pub(super) checks: Checks,
    pub(super) measure: Measure,
    pub(super) issuer: Arc<Issuer>,
    pub(super) folder: Arc<Folder>,
    pub(super) grants: Grants,
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

type Opened = Result<Arc<Host>, Box<dyn Error + Send + Sync>>;

impl Host {
    /// Makes the issuer and the folder of grants, and opens a gateway on them.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub async fn open(pace: Pace, narrator: Arc<Narrator>) -> Opened {
        let (latency, life) = match pace {
            Pace::Told => ((50, 100), TOKEN_LIFE),
            Pace::Fast => ((10, 20), Duration::from_secs(2)),
        };
        let issuer = Arc::new(Issuer::new(latency).with_token_life(life));
        Self::on("gateway", pace, narrator, issuer, Arc::new(Folder::new()?)).await
    }

    /// A second gateway on the same folder. It has an engine and opens the store itself, as another
    /// process does.
    pub(super) async fn beside(&self) -> Opened {
        let (narrator, issuer) = (self.narrator.clone(), self.issuer.clone());
        Self::on("gateway 2", self.pace, narrator, issuer, self.folder.clone()).await
    }

    /// Builds the engine and mints the consumers.
    async fn on(
        name: &'static str,
        pace: Pace,
        narrator: Arc<Narrator>,
        issuer: Arc<Issuer>,
        folder: Arc<Folder>,
    ) -> Opened {
        let grants = grants_in(folder.path()).await?;
        let workspace = Workspace::new(issuer.clone(), grants.clone())?;
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
            name,
            pace,
            narrator,
            checks: Checks::default(),
            measure: Measure::default(),
            issuer,
            folder,
            grants,
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

    /// Ends what runs here: the engine, then what it has begun in the store.
    pub(super) async fn shut_down(&self) {
        self.engine.shutdown().await;
        self.grants.close().await;
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

    /// Forgets `person`'s access token, so that nobody renews it, and waits for its end.
    pub(super) async fn forget_until_it_ends(
        &self,
        person: &Person,
    ) -> Result<(), CredentialError> {
        let token = self.request(&self.tool, &self.calendar, person).await?;
        self.administrator.at(&self.calendar).session(&person.session).invalidate()?;
        let end = token.expires_at().unwrap_or_else(|| self.now());
        self.wait_for(2 * self.issuer.token_life(), || self.now() >= end).await;
        Ok(())
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

/// Pauses that fit tokens which live seconds. The defaults fit an hour.
fn tuning() -> Tuning {
    let mut tuning = Tuning::default();
    tuning.attempts = 1;
    tuning.backoff = Duration::from_millis(200);
    tuning.backoff_limit = Duration::from_millis(400);
    tuning.forced_pause = Duration::from_millis(500);
    tuning
}
