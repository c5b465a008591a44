//! What a review found: each fails while the fault is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use common::{Fake, Prompted, World, builder, own, secret};
use credential_provider_api::ExposeSecret as _;
use credential_provider_api::{
    Clock as _, CredentialError, CredentialProvider, CredentialRef, EffectiveSession, ErrorCode,
    FactoryContext, FlowId, Interaction, Key, ManualClock, ProviderFactory as _, ProviderId,
    Request, Requester, SecretString, SeededRandom, Settings, SignInAnswer, SignInProgress,
    SignInStart, Timestamp,
};
use keychain_provider::{
    Call, Choice, Condition, Environment, Item, Keychain, KeychainFactory, OpenKeychain, OwnItem,
    StoreKind,
};
use secrecy::SecretSlice;
use serde_json::{Value, json};

/// A store whose `nth` opening does not return until it is let go; items may be locked one by one.
#[derive(Clone, Default)]
struct Slow(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Default)]
struct Inner {
    opened: usize,
    slow: Option<usize>,
    stuck: bool,
    item: Option<Vec<u8>>,
    writes: usize,
    locked: Vec<String>,
    prompts: usize,
}

impl Slow {
    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        let answer = f(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        answer
    }
    fn wait(&self, so: impl Fn(&Inner) -> bool) -> bool {
        let inner = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(inner, Duration::from_secs(5), |i| !so(i));
        !waited.unwrap().1.timed_out()
    }
}

impl OpenKeychain for Slow {
    fn open(&self, _: &Call) -> Result<(Box<dyn Keychain>, Choice), CredentialError> {
        let mut inner = self.0.0.lock().unwrap();
        inner.opened += 1;
        if inner.slow == Some(inner.opened) {
            inner.stuck = true;
            self.0.1.notify_all();
            inner = self.0.1.wait_while(inner, |i| i.stuck).unwrap();
        }
        drop(inner);
        Ok((Box::new(self.clone()), Choice::new(StoreKind::SecretService, "a test", &[])))
    }
}

fn locked() -> CredentialError {
    CredentialError::new(ErrorCode::InteractionRequired, "locked")
}

impl Keychain for Slow {
    fn read(&mut self, item: &Item, _: &Call) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        let account = item.attributes().remove("account").unwrap_or_default();
        self.with(|i| match i.locked.contains(&account) {
            true => Err(locked()),
            false => Ok(i.item.clone().map(Into::into)),
        })
    }
    fn write(
        &mut self,
        _: &OwnItem,
        _: &str,
        secret: &SecretSlice<u8>,
        _: &Call,
    ) -> Result<(), CredentialError> {
        self.with(|i| {
            i.item = Some(secret.expose_secret().to_vec());
            i.writes += 1;
        });
        Ok(())
    }
    fn delete(&mut self, _: &OwnItem, _: &Call) -> Result<bool, CredentialError> {
        Ok(self.with(|i| i.item.take().is_some()))
    }
    fn holds(&mut self, _: &Item, _: &Call) -> Result<bool, CredentialError> {
        Ok(true)
    }
    fn accounts(&mut self, _: &str, _: &Call) -> Result<Vec<String>, CredentialError> {
        Ok(Vec::new())
    }
    fn condition(&mut self, _: &Call) -> Result<Condition, CredentialError> {
        Ok(Condition::Ready)
    }
    fn unlock(&mut self, item: &Item, _: &Call) -> Result<(), CredentialError> {
        let account = item.attributes().remove("account").unwrap_or_default();
        self.with(|i| {
            i.prompts += 1;
            i.locked.retain(|of| *of != account);
        });
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    }
}

struct Of {
    slow: Slow,
    clock: ManualClock,
    provider: Arc<keychain_provider::KeychainProvider>,
}

impl Of {
    fn new() -> Self {
        let (slow, clock) =
            (Slow::default(), ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let provider = builder().build(Arc::new(slow.clone()), Arc::new(clock.clone())).unwrap();
        Self { slow, clock, provider: Arc::new(provider) }
    }
    fn request(&self, id: &str) -> Request {
        let key = Key::gateway(&CredentialRef::parse(&format!("os/{id}")).unwrap());
        Request::new(key, Arc::new(self.clock.clone()))
    }
    async fn until(&self, so: impl Fn(&Inner) -> bool + Send + 'static) -> bool {
        let slow = self.slow.clone();
        tokio::task::spawn_blocking(move || slow.wait(so)).await.unwrap()
    }
}

async fn set(
    provider: Arc<keychain_provider::KeychainProvider>,
    request: Request,
    key: &'static str,
) -> Result<(), CredentialError> {
    use credential_provider_api::SignIn as _;
    let start = SignInStart::new(FlowId::from_random([7; 32]), Timestamp::MAX);
    let (mut state, _) = provider.start(&request, &start).await?;
    let fields = [("key".to_owned(), SecretString::from(key))].into();
    let done = provider.answer(&request, &mut state, SignInAnswer::Fields(fields)).await?;
    let SignInProgress::Finished(done) = done else { panic!("{done:?}") };
    provider.accept(&request, done).await.map(drop)
}

#[tokio::test]
async fn a_write_that_timed_out_while_opening_is_not_done_after_a_later_one() {
    let of = Of::new();
    of.slow.with(|i| i.slow = Some(1));
    let first = tokio::spawn(set(of.provider.clone(), of.request("openai"), "sk-old"));
    assert!(of.until(|i| i.stuck).await);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    of.clock.advance(Duration::from_secs(5));
    assert_eq!(first.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    set(of.provider.clone(), of.request("openai"), "sk-new").await.unwrap();
    // The thread left to itself gets its store at last: nobody waits for its call any more.
    of.slow.with(|i| i.stuck = false);
    let again = of.until(|i| i.writes > 1).await;
    assert_eq!(of.slow.with(|i| i.item.clone()).unwrap(), b"sk-new", "written again: {again}");
}

#[tokio::test]
async fn all_who_wait_for_one_prompt_are_served_wherever_their_item_is() {
    let of = Of::new();
    of.slow.with(|i| {
        i.item = Some(b"v".to_vec());
        i.locked = vec!["bot/1".into(), "bot/2".into()];
    });
    let ask = |id: &str| {
        let (provider, request) =
            (of.provider.clone(), of.request(id).with_interaction(Interaction::Allowed));
        tokio::spawn(async move { provider.resolve(&request).await })
    };
    let first = ask("bot/1");
    assert!(of.until(|i| i.prompts == 1).await);
    let second = ask("bot/2");
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_store_that_hangs_when_it_is_opened_to_unlock_does_not_end_unlocking_for_ever() {
    let of = Of::new();
    of.slow.with(|i| {
        i.item = Some(b"v".to_vec());
        i.locked = vec!["openai".into()];
        i.slow = Some(2);
    });
    let ask = || {
        let (provider, request) =
            (of.provider.clone(), of.request("openai").with_interaction(Interaction::Allowed));
        tokio::spawn(async move { provider.resolve(&request).await })
    };
    let first = ask();
    assert!(of.until(|i| i.stuck).await);
    for second in 0..130 {
        let _ = second;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        of.clock.advance(Duration::from_secs(1));
    }
    let _ = first.await.unwrap().unwrap_err();
    // Every opening from here on is quick: one call hung, and no prompt was ever shown.
    let next = ask();
    let prompted = of.until(|i| i.prompts == 1).await;
    next.abort();
    of.slow.with(|i| i.stuck = false);
    assert!(prompted, "unlocking waits for the one call that hung");
}

#[tokio::test]
async fn a_prompt_declined_after_everybody_left_is_not_repeated_for_ten_seconds_either() {
    let world = Arc::new(World::of(builder().prompt_limit(Duration::from_secs(60))));
    world.fake.put(&own("openai"), "sk");
    world.fake.state().locked = true;
    let fake: Fake = world.fake.clone();
    let first = {
        let world = world.clone();
        tokio::spawn(async move { world.read(&world.asking("openai")).await })
    };
    let shown = fake.clone();
    tokio::task::spawn_blocking(move || shown.wait_until("shown", |s| s.prompts == 1))
        .await
        .unwrap();
    first.abort();
    let _ = first.await;
    fake.let_go(|s| s.prompt = Some(Prompted::Declined));
    for _ in 0..500 {
        if fake.state().prompt.is_none() {
            break;
        }
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(2))).await.unwrap();
    }
    tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(100))).await.unwrap();
    fake.state().prompt = Some(Prompted::Unlocked);
    let error = world.read(&world.asking("openai")).await.map(|c| secret(&c).to_owned());
    assert_eq!(fake.state().prompts, 1, "a second prompt at once: {error:?}");
}

async fn in_a_file(name: &str, credentials: Value) -> (Arc<dyn CredentialProvider>, ManualClock) {
    let folder =
        std::env::temp_dir().join(format!("keychain-review-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let json = json!({ "stores": ["encrypted_file"], "credentials": credentials,
        "encryptedFile": { "folder": folder.join("items"), "keyFile": folder.join("key/key") } });
    let clock = ManualClock::new(Timestamp::from_secs(1_800_000_000));
    let context = FactoryContext::new(Arc::new(clock.clone()), Arc::new(SeededRandom::new(1)));
    let settings = Settings::from_json("credentialProviders.os", &json.to_string()).unwrap();
    let factory = KeychainFactory::new(Environment::default());
    let id = ProviderId::new("os").unwrap();
    (factory.build(id, settings, &context).await.unwrap(), clock)
}

async fn set_in(
    provider: &dyn CredentialProvider,
    request: &Request,
) -> Result<(), CredentialError> {
    let sign_in = provider.sign_in().unwrap();
    let start = SignInStart::new(FlowId::from_random([7; 32]), Timestamp::MAX);
    let (mut state, _) = sign_in.start(request, &start).await?;
    let fields = [("key".to_owned(), SecretString::from("sk"))].into();
    let done = sign_in.answer(request, &mut state, SignInAnswer::Fields(fields)).await?;
    let SignInProgress::Finished(done) = done else { panic!("{done:?}") };
    sign_in.accept(request, done).await.map(drop)
}

#[tokio::test]
async fn a_list_is_not_lost_for_an_item_that_the_store_cannot_have() {
    let (provider, clock) = in_a_file(
        "list",
        json!({ "openai": {}, "github": { "item": { "service": "gh", "account": "me" } } }),
    )
    .await;
    let key = Key::gateway(&CredentialRef::parse("os/openai").unwrap());
    let request = Request::new(key, Arc::new(clock));
    set_in(&*provider, &request).await.unwrap();
    let listed = provider.list(&request).await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn the_encrypted_file_keeps_what_belongs_to_any_session() {
    let (provider, clock) = in_a_file("session", json!({ "mine": { "owner": "session" } })).await;
    for requester in ["alice".to_owned(), "a".repeat(200), "a\u{1}b".to_owned()] {
        let session = EffectiveSession::requester(Requester {
            session: "main",
            channel: "matrix",
            account: "T1",
            requester: &requester,
        })
        .unwrap();
        let key = Key::gateway(&CredentialRef::parse("os/mine").unwrap()).in_session(session);
        let request = Request::new(key, Arc::new(clock.clone()));
        let done = set_in(&*provider, &request).await;
        assert!(done.is_ok(), "{} bytes: {done:?}", requester.len());
    }
    let _ = clock.now();
}
