//! A scripted provider and an engine around it, on a clock that stands still.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses its part")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credential_provider_api::*;
use resolution_engine::*;
use tokio::sync::Notify;

pub type Answer = Result<Resolution, CredentialError>;

/// What one call does.
pub enum Act {
    /// Answers at once.
    Answer(Answer),
    /// Waits on the clock, then answers.
    After(Duration, Answer),
    /// Commits, waits on the clock, then answers.
    Committed(Duration, Answer),
    /// Asks its source first, then answers with a token made of the parent's.
    Derive(Want, Duration),
    /// Panics with text that must not be seen.
    Panic,
    /// Never answers.
    Hang,
}

/// Plays a script; when it is over, issues numbered tokens that live `life`.
pub struct Scripted {
    pub descriptor: ProviderDescriptor,
    pub script: Mutex<VecDeque<Act>>,
    pub calls: AtomicUsize,
    pub running: AtomicUsize,
    pub most: AtomicUsize,
    pub revoked: Mutex<Vec<String>>,
    pub rejected: Mutex<Vec<Option<Revision>>>,
    pub life: Option<Duration>,
    pub derives: Mutex<Option<Want>>,
    pub slow: Mutex<Duration>,
    pub changes: Mutex<Option<futures::channel::mpsc::UnboundedReceiver<Change>>>,
    pub called: Notify,
}

impl Scripted {
    pub fn new(id: &str, life: Option<Duration>) -> Arc<Self> {
        let pattern = |text| IdPattern::new(text).unwrap();
        let kind = CredentialKind::Token;
        let descriptor = ProviderDescriptor::new(ProviderId::new(id).unwrap(), id)
            .with_credential(CredentialDescriptor::gateway(pattern("shared*"), kind))
            .with_credential(CredentialDescriptor::session(pattern("own*"), kind))
            .with_credential(CredentialDescriptor::gateway(pattern("inner*"), kind).for_providers())
            .with_capability(Capability::Revoke);
        Arc::new(Self {
            descriptor,
            script: Mutex::default(),
            calls: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            revoked: Mutex::default(),
            rejected: Mutex::default(),
            life,
            derives: Mutex::default(),
            slow: Mutex::default(),
            changes: Mutex::default(),
            called: Notify::new(),
        })
    }

    pub fn then(self: &Arc<Self>, act: Act) -> &Arc<Self> {
        self.script.lock().unwrap().push_back(act);
        self
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn token(&self, request: &Request, nth: usize) -> Credential {
        let session = request.key().session.as_ref().map_or("", |s| s.encoded());
        let text = format!("{}-{}-{}-{nth}", self.descriptor.id, request.key().credential, session);
        let credential = Credential::token(text.into());
        match self.life {
            Some(life) => credential.with_expiry(request.now().plus(life)),
            None => credential,
        }
    }

    async fn play(&self, request: &Request) -> Answer {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.rejected.lock().unwrap().push(request.rejected());
        self.called.notify_one();
        let act = self.script.lock().unwrap().pop_front();
        let wait = |span| request.clock().sleep_until(request.now().plus(span));
        match act {
            Some(Act::Answer(answer)) => answer,
            Some(Act::After(span, answer)) => {
                wait(span).await;
                answer
            }
            Some(Act::Committed(span, answer)) => {
                let commit = request.commit()?;
                wait(span).await;
                drop(commit);
                answer
            }
            Some(Act::Derive(want, span)) => {
                let parent = request.depend_on(want).await?;
                wait(span).await;
                let text = format!("from-{}", parent.secret().unwrap().expose_secret());
                Ok(Credential::token(text.into()).into())
            }
            Some(Act::Panic) => panic!("canary-panic"),
            Some(Act::Hang) => std::future::pending().await,
            None => {
                let derives = self.derives.lock().unwrap().clone();
                if let Some(want) = derives {
                    request.depend_on(want).await?;
                }
                let slow = *self.slow.lock().unwrap();
                if !slow.is_zero() {
                    wait(slow).await;
                }
                Ok(self.token(request, nth).into())
            }
        }
    }
}

/// What the engine is given: the script stays with the test.
pub struct Shared(pub Arc<Scripted>);

struct Running<'a>(&'a Scripted);
impl<'a> Running<'a> {
    fn new(scripted: &'a Scripted) -> Self {
        let now = scripted.running.fetch_add(1, Ordering::SeqCst) + 1;
        scripted.most.fetch_max(now, Ordering::SeqCst);
        Self(scripted)
    }
}
impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl CredentialProvider for Shared {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0.descriptor
    }

    async fn resolve(&self, request: &Request) -> Answer {
        let _running = Running::new(&self.0);
        self.0.play(request).await
    }

    async fn revoke(
        &self,
        _: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        let text = current.and_then(Credential::secret).map(|s| s.expose_secret().to_owned());
        self.0.revoked.lock().unwrap().push(text.unwrap_or_default());
        Ok(Revocation::Remote)
    }

    fn changes(&self) -> Changes {
        match self.0.changes.lock().unwrap().take() {
            Some(receiver) => Box::pin(receiver),
            None => Box::pin(futures::stream::pending()),
        }
    }
}

/// An engine on a manual clock, everything granted to `tool:*`.
pub struct World {
    pub clock: ManualClock,
    pub engine: ResolutionEngine,
    pub tool: Consumer,
}

pub fn tuning() -> Tuning {
    let mut tuning = Tuning::default();
    tuning.default_deadline = Duration::from_secs(3600);
    tuning
}

impl World {
    pub fn new(providers: &[&Arc<Scripted>]) -> Self {
        Self::tuned(providers, tuning())
    }

    pub fn tuned(providers: &[&Arc<Scripted>], tuning: Tuning) -> Self {
        let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
        let rules = rules.allow("provider:*", "*").unwrap();
        Self::build(providers, |builder| builder.tuning(tuning).access(rules))
    }

    pub fn build(
        providers: &[&Arc<Scripted>],
        with: impl FnOnce(EngineBuilder) -> EngineBuilder,
    ) -> Self {
        let clock = ManualClock::default();
        let mut builder = ResolutionEngine::builder()
            .clock(Arc::new(clock.clone()))
            .random(Arc::new(SeededRandom::new(1)));
        for provider in providers {
            builder = builder.provider(Shared((*provider).clone()));
        }
        let engine = with(builder).build().unwrap();
        let tool = engine.consumer("tool:test").unwrap();
        Self { clock, engine, tool }
    }

    /// Asks while the time goes on, up to ten seconds.
    pub async fn ask(&self, key: &CredentialRef) -> Result<Arc<Credential>, CredentialError> {
        let (tool, key) = (self.tool.clone(), key.clone());
        let asked = tokio::spawn(async move { tool.request(&key).await });
        for _ in 0..100 {
            settle().await;
            if asked.is_finished() {
                break;
            }
            self.pass(Duration::from_millis(100)).await;
        }
        asked.await.unwrap()
    }

    /// Moves the time in small steps, letting every task run in between.
    pub async fn pass(&self, span: Duration) {
        let end = self.clock.now().plus(span);
        loop {
            settle().await;
            match self.clock.next_sleeper() {
                Some(next) if next <= end => self
                    .clock
                    .set(next.max(self.clock.now().plus(Duration::from_millis(1))).min(end)),
                _ => break,
            }
        }
        self.clock.set(end);
        settle().await;
    }
}

/// Lets every task that can run do so. The tests run on one thread, so this is deterministic.
pub async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

pub fn at(text: &str) -> CredentialRef {
    CredentialRef::parse(text).unwrap()
}

pub fn person(name: &str) -> EffectiveSession {
    EffectiveSession::requester(Requester {
        session: "agent:main:main",
        channel: "chat",
        account: "bot",
        requester: name,
    })
    .unwrap()
}

pub fn text(credential: &Credential) -> &str {
    credential.secret().unwrap().expose_secret()
}

pub fn fails(code: ErrorCode) -> Answer {
    Err(CredentialError::new(code, "scripted"))
}

pub fn issues(token: &str) -> Answer {
    Ok(Credential::token(token.into()).into())
}
