//! An issuer of our own: what an OAuth 2.0 server, a calendar and a model's console would be.
//!
//! It knows nothing of the engine. Its refresh tokens are single-use, as RFC 9700 §4.14.2 asks.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::ledger::Ledger;
pub use super::ledger::{MARK, TOKEN_LIFE, Tokens};

/// The issuer.
pub struct Issuer {
    ledger: Mutex<Ledger>,
    model_key: watch::Sender<String>,
    outage: AtomicBool,
    /// The shortest and the longest a call takes, in milliseconds.
    latency: (u64, u64),
    dice: RandomState,
    calls: AtomicU64,
}

/// Why the issuer gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not answer.
    Unreachable,
    /// The code, grant or token is not, or no longer, good.
    Invalid,
}

impl Issuer {
    /// An issuer whose calls take between these many milliseconds.
    #[must_use]
    pub fn new(latency: (u64, u64)) -> Self {
        let mut ledger = Ledger::new();
        let model_key = watch::Sender::new(ledger.secret("model-key"));
        Self {
            ledger: Mutex::new(ledger),
            model_key,
            outage: AtomicBool::new(false),
            latency,
            dice: RandomState::new(),
            calls: AtomicU64::new(0),
        }
    }

    /// The same with access tokens that live this long.
    #[must_use]
    pub fn with_token_life(self, life: Duration) -> Self {
        self.ledger().token_life = life;
        self
    }

    /// How long an access token lives.
    #[must_use]
    pub fn token_life(&self) -> Duration {
        self.ledger().token_life
    }

    /// The page where a person signs in.
    #[must_use]
    pub fn sign_in_page(&self, state: &str) -> String {
        format!("https://issuer.example/authorize?state={state}")
    }

    /// What a person does on that page: consents as `user`, and is sent back with this code.
    #[must_use]
    pub fn consent(&self, user: &str) -> SecretString {
        self.ledger().code(user).into()
    }

    /// Gives tokens for a code, once.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn redeem(&self, code: &SecretString) -> Result<Tokens, Refusal> {
        self.reach().await?;
        let redeemed = self.ledger().redeem(code.expose_secret());
        redeemed.ok_or(Refusal::Invalid)
    }

    /// Gives tokens for a refresh token, once.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn renew(&self, refresh: &SecretString) -> Result<Tokens, Refusal> {
        self.reach().await?;
        let renewed = self.ledger().renew(refresh.expose_secret());
        renewed.ok_or(Refusal::Invalid)
    }

    /// Gives a token for the chat channel in exchange for an access token (RFC 8693).
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn exchange(&self, access: &SecretString) -> Result<SecretString, Refusal> {
        self.reach().await?;
        let mut ledger = self.ledger();
        match ledger.owner(access.expose_secret()) {
            Some(_) => Ok(ledger.secret("channel").into()),
            None => Err(Refusal::Invalid),
        }
    }

    /// Ends a grant and what came of it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn revoke(&self, refresh: &SecretString) -> Result<(), Refusal> {
        self.reach().await?;
        self.ledger().end_grant(refresh.expose_secret());
        Ok(())
    }

    /// The key of the model.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn model_key(&self) -> Result<SecretString, Refusal> {
        self.reach().await?;
        Ok(self.model_key.borrow().as_str().into())
    }

    /// What an operator does in the model's console.
    pub fn rotate_model_key(&self) {
        let next = self.ledger().secret("model-key");
        self.model_key.send_replace(next);
    }

    /// Tells that the model's key was rotated.
    #[must_use]
    pub fn model_key_rotations(&self) -> watch::Receiver<String> {
        self.model_key.subscribe()
    }

    /// What the calendar does with a request: whose it is, if its token is still good.
    ///
    /// # Errors
    /// [`Refusal::Invalid`]: status 401.
    pub async fn calendar(&self, access: &str) -> Result<String, Refusal> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.ledger().owner(access).ok_or(Refusal::Invalid)
    }

    /// The calendar refuses the access tokens this user has now; the grant stays good.
    pub fn reject_access_of(&self, user: &str) {
        self.ledger().end_access(user);
    }

    /// The issuer stops answering, or answers again.
    pub fn set_outage(&self, outage: bool) {
        self.outage.store(outage, Ordering::Relaxed);
    }

    /// How often a grant of this user was renewed.
    #[must_use]
    pub fn renewals_of(&self, user: &str) -> u64 {
        self.ledger().renewals_of(user)
    }

    /// How many refresh tokens came twice.
    #[must_use]
    pub fn spent_twice(&self) -> u64 {
        self.ledger().spent_twice()
    }

    async fn reach(&self) -> Result<(), Refusal> {
        if self.outage.load(Ordering::Relaxed) {
            return Err(Refusal::Unreachable);
        }
        let (least, most) = self.latency;
        let dice = self.dice.hash_one(self.calls.fetch_add(1, Ordering::Relaxed));
        let millis = least + dice % (most - least).max(1);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
