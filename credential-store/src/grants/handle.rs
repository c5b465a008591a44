//! [`Grants`]: what a provider keeps and renews.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credential_provider_api::{
    Changes, Clock, CommitGate, Credential, CredentialError, ErrorCode, GrantStore, Key, Revision,
};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use super::ask::Renewal;
use super::changes::{Known, changes};
use super::exchange::Exchange;
use super::protocol::{self, Issued};
use super::turn::Turns;
use super::verdict::issued;
use crate::clock::WallClock;
#[cfg(feature = "faults")]
use crate::faults::Faults;
use crate::faults::Probe;

/// The grants of one store, renewed by one protocol. Clones share everything.
///
/// Needs a tokio runtime with time enabled. See the [crate's page](crate) for the protocol.
#[derive(Clone)]
pub struct Grants {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn GrantStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) exchange_limit: Duration,
    pub(crate) save_limit: Duration,
    pub(crate) turns: Turns,
    pub(crate) known: Known,
    pub(crate) probe: Probe,
    pub(crate) tasks: TaskTracker,
    pub(crate) refusals: Mutex<HashMap<Key, (Revision, CredentialError)>>,
    pub(super) issued: Mutex<HashMap<Key, Issued>>,
}

/// Makes [`Grants`].
#[must_use = "a builder does nothing until `build`"]
pub struct GrantsBuilder {
    store: Arc<dyn GrantStore>,
    clock: Arc<dyn Clock>,
    exchange_limit: Duration,
    save_limit: Duration,
    probe: Probe,
}

impl GrantsBuilder {
    /// The time that decides what has ended; the system's without this.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The longest an exchange may take before it is dropped; 5 min without this. Monotonic time: a
    /// clock that is set, or a machine that sleeps, cuts no exchange short.
    pub const fn exchange_limit(mut self, limit: Duration) -> Self {
        self.exchange_limit = limit;
        self
    }

    /// How long a rotated grant is saved again and again while the store fails; 10 min without this.
    /// The lease is kept meanwhile: the issuer knows only the new grant, and nobody else has it.
    pub const fn save_limit(mut self, limit: Duration) -> Self {
        self.save_limit = limit;
        self
    }

    /// Stops renewals where a test wants it.
    #[cfg(feature = "faults")]
    pub fn faults(mut self, faults: Arc<dyn Faults>) -> Self {
        self.probe = Probe::new(faults);
        self
    }

    /// The grants.
    #[must_use]
    pub fn build(self) -> Grants {
        Grants {
            inner: Arc::new(Inner {
                store: self.store,
                clock: self.clock,
                exchange_limit: self.exchange_limit,
                save_limit: self.save_limit,
                turns: Turns::default(),
                known: Known::default(),
                probe: self.probe,
                tasks: TaskTracker::new(),
                refusals: Mutex::default(),
                issued: Mutex::default(),
            }),
        }
    }
}

impl Grants {
    /// The grants of `store`, with the usual settings.
    #[must_use]
    pub fn new(store: Arc<dyn GrantStore>) -> Self {
        Self::builder(store).build()
    }

    /// Settings other than the usual ones.
    pub fn builder(store: Arc<dyn GrantStore>) -> GrantsBuilder {
        GrantsBuilder {
            store,
            clock: Arc::new(WallClock),
            exchange_limit: Duration::from_secs(300),
            save_limit: Duration::from_secs(600),
            probe: Probe::default(),
        }
    }

    /// A credential that is good enough: the stored one, or what the issuer gives for the grant.
    ///
    /// However many tasks and processes ask, one of them exchanges, and what it was given is durable
    /// before anybody sees it. The credential carries the revision of its issue. A signer is not
    /// stored; [`Exchange::attach`] adds it.
    ///
    /// Cancel-safe: dropping it gives up waiting. An exchange once begun goes on and is saved.
    ///
    /// # Errors
    /// - `needs_reauth`: nobody is signed in, the issuer refused the grant, or a renewal was
    ///   interrupted and its grant is spent; the reason says which;
    /// - the exchange's own; it is tried again when asked again;
    /// - `store_locked` if a living process holds the lease for too long, and the store's others;
    /// - `shut_down` after [`close`](Self::close).
    pub async fn renew(
        &self,
        ask: Renewal,
        exchange: Arc<dyn Exchange>,
    ) -> Result<Credential, CredentialError> {
        if self.inner.tasks.is_closed() {
            return Err(CredentialError::new(ErrorCode::ShutDown, "the grants are closed"));
        }
        let (gate, reference) = (CommitGate::new(), ask.key().reference());
        let task = protocol::renew(self.inner.clone(), ask, exchange.clone(), gate.clone());
        let running = self.inner.tasks.spawn(task);
        let given_up = GiveUp { gate, task: running.abort_handle() };
        let outcome = running.await.unwrap_or_else(|_| {
            Err(CredentialError::new(ErrorCode::Internal, "the task of a renewal has ended"))
        });
        drop(given_up);
        let given = outcome.map_err(|error| error.about(&reference))?;
        Ok(exchange.attach(given.grant.as_ref(), given.credential))
    }

    /// What is stored, whether it has ended or not, and without asking anybody; `None` if nobody is
    /// signed in or nothing was issued yet. Cancel-safe.
    ///
    /// # Errors
    /// The store's.
    pub async fn current(&self, key: &Key) -> Result<Option<Credential>, CredentialError> {
        let loaded = self.inner.load(key).await?;
        Ok(match (loaded.revision, loaded.record) {
            (Some(revision), Some(record)) => issued(record, revision).credential,
            _ => None,
        })
    }

    /// What others do to these grants, as a provider tells its engine: sign-ins, sign-outs and new
    /// credentials, within 2 s. What this process did itself is not told.
    ///
    /// Cancel-safe; it ends with the store's watch.
    #[must_use]
    pub fn changes(&self) -> Changes {
        changes(self.inner.clone())
    }

    /// Lets no renewal begin any more and waits for those under way.
    ///
    /// Cancel-safe: what was closed stays closed.
    pub async fn close(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants").field("renewing", &self.inner.tasks.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for GrantsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantsBuilder").finish_non_exhaustive()
    }
}

/// Ends the task of a caller that is gone, unless its exchange has begun.
struct GiveUp {
    gate: CommitGate,
    task: AbortHandle,
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        if self.gate.close() {
            self.task.abort();
        }
    }
}
