//! [`Keychain`]: the seam between this crate and a platform's store.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, Timestamp};
use secrecy::SecretSlice;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::item::{Item, OwnItem};
use crate::platform::Choice;

/// A store of items, opened. It lives on one thread and may block it.
///
/// It may take minutes, panic, or never return: the [thread's](crate#threads) callers do not wait for
/// that. Whoever can should look at the [`Call`] and stop when it has ended.
pub trait Keychain {
    /// The secret of an item; `None` if there is no such item.
    ///
    /// # Errors
    /// `interaction_required` if it is locked; `configuration_invalid` if several items match.
    fn read(
        &mut self,
        item: &Item,
        call: &Call,
    ) -> Result<Option<SecretSlice<u8>>, CredentialError>;

    /// Makes an item, or puts another secret in it. `label` is its name for people.
    ///
    /// # Errors
    /// `interaction_required` if it is locked; `unsupported` if the secret is too long for it.
    fn write(
        &mut self,
        item: &OwnItem,
        label: &str,
        secret: &SecretSlice<u8>,
        call: &Call,
    ) -> Result<(), CredentialError>;

    /// Deletes an item. Whether there was one.
    ///
    /// # Errors
    /// `interaction_required` if it is locked.
    fn delete(&mut self, item: &OwnItem, call: &Call) -> Result<bool, CredentialError>;

    /// Whether there is such an item, without reading its secret.
    ///
    /// # Errors
    /// The store's own.
    fn holds(&mut self, item: &Item, call: &Call) -> Result<bool, CredentialError>;

    /// The accounts of a service of ours.
    ///
    /// # Errors
    /// The store's own.
    fn accounts(&mut self, service: &str, call: &Call) -> Result<Vec<String>, CredentialError>;

    /// Whether it can be read now.
    ///
    /// # Errors
    /// The store's own.
    fn condition(&mut self, call: &Call) -> Result<Condition, CredentialError>;

    /// Has a person unlock what keeps `item`, and waits for the person: for as long as the prompt
    /// stands, so that no second one joins it.
    ///
    /// # Errors
    /// `interaction_required` if the person declined; `unsupported` where the store asks by itself.
    fn unlock(&mut self, item: &Item, call: &Call) -> Result<(), CredentialError>;
}

/// How a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Condition {
    /// It can be read.
    Ready,
    /// It must be unlocked first.
    Locked,
}

/// Opens a [`Keychain`]: at first, and again after one failed, hung or panicked.
pub trait OpenKeychain: Send + Sync {
    /// Opens it, on the thread it is to live on, and says which it is and why.
    ///
    /// # Errors
    /// `not_configured` if there is none here; `unavailable` if there may be one later.
    fn open(&self, call: &Call) -> Result<(Box<dyn Keychain>, Choice), CredentialError>;

    /// Tells of changes until nobody listens, on a thread of its own. A store that notices none
    /// returns at once.
    fn watch(&self, listener: &Listener) {
        let _ = listener;
    }
}

/// The limits of one call.
#[derive(Clone)]
pub struct Call {
    deadline: Timestamp,
    clock: Arc<dyn Clock>,
    given_up: CancellationToken,
}

impl Call {
    pub(crate) fn new(deadline: Timestamp, clock: Arc<dyn Clock>) -> Self {
        Self { deadline, clock, given_up: CancellationToken::new() }
    }

    pub(crate) fn give_up(&self) {
        self.given_up.cancel();
    }

    /// When it ends.
    #[must_use]
    pub const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// Whether nobody waits for its answer any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.given_up.is_cancelled() || self.deadline <= self.clock.now()
    }

    /// Completes when it has ended, or this long from now. Cancel-safe.
    pub async fn lasted(&self, span: Duration) {
        tokio::select! {
            () = self.ended() => {}
            () = self.clock.sleep_until(self.clock.now().plus(span)) => {}
        }
    }

    /// Completes when nobody waits for its answer any more. Cancel-safe. Poll it on a tokio runtime
    /// with time.
    pub async fn ended(&self) {
        tokio::select! {
            () = self.given_up.cancelled() => {}
            () = self.clock.sleep_until(self.deadline) => {}
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// What changed in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Noticed {
    /// An item with these attributes.
    Item(BTreeMap<String, String>),
    /// Nobody knows what: all is to be read again.
    Anything,
}

/// Who listens to changes. Clones tell the same one.
#[derive(Clone, Debug)]
pub struct Listener {
    told: mpsc::UnboundedSender<Noticed>,
    clock: ListenerClock,
}

#[derive(Clone)]
struct ListenerClock(Arc<dyn Clock>);

impl fmt::Debug for ListenerClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Listener {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::UnboundedReceiver<Noticed>) {
        let (told, heard) = mpsc::unbounded_channel();
        (Self { told, clock: ListenerClock(clock) }, heard)
    }

    /// Tells of a change.
    pub fn tell(&self, what: Noticed) {
        // Nobody listening is what `gone` says.
        let _ = self.told.send(what);
    }

    /// The time, for pauses between tries to listen to a store.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock.0
    }

    /// Completes when nobody listens any more. Cancel-safe.
    pub async fn gone(&self) {
        self.told.closed().await;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use credential_provider_api::ManualClock;

    /// A call without a limit.
    pub(crate) fn a_call() -> Call {
        Call::new(Timestamp::MAX, Arc::new(ManualClock::new(Timestamp::from_secs(1))))
    }

    #[test]
    fn a_call_ends_at_its_deadline_or_when_it_is_given_up() {
        let clock = ManualClock::new(Timestamp::from_secs(1));
        let call = Call::new(Timestamp::from_secs(2), Arc::new(clock.clone()));
        assert!(!call.has_ended());
        clock.set(Timestamp::from_secs(2));
        assert!(call.has_ended());
        let call = a_call();
        call.give_up();
        assert!(call.has_ended());
    }
}
