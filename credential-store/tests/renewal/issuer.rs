//! An issuer that answers as told, and a store that fails as told and writes down what is asked of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credential_provider_api::*;
use credential_store::{Exchange, Exchanged, Grants, MemoryStore, Renewal};
use tokio::sync::Semaphore;

pub type Log = Arc<Mutex<Vec<String>>>;

/// What the issuer does with the next exchange.
#[derive(Clone, Copy, Debug)]
pub enum Next {
    Issue,
    IssueWithoutRotation,
    RotateOnly,
    Refuse,
    Unspent,
    Unanswered,
    Panic,
    Hang,
}

/// Rotates `rt-1` to `rt-2` and so on; credentials live for a minute.
pub struct Issuer {
    pub log: Log,
    pub next: Mutex<VecDeque<Next>>,
    /// A permit lets one answer out.
    pub answers: Semaphore,
    pub clock: ManualClock,
}

impl Issuer {
    pub fn calls(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter_map(|line| line.strip_prefix("exchange ")).map(str::to_owned).collect()
    }

    pub fn will(&self, next: impl IntoIterator<Item = Next>) {
        self.next.lock().unwrap().extend(next);
    }
}

#[async_trait]
impl Exchange for Issuer {
    async fn exchange(&self, grant: &Grant, _: Option<&Credential>) -> Exchanged {
        let text = String::from_utf8(grant.expose().to_vec()).unwrap();
        self.log.lock().unwrap().push(format!("exchange {text}"));
        self.answers.acquire().await.unwrap().forget();
        let number: u32 = text.trim_start_matches("rt-").parse().unwrap();
        let next = self.next.lock().unwrap().pop_front().unwrap_or(Next::Issue);
        let error = |code| CredentialError::new(code, "as told");
        let end = self.clock.now().plus(Duration::from_secs(60));
        let credential = Credential::oauth2(format!("at-{number}").into()).with_expiry(end);
        let follower = Grant::from(format!("rt-{}", number + 1).into_bytes());
        match next {
            Next::Issue => Exchanged::Issued { credential, grant: Some(follower) },
            Next::IssueWithoutRotation => Exchanged::Issued { credential, grant: None },
            Next::RotateOnly => {
                Exchanged::Rotated { grant: follower, error: error(ErrorCode::InvalidResponse) }
            }
            Next::Refuse => {
                let reason = ReauthReason::GrantRejected;
                Exchanged::Refused { reason, detail: "no longer valid".into() }
            }
            Next::Unspent => Exchanged::Unspent(error(ErrorCode::RateLimited)),
            Next::Unanswered => Exchanged::Unanswered(error(ErrorCode::Unavailable)),
            Next::Panic => panic!("as told"),
            Next::Hang => std::future::pending().await,
        }
    }

    fn attach(&self, grant: Option<&Grant>, credential: Credential) -> Credential {
        let grant = grant.map(|grant| String::from_utf8(grant.expose().to_vec()).unwrap());
        credential.with_property("attached", grant.unwrap_or_default())
    }

    async fn discard(&self, grant: Grant) {
        let text = String::from_utf8(grant.expose().to_vec()).unwrap();
        self.log.lock().unwrap().push(format!("discard {text}"));
    }
}

/// A memory store that writes down what is asked of it.
#[derive(Clone)]
pub struct Watched {
    pub store: MemoryStore,
    pub log: Log,
    /// Saves of a record without intent that fail before one succeeds.
    pub failures: Arc<Mutex<u32>>,
}

struct Noted(Box<dyn Lease>, Log);

impl Lease for Noted {
    fn holder(&self) -> &str {
        self.0.holder()
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.1.lock().unwrap().push("release".into());
    }
}

impl Watched {
    fn note(&self, what: &str) {
        self.log.lock().unwrap().push(what.into());
    }
}

#[async_trait]
impl GrantStore for Watched {
    async fn load(&self, key: &Key) -> Result<Loaded, CredentialError> {
        self.note("load");
        self.store.load(key).await
    }
    async fn list(&self) -> Result<Vec<Key>, CredentialError> {
        self.store.list().await
    }
    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Result<Revision, CredentialError> {
        if record.intent.is_none() {
            let mut failures = self.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err(CredentialError::new(ErrorCode::StoreUnwritable, "full"));
            }
        }
        self.note(if record.intent.is_some() { "save intent" } else { "save" });
        self.store.save(key, expected, record).await
    }
    async fn remove(
        &self,
        key: &Key,
        expected: Option<Revision>,
    ) -> Result<Revision, CredentialError> {
        self.note("remove");
        self.store.remove(key, expected).await
    }
    fn watch(&self) -> StoreChanges {
        self.store.watch()
    }
    async fn lease(&self, key: &Key) -> Result<Box<dyn Lease>, CredentialError> {
        let lease = self.store.lease(key).await?;
        self.note("lease");
        Ok(Box::new(Noted(lease, self.log.clone())))
    }
}

/// A key somebody is signed in to with `rt-1`, its issuer and its store.
pub struct World {
    pub key: Key,
    pub store: Watched,
    pub issuer: Arc<Issuer>,
    pub clock: ManualClock,
    pub grants: Grants,
}

impl World {
    /// The issuer answers at once.
    pub async fn new() -> Self {
        Self::with_answers(Semaphore::MAX_PERMITS).await
    }

    /// The issuer answers `answers` times and then waits for permits.
    pub async fn with_answers(answers: usize) -> Self {
        let log = Log::default();
        let clock = ManualClock::default();
        let store = MemoryStore::new();
        let store = Watched { store, log: log.clone(), failures: Arc::default() };
        let answers = Semaphore::new(answers);
        let issuer = Issuer { log, next: Mutex::default(), answers, clock: clock.clone() };
        let grants = grants(&store, &clock);
        let key = Key::gateway(&CredentialRef::parse("idp/mail").unwrap());
        let world = Self { key, store, issuer: Arc::new(issuer), clock, grants };
        world.sign_in("rt-1").await;
        world.store.log.lock().unwrap().clear();
        world
    }

    pub async fn sign_in(&self, grant: &str) {
        let grant = Grant::from(grant.as_bytes().to_vec());
        self.grants.sign_in(&self.key, Some(grant), None).await.unwrap();
    }

    pub fn ask(&self) -> Renewal {
        Renewal::of(self.key.clone())
    }

    pub async fn renew(&self) -> Result<Credential, CredentialError> {
        self.grants.renew(self.ask(), self.issuer.clone()).await
    }

    /// A renewal that runs beside the test.
    pub fn begin(&self) -> tokio::task::JoinHandle<Result<Credential, CredentialError>> {
        let (grants, ask, issuer) = (self.grants.clone(), self.ask(), self.issuer.clone());
        tokio::spawn(async move { grants.renew(ask, issuer).await })
    }

    /// Waits until the issuer has been asked `calls` times.
    pub async fn asked(&self, calls: usize) {
        while self.issuer.calls().len() < calls {
            tokio::task::yield_now().await;
        }
    }

    pub async fn record(&self) -> Option<Record> {
        self.store.store.load(&self.key).await.unwrap().record
    }

    pub async fn kept(&self) -> String {
        let record = self.record().await;
        let grant = record.and_then(|record| record.grant);
        grant.map_or_else(String::new, |grant| String::from_utf8(grant.expose().to_vec()).unwrap())
    }

    /// What was asked of the store and the issuer, without the loads.
    pub fn deeds(&self) -> Vec<String> {
        self.store.log.lock().unwrap().iter().filter(|line| *line != "load").cloned().collect()
    }
}

/// Grants as another process would have them on the same store.
pub fn grants(store: &Watched, clock: &ManualClock) -> Grants {
    Grants::builder(Arc::new(store.clone()))
        .clock(Arc::new(clock.clone()))
        .exchange_limit(Duration::from_secs(30))
        .save_limit(Duration::from_secs(60))
        .build()
}

pub fn secret(credential: &Credential) -> String {
    credential.secret().unwrap().expose_secret().to_owned()
}
