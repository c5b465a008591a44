//! A keychain in memory that does what platforms do on bad days.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod slow;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use credential_provider_api::{
    Clock as _, Credential, CredentialError, CredentialProvider as _, CredentialRef, ErrorCode,
    ExposeSecret as _, Field, FlowId, IdPattern, Interaction, Key, ManualClock, ProviderId,
    Request, Resolution, SecretString, SignIn as _, SignInAnswer, SignInProgress, SignInStart,
    Timestamp,
};
use keychain_provider::{
    Call, Choice, Condition, ForeignItem, Item, Keychain, KeychainCredential, KeychainProvider,
    KeychainProviderBuilder, Listener, Noticed, OpenKeychain, OwnItem, StoreKind,
};
use secrecy::SecretSlice;

/// The store, and what is wrong with it. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    let_go: Arc<Condvar>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) items: BTreeMap<BTreeMap<String, String>, Vec<u8>>,
    pub(crate) locked: bool,
    /// It is not there: opening it fails.
    pub(crate) down: bool,
    /// Calls do not return while this is set.
    pub(crate) hanging: bool,
    /// The next call panics, with this message.
    pub(crate) panics: Option<String>,
    /// How a prompt ends; `None` while the person thinks about it.
    pub(crate) prompt: Option<Prompted>,
    pub(crate) prompts: usize,
    pub(crate) calls: usize,
    pub(crate) opened: usize,
    /// How many are open.
    pub(crate) open: usize,
    pub(crate) hung: usize,
    listeners: Vec<Arc<Listener>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Prompted {
    Unlocked,
    Declined,
}

impl Fake {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How many others hold the store open or listen to it.
    pub(crate) fn others(&self) -> usize {
        Arc::strong_count(&self.state) - 1
    }

    /// Ends whatever waits.
    pub(crate) fn let_go(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.let_go.notify_all();
    }

    pub(crate) fn put(&self, item: &Item, secret: &str) {
        let attributes = item.attributes();
        self.state().items.insert(attributes.clone(), secret.into());
        self.tell(&Noticed::Item(attributes));
    }

    pub(crate) fn tell(&self, what: &Noticed) {
        let listeners = self.state().listeners.clone();
        listeners.iter().for_each(|listener| listener.tell(what.clone()));
    }

    fn enter(&self) -> Result<MutexGuard<'_, State>, CredentialError> {
        let mut state = self.state();
        state.calls += 1;
        if let Some(message) = state.panics.take() {
            drop(state);
            panic!("{message}");
        }
        if state.hanging {
            state.hung += 1;
            self.let_go.notify_all();
            state = self.let_go.wait_while(state, |state| state.hanging).unwrap();
        }
        if state.locked {
            return Err(CredentialError::new(ErrorCode::InteractionRequired, "it is locked"));
        }
        Ok(state)
    }

    /// Waits, in real time, until it is so.
    pub(crate) fn wait_until(&self, what: &str, so: impl Fn(&State) -> bool) {
        let waited =
            self.let_go.wait_timeout_while(self.state(), Duration::from_secs(10), |s| !so(s));
        assert!(!waited.unwrap().1.timed_out(), "{what}");
    }
}

impl OpenKeychain for Fake {
    fn open(&self, _: &Call) -> Result<(Box<dyn Keychain>, Choice), CredentialError> {
        let mut state = self.state();
        if state.down {
            return Err(CredentialError::new(ErrorCode::Unavailable, "it is not there"));
        }
        state.opened += 1;
        state.open += 1;
        let choice = Choice::new(StoreKind::SecretService, "a test says so", &[]);
        Ok((Box::new(Opened(self.clone())), choice))
    }

    fn watch(&self, listener: &Listener) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        self.state().listeners.push(Arc::new(listener.clone()));
        runtime.block_on(listener.gone());
    }
}

struct Opened(Fake);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.state().open -= 1;
    }
}

impl Keychain for Opened {
    fn read(&mut self, item: &Item, _: &Call) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        let state = self.0.enter()?;
        let mut found = state.items.iter().filter(|(attributes, _)| item.matches(attributes));
        Ok(found.next().map(|(_, secret)| secret.clone().into()))
    }

    fn write(
        &mut self,
        item: &OwnItem,
        _: &str,
        secret: &SecretSlice<u8>,
        _: &Call,
    ) -> Result<(), CredentialError> {
        let attributes = Item::Own(item.clone()).attributes();
        self.0.enter()?.items.insert(attributes.clone(), secret.expose_secret().to_vec());
        self.0.let_go.notify_all();
        self.0.tell(&Noticed::Item(attributes));
        Ok(())
    }

    fn delete(&mut self, item: &OwnItem, _: &Call) -> Result<bool, CredentialError> {
        let attributes = Item::Own(item.clone()).attributes();
        let there = self.0.enter()?.items.remove(&attributes).is_some();
        self.0.tell(&Noticed::Item(attributes));
        Ok(there)
    }

    fn holds(&mut self, item: &Item, _: &Call) -> Result<bool, CredentialError> {
        Ok(self.0.state().items.keys().any(|attributes| item.matches(attributes)))
    }

    fn accounts(&mut self, service: &str, _: &Call) -> Result<Vec<String>, CredentialError> {
        let state = self.0.state();
        let ours = state.items.keys().filter(|of| of.get("service").is_some_and(|s| s == service));
        Ok(ours.filter_map(|of| of.get("account").cloned()).collect())
    }

    fn condition(&mut self, _: &Call) -> Result<Condition, CredentialError> {
        Ok(if self.0.state().locked { Condition::Locked } else { Condition::Ready })
    }

    fn unlock(&mut self, _: &Item, call: &Call) -> Result<(), CredentialError> {
        let mut state = self.0.state();
        state.prompts += 1;
        self.0.let_go.notify_all();
        while state.prompt.is_none() && !call.has_ended() {
            state = self.0.let_go.wait_timeout(state, Duration::from_millis(20)).unwrap().0;
        }
        match state.prompt.take() {
            Some(Prompted::Unlocked) => {
                state.locked = false;
                Ok(())
            }
            _ => Err(CredentialError::new(ErrorCode::InteractionRequired, "it was declined")),
        }
    }
}

pub(crate) fn pattern(text: &str) -> IdPattern {
    IdPattern::new(text).unwrap()
}

pub(crate) fn github() -> ForeignItem {
    ForeignItem::of("gh:github.com", "me")
}

pub(crate) fn own(id: &str) -> Item {
    Item::Own(OwnItem::new("credential-provider.os", id).unwrap())
}

pub(crate) fn builder() -> KeychainProviderBuilder {
    let fields = [Field::plain("user", "User"), Field::secret("password", "Password")];
    KeychainProvider::builder(ProviderId::new("os").unwrap())
        .credential(KeychainCredential::api_key(pattern("openai")))
        .credential(KeychainCredential::token(pattern("bot/*")))
        .credential(KeychainCredential::user_value(pattern("mail"), fields))
        .credential(KeychainCredential::api_key(pattern("mine")).of_each_session())
        .credential(KeychainCredential::token(pattern("github")).from_item(github()))
}

pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) clock: ManualClock,
    pub(crate) provider: Arc<KeychainProvider>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(builder())
    }

    pub(crate) fn of(builder: KeychainProviderBuilder) -> Self {
        let (fake, clock) =
            (Fake::default(), ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let provider = builder.build(Arc::new(fake.clone()), Arc::new(clock.clone())).unwrap();
        Self { fake, clock, provider: Arc::new(provider) }
    }

    pub(crate) fn request(&self, id: &str) -> Request {
        let key = Key::gateway(&CredentialRef::parse(&format!("os/{id}")).unwrap());
        Request::new(key, Arc::new(self.clock.clone()))
    }

    pub(crate) fn asking(&self, id: &str) -> Request {
        self.request(id).with_interaction(Interaction::Allowed)
    }

    pub(crate) async fn read(&self, request: &Request) -> Result<Credential, CredentialError> {
        match self.provider.resolve(request).await? {
            Resolution::Credential(credential) => Ok(*credential),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn set(
        &self,
        request: &Request,
        fields: &[(&str, &str)],
    ) -> Result<(), CredentialError> {
        set(&self.provider, request, fields).await
    }

    /// Until what waits next waits for the moment this far ahead: what a thread does takes real time.
    pub(crate) async fn waits_for(&self, ahead: Duration) {
        let moment = self.clock.now().plus(ahead);
        for _ in 0..5000 {
            if self.clock.next_sleeper() == Some(moment) {
                return;
            }
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
                .await
                .unwrap();
        }
        panic!("nobody waits for {moment}, but for {:?}", self.clock.next_sleeper());
    }

    /// Lets the time pass once somebody waits for it.
    pub(crate) async fn pass(&self, by: Duration) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.clock.advance(by);
    }
}

/// Sets a credential as a person would.
pub(crate) async fn set(
    provider: &KeychainProvider,
    request: &Request,
    fields: &[(&str, &str)],
) -> Result<(), CredentialError> {
    let start = SignInStart::new(FlowId::from_random([7; 32]), Timestamp::MAX);
    let (mut state, _) = provider.start(request, &start).await?;
    let done = provider.answer(request, &mut state, answer(fields)).await?;
    let SignInProgress::Finished(done) = done else { panic!("{done:?}") };
    provider.accept(request, done).await.map(drop)
}

pub(crate) fn answer(fields: &[(&str, &str)]) -> SignInAnswer {
    let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), SecretString::from(*v)));
    SignInAnswer::Fields(fields.collect())
}

pub(crate) fn secret(credential: &Credential) -> &str {
    credential.secret().unwrap().expose_secret()
}
