//! An engine around a provider that does as it is told, and the people who ask.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use credential_provider_api::{
    Clock, Credential, CredentialDescriptor, CredentialError, CredentialKind, CredentialProvider,
    CredentialRef, EffectiveSession, ErrorCode, IdPattern, ProviderDescriptor, ProviderId, Random,
    Request, Resolution, Timestamp, async_trait,
};
use resolution_engine::{AccessRules, Consumer, ResolutionEngine, Tuning};

/// Length of a token, as access tokens in JWT form have it.
pub const TOKEN: usize = 800;

/// The credential that is asked for: one for each session.
#[must_use]
pub fn reference() -> CredentialRef {
    CredentialRef::parse("volcengine-identity/github-oauth").expect("a reference")
}

/// The session of the nth person; all have the same length.
#[must_use]
pub fn session(nth: usize) -> EffectiveSession {
    EffectiveSession::shared(&format!("agent:main:channel:user-{nth:08}")).expect("a session")
}

/// What the provider does when it is called.
#[derive(Clone)]
pub struct Behaviour {
    /// How long a call takes.
    pub delay: Duration,
    /// The first calls fail; `usize::MAX` for all.
    pub failing: usize,
    /// How.
    pub failure: ErrorCode,
    /// The length of tokens.
    pub token: usize,
    /// When what is issued ends, if it does.
    pub expiry: Expiry,
}

/// When a credential issued for a request ends; the number counts the calls before.
pub type Expiry = Arc<dyn Fn(&Request, usize) -> Option<Timestamp> + Send + Sync>;

impl Default for Behaviour {
    /// Answers at once with what lasts for an hour.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            failing: 0,
            failure: ErrorCode::Unavailable,
            token: TOKEN,
            expiry: Arc::new(|request, _| Some(request.now().plus(Duration::from_secs(3600)))),
        }
    }
}

/// The provider's books.
#[derive(Default)]
pub struct Books {
    calls: AtomicUsize,
    running: AtomicUsize,
    peak: AtomicUsize,
}

impl Books {
    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    /// The most calls that ran at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak.load(SeqCst)
    }
}

/// An engine, who asks it, and the books of its provider.
pub struct World {
    /// The engine.
    pub engine: ResolutionEngine,
    /// May have everything.
    pub tool: Consumer,
    /// What the provider was asked.
    pub books: Arc<Books>,
    reference: CredentialRef,
}

impl World {
    /// An engine in the runtime this is called in.
    #[must_use]
    pub fn new(behaviour: Behaviour, setup: Setup) -> Self {
        let books = Arc::new(Books::default());
        let provider = Provider { descriptor: descriptor(), behaviour, books: books.clone() };
        let rules = AccessRules::deny_all().allow("tool:*", "*").expect("rules");
        let mut builder =
            ResolutionEngine::builder().provider(provider).access(rules).tuning(setup.tuning);
        if let Some(clock) = setup.clock {
            builder = builder.clock(clock);
        }
        if let Some(random) = setup.random {
            builder = builder.random(random);
        }
        let engine = builder.build().expect("an engine");
        let tool = engine.consumer("tool:bench").expect("a consumer");
        Self { engine, tool, books, reference: reference() }
    }

    /// Gets the credential of `session`; whether there was one.
    pub async fn get(&self, session: &EffectiveSession) -> bool {
        let request = self.tool.request(&self.reference).session(session);
        request.await.is_ok()
    }

    /// The same by a caller that waits no longer than this.
    pub async fn get_within(&self, session: &EffectiveSession, patience: Duration) -> bool {
        let request = self.tool.request(&self.reference).session(session);
        request.within(patience).await.is_ok()
    }

    /// Gets the credentials of the first `people`, one after the other.
    pub async fn fill(&self, people: usize) {
        for nth in 0..people {
            assert!(self.get(&session(nth)).await, "the provider answers");
        }
    }
}

/// What an engine is built with besides its provider.
#[derive(Default)]
pub struct Setup {
    /// Its limits.
    pub tuning: Tuning,
    /// Its clock, if not the system's.
    pub clock: Option<Arc<dyn Clock>>,
    /// Its randomness, if not the system's.
    pub random: Option<Arc<dyn Random>>,
}

/// No jitter at all.
pub struct Steady;

impl Random for Steady {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// The default limits, but for `people` of a session each who stay for good.
#[must_use]
pub fn room_for(people: usize) -> Tuning {
    let mut tuning = Tuning::default();
    tuning.entries = people.max(tuning.entries);
    tuning.sessions = people.max(tuning.sessions);
    tuning.idle = Duration::from_secs(10 * 365 * 24 * 3600);
    tuning
}

/// Polls once; `None` if that was not enough. What a hit costs without an executor's share.
pub fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn descriptor() -> ProviderDescriptor {
    let pattern = IdPattern::any();
    let credential = CredentialDescriptor::session(pattern, CredentialKind::Token);
    let id = ProviderId::new("volcengine-identity").expect("an id");
    ProviderDescriptor::new(id, "bench").with_credential(credential)
}

struct Provider {
    descriptor: ProviderDescriptor,
    behaviour: Behaviour,
    books: Arc<Books>,
}

/// A call under way.
struct Running<'a>(&'a Books);

impl<'a> Running<'a> {
    fn new(books: &'a Books) -> Self {
        let running = books.running.fetch_add(1, SeqCst) + 1;
        books.peak.fetch_max(running, SeqCst);
        Self(books)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl CredentialProvider for Provider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let Behaviour { delay, expiry, .. } = &self.behaviour;
        let _running = Running::new(&self.books);
        let before = self.books.calls.fetch_add(1, SeqCst);
        if !delay.is_zero() {
            let answer_at = request.now().plus(*delay);
            request.clock().sleep_until(answer_at).await;
        }
        if before < self.behaviour.failing {
            return Err(CredentialError::new(self.behaviour.failure, "as told"));
        }
        let token = Credential::token("t".repeat(self.behaviour.token).into());
        Ok(match expiry(request, before) {
            Some(at) => token.with_expiry(at),
            None => token,
        }
        .into())
    }
}
