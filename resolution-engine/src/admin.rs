//! [`Administrator`]: what only the host itself may do.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    AccountId, AuditAction, CredentialDescriptor, CredentialError, CredentialRef, EffectiveSession,
    ErrorCode, Event, EventKind, Health, Interaction, Key, ProviderDescriptor, ProviderId, Request,
    Revision, Revocation, State, Timestamp, Variant,
};
use tokio_util::sync::CancellationToken;

use crate::access::{AccessRules, Decision, Wrapped};
use crate::consumer::Identity;
use crate::core::Core;
use crate::entry::{Entry, Withdrawal};
use crate::flight::{Flight, guarded};
use crate::flows::{self, SignInRequest};
use crate::registry::Registered;
use crate::resolve::Wanted;
use crate::service::same_login;

/// The right to list, revoke, end and sign in for others. Keep it in the host.
#[derive(Clone)]
pub struct Administrator {
    pub(crate) core: Arc<Core>,
}

/// One credential as an administrator addresses it.
#[derive(Clone)]
#[must_use = "nothing is done until an operation is called"]
pub struct Target {
    core: Arc<Core>,
    wanted: Wanted,
}

/// What is known of one key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EntryStatus {
    /// Which.
    pub key: Key,
    /// Where it is in its life.
    pub state: State,
    /// The revision served.
    pub revision: Option<Revision>,
    /// When what is served ends; `None` if never, or nothing is.
    pub until: Option<Timestamp>,
    /// The account served.
    pub account: Option<AccountId>,
    /// The failure remembered.
    pub error: Option<CredentialError>,
}

impl Administrator {
    /// Addresses a credential.
    pub fn at(&self, credential: &CredentialRef) -> Target {
        let wanted =
            Wanted { reference: credential.clone(), session: None, variant: Variant::none() };
        Target { core: self.core.clone(), wanted }
    }

    /// Ends a session and its descendants: what it was served is withdrawn, its handles fail for
    /// good, its sign-ins end. When this has returned, no request of that session, in flight ones
    /// included, yields an old credential. Cancel-safe: the work goes on.
    pub async fn end_session(&self, session: &EffectiveSession) {
        let (core, session) = (self.core.clone(), session.clone());
        let own = core.clone();
        own.own(async move {
            // Handles first: none may bind what is about to be withdrawn.
            core.handles.end(|handle| {
                let asked = handle.wanted.session.as_ref();
                let within = asked.is_some_and(|s| s.is_within(&session));
                within.then_some(ErrorCode::SessionEnded)
            });
            let in_session =
                |key: &Key| key.session.as_ref().is_some_and(|own| own.is_within(&session));
            flows::end(&core, ErrorCode::SessionEnded, in_session).await;
            let entries = core.table.within(&session);
            let mut flights = Vec::new();
            for entry in &entries {
                let withdrawn = entry.withdraw(&core, Withdrawal::SessionEnded);
                flights.extend(withdrawn.own);
                flights.extend(withdrawn.descendants);
            }
            drain(flights).await;
            let now = core.clock.now();
            for entry in entries {
                core.table.forget_unless_revoked(&entry, now);
            }
        })
        .await;
    }

    /// The state of every key.
    #[must_use]
    pub fn snapshot(&self) -> Vec<EntryStatus> {
        let now = self.core.clock.now();
        let status = |entry: Arc<Entry>| {
            let glance = entry.glance(now);
            EntryStatus {
                key: entry.key().clone(),
                state: glance.state,
                revision: glance.revision,
                until: glance.until,
                account: glance.account,
                error: glance.error,
            }
        };
        let mut list: Vec<EntryStatus> = self.core.table.all().into_iter().map(status).collect();
        list.sort_by(|a, b| a.key.cmp(&b.key));
        list
    }

    /// The providers in service and their generations.
    #[must_use]
    pub fn providers(&self) -> Vec<(ProviderDescriptor, u64)> {
        let all = self.core.registry.all();
        all.iter().map(|r| (r.provider.descriptor().clone(), r.generation)).collect()
    }

    /// The credentials a provider has now. Cancel-safe: the call goes on.
    ///
    /// # Errors
    /// `provider_not_found`, `unsupported`, and what the provider says.
    pub async fn list(
        &self,
        provider: &ProviderId,
    ) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let missing = || CredentialError::new(ErrorCode::ProviderNotFound, "");
        let registered = self.core.registry.get(provider).ok_or_else(missing)?;
        let core = self.core.clone();
        let id = credential_provider_api::CredentialId::new("list")
            .map_err(|problem| CredentialError::new(ErrorCode::Internal, problem))?;
        let key = Key::gateway(&CredentialRef::new(provider.clone(), id));
        self.core
            .own(async move {
                let call = async |request: &Request| registered.provider.list(request).await;
                guarded(&core, &key, Interaction::Forbidden, &core.stop, call).await
            })
            .await
            .unwrap_or_else(|| Err(CredentialError::new(ErrorCode::ShutDown, "")))
    }

    /// Replaces the access rules: handles they deny fail for good, requests are judged anew.
    pub fn replace_access(&self, rules: AccessRules) {
        self.core.replace_access(rules);
    }
}

impl Target {
    /// For this session.
    pub fn session(mut self, session: &EffectiveSession) -> Self {
        self.wanted.session = Some(session.clone());
        self
    }

    /// In this variant.
    pub fn variant(mut self, variant: &Variant) -> Self {
        self.wanted.variant = variant.clone();
        self
    }

    /// Withdraws the credential, waits for an exchange under way, and revokes the newest one at its
    /// source. When this has returned, no request, in flight ones included, yields it; requests fail
    /// until somebody signs in, or the provider is configured anew. A value already handed out
    /// cannot be recalled. Cancel-safe: the work goes on.
    ///
    /// # Errors
    /// What the source said. The credential is withdrawn here all the same.
    pub async fn revoke(self) -> Result<Revocation, CredentialError> {
        self.take_back(Withdrawal::Revoked).await
    }

    /// Withdraws the credential and removes its grant, at the source too where possible. Requests
    /// fail with `needs_reauth` until somebody signs in; of a provider without sign-in, until
    /// [`release`](Self::release). Cancel-safe: the work goes on.
    ///
    /// # Errors
    /// `unsupported` if there is no sign-in; what the source or store said. The credential is
    /// withdrawn here all the same.
    pub async fn sign_out(self) -> Result<Revocation, CredentialError> {
        self.take_back(Withdrawal::SignedOut).await
    }

    /// The page at which the person ends the session at the source itself, if there is one; private
    /// to that person. Signing out here does not end it there. Cancel-safe: the call goes on.
    ///
    /// # Errors
    /// `unsupported` if there is no sign-in; what the source said.
    pub async fn logout_page(self) -> Result<Option<String>, CredentialError> {
        let key = self.core.key_of(None, &self.wanted)?;
        let (registered, core) = (self.registered(&key)?, self.core.clone());
        let asked = self.core.own(async move {
            let sign_in = registered
                .provider
                .sign_in()
                .ok_or_else(|| CredentialError::new(ErrorCode::Unsupported, "it has no sign-in"));
            let sign_in = sign_in.map_err(|error| error.about(&key.reference()))?;
            let call = async |request: &Request| sign_in.logout_page(request).await;
            guarded(&core, &key, Interaction::Forbidden, &core.stop, call).await
        });
        asked.await.unwrap_or_else(|| Err(CredentialError::new(ErrorCode::ShutDown, "")))
    }

    /// Forgets what is served: the next request asks the source. Answers under way do not count.
    ///
    /// # Errors
    /// `provider_not_found`, `credential_not_found` or `session_required`.
    pub fn invalidate(&self) -> Result<(), CredentialError> {
        if let Some(entry) = self.entry()? {
            entry.withdraw(&self.core, Withdrawal::Invalidated);
        }
        Ok(())
    }

    /// Forgets the key altogether, a revocation included, unless a handle or flight holds it.
    ///
    /// # Errors
    /// As for [`invalidate`](Self::invalidate).
    pub fn release(&self) -> Result<(), CredentialError> {
        if let Some(entry) = self.entry()? {
            // As after a change of provider: nothing is remembered.
            entry.withdraw(&self.core, Withdrawal::ProviderChanged);
            self.core.table.forget(&entry);
        }
        Ok(())
    }

    /// Checks the source, and with it what is served now. Cancel-safe: the call goes on.
    ///
    /// # Errors
    /// `unsupported`, and what the provider says.
    pub async fn check(self) -> Result<Health, CredentialError> {
        let key = self.core.key_of(None, &self.wanted)?;
        let registered = self.registered(&key)?;
        let current = self.core.table.get(&key).and_then(|entry| entry.value().clone());
        let core = self.core.clone();
        self.core
            .own(async move {
                let call = async |request: &Request| {
                    registered.provider.check(request, current.as_deref()).await
                };
                guarded(&core, &key, Interaction::Forbidden, &core.stop, call).await
            })
            .await
            .unwrap_or_else(|| Err(CredentialError::new(ErrorCode::ShutDown, "")))
    }

    /// Starts signing in, for anybody.
    pub fn sign_in(self) -> SignInRequest {
        SignInRequest::of(&self.core, None, self.wanted)
    }

    fn registered(&self, key: &Key) -> Result<Arc<Registered>, CredentialError> {
        let missing = || CredentialError::new(ErrorCode::ProviderNotFound, "");
        self.core.registry.get(&key.provider).ok_or_else(missing)
    }

    fn entry(&self) -> Result<Option<Arc<Entry>>, CredentialError> {
        Ok(self.core.table.get(&self.core.key_of(None, &self.wanted)?))
    }

    async fn take_back(self, withdrawal: Withdrawal) -> Result<Revocation, CredentialError> {
        let key = self.core.key_of(None, &self.wanted)?;
        let (core, own) = (self.core.clone(), self.core.clone());
        own.own(async move { take_back(&core, &key, withdrawal).await })
            .await
            .unwrap_or_else(|| Err(CredentialError::new(ErrorCode::ShutDown, "")))
    }
}

async fn take_back(
    core: &Arc<Core>,
    key: &Key,
    withdrawal: Withdrawal,
) -> Result<Revocation, CredentialError> {
    flows::end(core, ErrorCode::Cancelled, |own| own == key).await;
    let now = core.clock.now();
    // Made if need be: a revocation must be remembered even of what was never asked for.
    let entry = core.table.get_or_create(key, now, core.secs(now), &core.tuning)?;
    if withdrawal == Withdrawal::SignedOut {
        // The grant serves every variant of this login.
        for other in core.table.all() {
            if !Arc::ptr_eq(&other, &entry) && same_login(other.key(), key) {
                let withdrawn = other.withdraw(core, withdrawal);
                drain(withdrawn.own.into_iter().chain(withdrawn.descendants).collect()).await;
            }
        }
    }
    let before = entry.value().clone();
    let withdrawn = entry.withdraw(core, withdrawal);
    let began = withdrawn.epoch;
    let newest = match withdrawn.own {
        Some(flight) => flight.ended().await.or(before),
        None => before,
    };
    drain(withdrawn.descendants).await;
    let registered = core.registry.get(&key.provider).ok_or_else(|| {
        CredentialError::new(ErrorCode::ProviderNotFound, "").about(&key.reference())
    })?;
    // Not the engine's token: a shutdown waits for a revocation under way.
    let stop = CancellationToken::new();
    let revoked = match withdrawal {
        Withdrawal::SignedOut => {
            let Some(sign_in) = registered.provider.sign_in() else {
                let error = CredentialError::new(ErrorCode::Unsupported, "it has no sign-in");
                return Err(error.about(&key.reference()));
            };
            let call = async |request: &Request| sign_in.sign_out(request).await;
            guarded(core, key, Interaction::Forbidden, &stop, call).await
        }
        _ => {
            let call = async |request: &Request| {
                registered.provider.revoke(request, newest.as_deref()).await
            };
            guarded(core, key, Interaction::Forbidden, &stop, call).await
        }
    };
    // An explicit retry may have read the old grant while it was being taken away. A sign-in since
    // then stays.
    if entry.epoch() == began {
        let again = entry.withdraw(core, withdrawal);
        drain(again.own.into_iter().chain(again.descendants).collect()).await;
    }
    let action = match withdrawal {
        Withdrawal::SignedOut => AuditAction::SignedOut,
        _ => AuditAction::Revoked,
    };
    if let Some(who) = Identity::administrator()
        && let Err(error) = core.audited(&who, key, action)
    {
        tracing::warn!(%error, "a revocation was not audited");
    }
    revoked
}

/// Waits for flights that no longer count.
async fn drain(flights: Vec<Flight>) {
    futures::future::join_all(flights.into_iter().map(Flight::ended)).await;
}

impl Core {
    /// Runs `work` on a task of the engine and waits for it: dropping the wait drops no work.
    pub(crate) async fn own<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        if self.stop.is_cancelled() {
            return None;
        }
        self.tasks.spawn_on(work, &self.runtime).await.ok()
    }

    pub(crate) fn replace_access(&self, rules: AccessRules) {
        if self.access.replace(rules) == Wrapped::Yes {
            for entry in self.table.all() {
                entry.marks().store(0, std::sync::atomic::Ordering::Release);
            }
        }
        self.handles.end(|handle| {
            let decision = self.access.decide(&handle.consumer.name, &handle.wanted.reference);
            // Another key is another identity: what a child session no longer inherits.
            let moved = match self.key_of(Some(handle.consumer), handle.wanted) {
                Ok(key) => key != *handle.key,
                Err(error) => error.code() == ErrorCode::AccessDenied,
            };
            (decision == Decision::Denied || moved).then_some(ErrorCode::AccessDenied)
        });
        for entry in self.table.all() {
            entry.forgive();
            let provider = Identity::of_provider(&entry.key().provider);
            let denied = |parent: &Arc<Entry>| {
                let (reference, of) = (parent.key().reference(), &parent.key().session);
                // What another session's credential was made for is let go with the rule for it.
                let elsewhere = of.is_some() && *of != entry.key().session;
                self.access.decide(&provider.name, &reference) == Decision::Denied
                    || elsewhere
                        && !self.access.derives(&provider.name, &reference)
                        && !self.access.inherits(&provider.name, &reference)
            };
            if entry.parents().iter().any(denied) {
                entry.withdraw(self, Withdrawal::ParentEnded);
            }
        }
        self.events.send(Event::new(self.clock.now(), EventKind::AccessChanged));
    }
}

impl fmt::Debug for Administrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Administrator")
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.wanted.reference).finish()
    }
}
