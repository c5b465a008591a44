//! [`Handle`]: a credential bound once and read often.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use credential_provider_api::{
    AccountId, AuditAction, Credential, CredentialError, ErrorCode, Hint, Key, Outcome,
};

use crate::access::Decision;
use crate::consumer::{Consumer, Identity};
use crate::core::{Bounded, Core};
use crate::entry::Entry;
use crate::resolve::{Asker, Options, Wanted, resolve};
use crate::sync::lock;

/// A credential of one session for one consumer, bound once.
///
/// [`with`](Self::with) borrows it: no lock, no allocation, no shared counter. A handle pins its
/// entry and counts against the bound on handles. It fails for good after the access rules deny it
/// or its session has ended, and until a sign-in after a revocation; it comes back only for the same
/// account. Bind the name of one account: a name whose source chooses anew for each request gives
/// [`get`](Self::get) a choice each time, and [`with`](Self::with) nothing to read.
pub struct Handle {
    core: Arc<Core>,
    identity: Arc<Identity>,
    wanted: Wanted,
    entry: Arc<Entry>,
    state: Arc<HandleState>,
}

/// What an engine knows of a handle.
pub(crate) struct HandleState {
    /// The revision this handle was checked and audited for; zero for none, and for good once it
    /// has ended.
    seen: AtomicU64,
    slow: Mutex<Slow>,
    consumer: Arc<Identity>,
    wanted: Wanted,
    key: Key,
}

#[derive(Default)]
struct Slow {
    ended: Option<ErrorCode>,
    account: Option<AccountId>,
    bound: bool,
}

impl Handle {
    pub(crate) fn bind(consumer: &Consumer, wanted: &Wanted) -> Result<Self, CredentialError> {
        let core = consumer.core.clone();
        let key = core.authorize(&consumer.identity, wanted)?;
        let now = core.clock.now();
        let entry = core.table.get_or_create(&key, now, core.secs(now), &core.tuning)?;
        let state = Arc::new(HandleState {
            seen: AtomicU64::new(0),
            slow: Mutex::default(),
            consumer: consumer.identity.clone(),
            // As asked: the handle of a child ends with the child, whosever credential it reads.
            wanted: wanted.clone(),
            key: key.clone(),
        });
        core.handles.add(&state).map_err(|error| error.about(&wanted.reference))?;
        let identity = consumer.identity.clone();
        let handle = Self { core, identity, wanted: wanted.clone(), entry, state };
        // A reload between the check and the registration has not seen this handle.
        if handle.core.access.decide(&handle.identity.name, &wanted.reference) == Decision::Denied {
            return Err(handle.core.denied(&handle.identity, &key));
        }
        Ok(handle)
    }

    /// Reads the credential, if there is one to read now. Never waits.
    ///
    /// # Errors
    /// `expired` if there is none at the moment: [`get`](Self::get) fetches one. What ended the
    /// handle, if something did.
    pub fn with<R>(&self, read: impl FnOnce(&Credential) -> R) -> Result<R, CredentialError> {
        self.read(|credential| read(credential))
    }

    /// A copy of the pointer to the credential, if there is one now. Never waits.
    ///
    /// # Errors
    /// As for [`with`](Self::with).
    pub fn try_get(&self) -> Result<Arc<Credential>, CredentialError> {
        self.read(Arc::clone)
    }

    /// The credential, fetched or awaited if need be. Cancel-safe.
    ///
    /// # Errors
    /// As for a request, and what ended the handle, if something did.
    pub async fn get(&self) -> Result<Arc<Credential>, CredentialError> {
        match self.try_get() {
            Ok(credential) => Ok(credential),
            // Apart: what waits takes room that a hit would have to clear.
            Err(_) => Box::pin(self.fetch()).await,
        }
    }

    /// Waits for a new revision, a rejection or a withdrawal. Cancel-safe; a change between two
    /// calls is not missed if `since` comes from [`version`](Self::version) before the first.
    pub async fn changed(&self, since: Version) -> Version {
        let mut changes = self.entry.watch();
        let now = *changes.borrow_and_update();
        if now != since.0 {
            return Version(now);
        }
        // The entry lives as long as this handle, and the sender as long as the entry.
        let _ = changes.changed().await;
        Version(*changes.borrow())
    }

    /// Where the changes stand now.
    #[must_use]
    pub fn version(&self) -> Version {
        Version(*self.entry.watch().borrow())
    }

    /// Says what came of using the credential read last.
    ///
    /// # Errors
    /// As for a request.
    pub fn report(
        &self,
        credential: &Arc<Credential>,
        outcome: Outcome,
    ) -> Result<(), CredentialError> {
        let consumer = Consumer { core: self.core.clone(), identity: self.identity.clone() };
        crate::report::report(&consumer, &self.wanted, credential, outcome, Hint::default())
    }

    #[inline]
    fn read<R>(&self, read: impl FnOnce(&Arc<Credential>) -> R) -> Result<R, CredentialError> {
        let value = self.entry.value();
        if let Some(credential) = value.as_ref() {
            let now = self.core.clock.coarse_now();
            let revision = credential.revision().map_or(0, |r| r.get());
            if now < credential.window().renew_by
                && self.state.seen.load(Ordering::Acquire) == revision
            {
                self.entry.touch(self.core.secs(now));
                return Ok(read(credential));
            }
        }
        drop(value);
        self.read_slowly(read)
    }

    async fn fetch(&self) -> Result<Arc<Credential>, CredentialError> {
        self.check_alive()?;
        let asker = Asker { identity: &self.identity, node: None, depth: 0, permit: None };
        let resolved = resolve(&self.core, &asker, &self.wanted, &Options::default()).await;
        let resolved = resolved.map_err(|failed| failed.error)?;
        self.check_alive()?;
        if Arc::ptr_eq(&resolved.entry, &self.entry) {
            // `resolve` has audited this use.
            self.check_account(&resolved.credential, Audited::Already)?;
        }
        Ok(resolved.credential)
    }

    #[cold]
    fn read_slowly<R>(
        &self,
        read: impl FnOnce(&Arc<Credential>) -> R,
    ) -> Result<R, CredentialError> {
        self.check_alive()?;
        let now = self.core.clock.now();
        let value = self.entry.value();
        let Some(credential) = value.as_ref().filter(|c| now < c.window().until) else {
            return Err(self.error(match self.entry.glance(now).error {
                Some(error) => return Err(error.about(&self.wanted.reference)),
                None => ErrorCode::Expired,
            }));
        };
        self.check_account(credential, Audited::NotYet)?;
        self.entry.touch(self.core.secs(now));
        if now >= credential.window().renew_by && self.entry.due().load(Ordering::Acquire) == 0 {
            // Served while it lasts; the scheduler looks again now that somebody uses it.
            self.core.scheduler.schedule(&self.entry, now);
        }
        Ok(read(credential))
    }

    /// Whether the credential is for the account this handle was first used with; audits a first
    /// use and opens the fast path.
    fn check_account(
        &self,
        credential: &Credential,
        audited: Audited,
    ) -> Result<(), CredentialError> {
        let Some(revision) = credential.revision() else {
            return Ok(());
        };
        if self.state.seen.load(Ordering::Acquire) == revision.get() {
            return Ok(());
        }
        {
            let slow = lock(&self.state.slow);
            if slow.bound && slow.account.as_ref() != credential.account() {
                return Err(self.error(ErrorCode::AccountMismatch));
            }
        }
        if audited == Audited::NotYet {
            let action = AuditAction::FirstUse(revision);
            self.core.audited(&self.identity, self.entry.key(), action)?;
        }
        let mut slow = lock(&self.state.slow);
        if let Some(code) = slow.ended {
            return Err(self.error(code));
        }
        slow.bound = true;
        slow.account = credential.account().cloned();
        self.state.seen.store(revision.get(), Ordering::Release);
        Ok(())
    }

    fn check_alive(&self) -> Result<(), CredentialError> {
        self.core.check_running()?;
        let ended = lock(&self.state.slow).ended;
        ended.map_or(Ok(()), |code| Err(self.error(code)))
    }

    fn error(&self, code: ErrorCode) -> CredentialError {
        CredentialError::new(code, "").about(&self.wanted.reference)
    }
}

/// Whether a use is in the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audited {
    Already,
    NotYet,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.handles.remove(&self.state);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("consumer", &self.identity.name)
            .field("key", self.entry.key())
            .finish_non_exhaustive()
    }
}

/// Counts the changes of a credential; see [`Handle::changed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version(u64);

/// The handles of an engine: what a reload and the end of a session must reach.
pub(crate) struct Handles {
    alive: Mutex<HashMap<usize, Weak<HandleState>>>,
    pub(crate) bound: Bounded,
}

impl Handles {
    pub(crate) fn new(limit: usize) -> Self {
        Self { alive: Mutex::default(), bound: Bounded::new("handles", limit) }
    }

    fn add(&self, state: &Arc<HandleState>) -> Result<(), CredentialError> {
        // The place is given back in `remove`.
        std::mem::forget(self.bound.enter()?);
        lock(&self.alive).insert(Arc::as_ptr(state).addr(), Arc::downgrade(state));
        Ok(())
    }

    fn remove(&self, state: &Arc<HandleState>) {
        if lock(&self.alive).remove(&Arc::as_ptr(state).addr()).is_some() {
            self.bound.leave();
        }
    }

    /// Ends, for good, every handle that `judge` gives a reason for.
    pub(crate) fn end(&self, judge: impl Fn(&EndCandidate<'_>) -> Option<ErrorCode>) {
        let states: Vec<Arc<HandleState>> =
            lock(&self.alive).values().filter_map(Weak::upgrade).collect();
        for state in states {
            let candidate =
                EndCandidate { consumer: &state.consumer, wanted: &state.wanted, key: &state.key };
            if let Some(code) = judge(&candidate) {
                let mut slow = lock(&state.slow);
                slow.ended.get_or_insert(code);
                state.seen.store(0, Ordering::Release);
            }
        }
    }
}

/// A handle, as it is judged.
pub(crate) struct EndCandidate<'a> {
    pub(crate) consumer: &'a Identity,
    pub(crate) wanted: &'a Wanted,
    pub(crate) key: &'a Key,
}
