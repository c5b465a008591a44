//! A store that is slow to open, and whose items are locked one by one.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use credential_provider_api::{
    CredentialError, CredentialRef, ErrorCode, ExposeSecret as _, Key, ManualClock, Request,
    Timestamp,
};
use keychain_provider::{
    Call, Choice, Condition, Item, Keychain, KeychainProvider, OpenKeychain, OwnItem, StoreKind,
};
use secrecy::SecretSlice;

use super::builder;

/// Longest, in real time, that something is waited for.
const LONG: Duration = Duration::from_secs(5);

/// A store whose `nth` opening does not return until it is let go; items may be locked one by one.
#[derive(Clone, Default)]
pub(crate) struct Slow(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) opened: usize,
    pub(crate) slow: Option<usize>,
    pub(crate) stuck: bool,
    pub(crate) item: Option<Vec<u8>>,
    pub(crate) writes: usize,
    pub(crate) locked: Vec<String>,
    pub(crate) prompts: usize,
    /// How many are open.
    pub(crate) alive: usize,
    /// A prompt stands while this is set.
    pub(crate) standing: bool,
    /// Unlocking unlocks nothing.
    pub(crate) stubborn: bool,
}

impl Slow {
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        let answer = f(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        answer
    }
    pub(crate) fn wait(&self, so: impl Fn(&Inner) -> bool) -> bool {
        let inner = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(inner, LONG, |i| !so(i));
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
        inner.alive += 1;
        drop(inner);
        Ok((Box::new(Opened(self.clone())), Choice::new(StoreKind::SecretService, "a test", &[])))
    }
}

fn locked() -> CredentialError {
    CredentialError::new(ErrorCode::InteractionRequired, "locked")
}

struct Opened(Slow);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.with(|i| i.alive -= 1);
    }
}

impl Keychain for Opened {
    fn read(&mut self, item: &Item, _: &Call) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        let account = item.attributes().remove("account").unwrap_or_default();
        self.0.with(|i| match i.locked.contains(&account) {
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
        self.0.with(|i| {
            i.item = Some(secret.expose_secret().to_vec());
            i.writes += 1;
        });
        Ok(())
    }
    fn delete(&mut self, _: &OwnItem, _: &Call) -> Result<bool, CredentialError> {
        Ok(self.0.with(|i| i.item.take().is_some()))
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
        self.0.with(|i| {
            i.prompts += 1;
            if !i.stubborn {
                i.locked.retain(|of| *of != account);
            }
        });
        // So that others come while it stands.
        let (inner, changed) = &*self.0.0;
        drop(changed.wait_timeout_while(inner.lock().unwrap(), LONG, |i| i.standing).unwrap());
        Ok(())
    }
}

/// A provider over it.
pub(crate) struct Of {
    pub(crate) slow: Slow,
    pub(crate) clock: ManualClock,
    pub(crate) provider: Arc<KeychainProvider>,
}

impl Of {
    pub(crate) fn new() -> Self {
        let (slow, clock) =
            (Slow::default(), ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let provider = builder().build(Arc::new(slow.clone()), Arc::new(clock.clone())).unwrap();
        Self { slow, clock, provider: Arc::new(provider) }
    }
    pub(crate) fn request(&self, id: &str) -> Request {
        let key = Key::gateway(&CredentialRef::parse(&format!("os/{id}")).unwrap());
        Request::new(key, Arc::new(self.clock.clone()))
    }
    pub(crate) async fn set(&self, id: &str, key: &str) -> Result<(), CredentialError> {
        super::set(&self.provider, &self.request(id), &[("key", key)]).await
    }

    /// Until at most one is open.
    pub(crate) async fn until_alone(&self) -> bool {
        for _ in 0..2500 {
            if self.slow.with(|i| i.alive) <= 1 {
                return true;
            }
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(2)))
                .await
                .unwrap();
        }
        false
    }

    pub(crate) async fn until(&self, so: impl Fn(&Inner) -> bool + Send + 'static) -> bool {
        let slow = self.slow.clone();
        tokio::task::spawn_blocking(move || slow.wait(so)).await.unwrap()
    }
}
