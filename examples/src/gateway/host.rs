//! The gateway: what a host sets up once, and how its parts ask.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authprofile_bridge::openclaw::Home;
use authprofile_bridge::provider::AuthProfileFactory;
use credential_provider_api::{
    Credential, CredentialError, CredentialRef, EffectiveSession, Requester, State, Timestamp,
};
use oauth_provider::OAuthFactory;
use resolution_engine::{Administrator, Consumer, ResolutionEngine, Tuning};
use volcengine_provider::VolcengineFactory;

use super::checks::Checks;
use super::defaults::configuration;
use super::measure::Measure;
use super::narrator::Narrator;
use super::options::Pace;
use super::world::World;

/// Somebody in the chat.
#[derive(Clone)]
pub(super) struct Person {
    /// The name, as the chat and the issuers know it.
    pub(super) name: &'static str,
    /// What tells this person from others in the same chat.
    pub(super) session: EffectiveSession,
}

/// A gateway, and what watches it.
pub(super) struct Host {
    /// How the story calls it.
    pub(super) name: &'static str,
    pub(super) pace: Pace,
    pub(super) narrator: Arc<Narrator>,
    pub(super) checks: Arc<Checks>,
    pub(super) measure: Measure,
    pub(super) world: Arc<World>,
    pub(super) engine: ResolutionEngine,
    pub(super) administrator: Administrator,
    pub(super) assistant: Consumer,
    pub(super) tool: Consumer,
    pub(super) search: Consumer,
    pub(super) slack: Consumer,
    pub(super) stranger: Consumer,
    pub(super) calendar: CredentialRef,
    pub(super) post: CredentialRef,
    pub(super) alice: Person,
    pub(super) bob: Person,
}

type Opened = Result<Arc<Host>, Box<dyn Error + Send + Sync>>;

impl Host {
    /// Builds the engine on a store opened anew, with every provider of the configuration, and mints
    /// the consumers.
    pub(super) async fn open(
        name: &'static str,
        pace: Pace,
        narrator: &Arc<Narrator>,
        checks: &Arc<Checks>,
        world: &Arc<World>,
    ) -> Opened {
        let store = Arc::new(world.key.open_store().await?);
        let engine = ResolutionEngine::builder()
            .store(store)
            .factory(OAuthFactory::new(world.http.clone()))
            .factory(AuthProfileFactory::new(Home::at(world.openclaw.path())))
            .factory(VolcengineFactory::with_reqwest()?)
            .tuning(tuning())
            .build()?;
        let report = engine.configure(configuration(world)?).await?;
        if let Some((provider, error)) = report.failed.first() {
            return Err(format!("provider {provider} cannot be built: {error}").into());
        }
        Ok(Arc::new(Self {
            name,
            pace,
            narrator: narrator.clone(),
            checks: checks.clone(),
            measure: Measure::default(),
            world: world.clone(),
            administrator: engine.administrator(),
            assistant: engine.consumer("model:assistant")?,
            tool: engine.consumer("tool:calendar")?,
            search: engine.consumer("tool:search")?,
            slack: engine.consumer("channel:slack")?,
            stranger: engine.consumer("skill:weather")?,
            calendar: CredentialRef::parse("workspace/calendar")?,
            post: CredentialRef::parse("chat/post")?,
            alice: person("alice")?,
            bob: person("bob")?,
            engine,
        }))
    }

    /// A second gateway on the same folder. It has an engine and opens the store itself, as another
    /// process does.
    pub(super) async fn beside(&self) -> Opened {
        Self::open("gateway 2", self.pace, &self.narrator, &self.checks, &self.world).await
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
        self.wait_for(2 * self.world.issuer.token_life(), || self.now() >= end).await;
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
        self.world.clock.now()
    }

    pub(super) fn say(&self, who: &str, what: impl Display) {
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
