//! The order in which things are done: see the [module's page](super).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credential_provider_api::{
    Clock, CredentialError, Detail, ErrorCode, ExposeSecret as _, ReauthReason, Request,
    SecretString, Timestamp,
};
use tokio_util::task::TaskTracker;

use super::answer::{digest, same_person};
use super::issuer::{LIMIT, NotRenewed, ProfileIssuer, RenewedLogin, StoredLogin};
use super::life::{Lives, MARGIN};
use super::save::{Ours, Pending, Stands, Unsaved};
use crate::file::blocking;
use crate::lock::{Held, Sidecar};
use crate::openclaw::provider_name::auth_name;
use crate::openclaw::{
    AuthProfileStore, Era, Expiry, Identity, Match, NoSecret, Profile, ProfileKind, about,
    refresh_lock_target,
};

/// After this, OpenClaw takes its refresh lock from whoever holds it.
const STALE: Duration = Duration::from_secs(180);
/// Longest to wait for whoever renews it now: one exchange of theirs.
const PATIENCE: Duration = Duration::from_secs(125);

/// Renews the logins of one agent.
pub(crate) struct Renewer {
    /// The agent's own store.
    pub(crate) own: AuthProfileStore,
    /// The main agent's, unless that is the agent's own.
    pub(crate) main: Option<AuthProfileStore>,
    /// Where OpenClaw keeps its locks.
    pub(crate) state: PathBuf,
    /// By model provider.
    pub(crate) issuers: BTreeMap<String, Arc<dyn ProfileIssuer>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lives: Arc<Lives>,
    pub(crate) ours: Arc<Ours>,
    pending: Arc<Pending>,
    /// Refresh tokens that an issuer refused, and what it said: they are not sent again.
    refused: Mutex<HashMap<String, ([u8; 32], CredentialError)>>,
    /// Exchanges under way, and what is not saved yet.
    tasks: TaskTracker,
}

/// A login, and the store it is in.
struct Found {
    profile: Profile,
    store: AuthProfileStore,
    main: Option<AuthProfileStore>,
}

impl Renewer {
    pub(crate) fn new(
        own: AuthProfileStore,
        main: Option<AuthProfileStore>,
        state: PathBuf,
        issuers: BTreeMap<String, Arc<dyn ProfileIssuer>>,
        clock: Arc<dyn Clock>,
        lives: Arc<Lives>,
    ) -> Self {
        let (ours, pending, refused, tasks) = Default::default();
        Self { own, main, state, issuers, clock, lives, ours, pending, refused, tasks }
    }

    /// Waits for exchanges under way, and until what came of them is saved.
    pub(crate) async fn settled(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Whether somebody is named who renews such logins.
    pub(crate) fn renews(&self, profile: &Profile) -> bool {
        profile.kind() == ProfileKind::OAuth && self.issuer(profile).is_some()
    }

    fn issuer(&self, profile: &Profile) -> Option<&Arc<dyn ProfileIssuer>> {
        self.issuers.get(&auth_name(profile.provider()))
    }

    /// The login with an access token that is good, and not `refused`: what somebody else renewed, or
    /// what the issuer gives now.
    ///
    /// Cancel-safe: once the exchange is sent, it is saved without whoever waits.
    ///
    /// # Errors
    /// `store_locked` if somebody else renews it for too long; `needs_reauth` once the issuer refuses
    /// it; `account_mismatch` for an answer of somebody else; `unsupported` for a store in SQLite; else
    /// the issuer's or the store's.
    pub(crate) async fn renew(
        self: &Arc<Self>,
        request: &Request,
        id: &str,
        inherited: Inherited,
        refused: Option<&SecretString>,
    ) -> Result<Profile, CredentialError> {
        if let Some(unsaved) = self.pending.get(id) {
            let stands = unsaved.save(&self.ours).await?;
            self.pending.saved(id);
            return stands.into_profile(id);
        }
        // Before anything is touched there.
        if self.place(inherited).0.era().await? == Era::C {
            let what = "is kept in SQLite, which is only read";
            return Err(about(ErrorCode::Unsupported, id, what));
        }
        let found = self.find(id, inherited).await?;
        let lock = refresh_lock_target(&self.state, found.profile.provider(), id);
        let patience = request.now().until(request.deadline()).mul_f64(0.9).min(PATIENCE);
        let lock = Sidecar::of(&lock, Arc::clone(&self.clock));
        let lease = lock.with_stale(STALE).with_patience(patience).acquire().await?;
        let found = self.find(id, inherited).await?;
        if let Some(usable) = self.usable(id, &found.profile, refused, request.now()) {
            // Whoever asked has it now: that it is new is no news.
            self.ours.expect(id, Ours::print(&usable));
            return Ok(usable);
        }
        if let Some(usable) = self.adoptable(id, &found, refused, request.now()).await? {
            return Ok(usable);
        }
        let Some(issuer) = self.issuer(&found.profile).cloned() else {
            return Err(about(ErrorCode::NotConfigured, id, "has nobody named to renew it"));
        };
        let login = self.login(id, &found.profile)?;
        // From here on it is not cancelled: what the issuer gives is saved, whoever waits.
        let commit = request.commit()?;
        let (this, request) = (Arc::clone(self), request.clone());
        let task = self.tasks.spawn(async move {
            let outcome = this.exchange(&request, found, login, &*issuer, lease).await;
            drop(commit);
            outcome
        });
        task.await.unwrap_or_else(|error| {
            let panicked = error.is_panic();
            let code = if panicked { ErrorCode::ProviderPanicked } else { ErrorCode::ShutDown };
            Err(CredentialError::new(code, "the renewal of a login ended early"))
        })
    }

    /// The store it is in, and the main agent's if that is another.
    fn place(&self, inherited: Inherited) -> (AuthProfileStore, Option<AuthProfileStore>) {
        match (inherited, &self.main) {
            (Inherited::Yes, Some(main)) => (main.clone(), None),
            _ => (self.own.clone(), self.main.clone()),
        }
    }

    /// The login as it is stored, read under the lock of its store: which can be written, then.
    async fn find(&self, id: &str, inherited: Inherited) -> Result<Found, CredentialError> {
        let (store, main) = self.place(inherited);
        let wanted = id.to_owned();
        let profile = store.edit(move |profiles| Ok(profiles.profile(&wanted))).await?;
        let missing = || about(ErrorCode::CredentialNotFound, id, "is gone from the store");
        Ok(Found { profile: profile.ok_or_else(missing)?, store, main })
    }

    fn usable(
        &self,
        id: &str,
        profile: &Profile,
        refused: Option<&SecretString>,
        now: Timestamp,
    ) -> Option<Profile> {
        if profile.kind() != ProfileKind::OAuth {
            return Some(profile.clone());
        }
        let (access, end) = end(profile)?;
        let margin = self.lives.margin(id, &access, end, now);
        let other = refused.is_none_or(|refused| digest(refused) != digest(&access));
        (other && now.plus(margin) < end).then(|| profile.clone())
    }

    /// The main agent's login of the same name, if it is good and the same person's, or if the agent's
    /// own does not say whose it is.
    async fn adoptable(
        &self,
        id: &str,
        found: &Found,
        refused: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<Option<Profile>, CredentialError> {
        let Some(main) = &found.main else { return Ok(None) };
        let Some(theirs) = main.load().await?.profile(id) else { return Ok(None) };
        // As OpenClaw does: a copy that names nobody may be of the token that main has spent.
        let same = theirs.kind() == ProfileKind::OAuth
            && theirs.provider() == found.profile.provider()
            && Identity::of(&found.profile).compare(&Identity::of(&theirs)) != Match::Different;
        let fresh = end(&theirs).is_some_and(|(access, end)| {
            now.plus(MARGIN) < end
                && refused.is_none_or(|refused| digest(refused) != digest(&access))
        });
        Ok((same && fresh).then_some(theirs))
    }

    fn login(&self, id: &str, profile: &Profile) -> Result<StoredLogin, CredentialError> {
        let refresh_token = profile.refresh_token().ok_or_else(|| {
            let reason = ReauthReason::GrantExpired;
            let detail = format!("the auth profile \"{id}\" has nothing to renew it with");
            CredentialError::needs_reauth(reason, Detail::composed(detail))
        })?;
        if let Some(error) = mark_in(id, refresh_token.expose_secret()) {
            return Err(error);
        }
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.get(id) {
            Some((token, error)) if *token == digest(&refresh_token) => Err(error.clone()),
            _ => Ok(StoredLogin::new(id, profile.clone(), refresh_token)),
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        mut found: Found,
        mut login: StoredLogin,
        issuer: &dyn ProfileIssuer,
        mut lease: Held,
    ) -> Result<Profile, CredentialError> {
        let mut sent_again = false;
        let limit = self.clock.now().plus(LIMIT);
        loop {
            let held = blocking(move || {
                let ours = lease.is_ours();
                Ok((lease, ours))
            });
            let (held, ours) = held.await?;
            lease = held;
            if !ours {
                let what = "is being renewed by somebody who took its lock from us";
                return Err(about(ErrorCode::StoreLocked, &login.id, what));
            }
            let answer = tokio::select! {
                biased;
                answer = issuer.renew(&login, request) => answer,
                () = self.clock.sleep_until(limit) => {
                    let detail = "the issuer did not answer in two minutes";
                    Err(NotRenewed::Unanswered(CredentialError::new(ErrorCode::Timeout, detail)))
                }
            };
            let failure = match answer {
                Ok(renewed) => return self.keep(found, &login, renewed, lease).await,
                Err(failure) => failure,
            };
            // Somebody may have signed in meanwhile.
            let id = login.id.clone();
            let wanted = id.clone();
            let now = self.clock.now();
            let stored = found.store.edit(move |profiles| Ok(profiles.profile(&wanted))).await;
            let stored = stored.ok().flatten();
            let changed = stored.filter(|stored| {
                let token = stored.refresh_token();
                token.is_none_or(|token| digest(&token) != digest(&login.refresh_token))
            });
            if let Some(changed) = changed {
                if let Some(usable) = self.usable(&id, &changed, None, now) {
                    return Ok(usable);
                }
                if matches!(failure, NotRenewed::Refused { .. }) && !sent_again {
                    sent_again = true;
                    login = self.login(&id, &changed)?;
                    found.profile = changed;
                    continue;
                }
            }
            return match failure {
                NotRenewed::Unspent(error) | NotRenewed::Unanswered(error) => Err(error),
                NotRenewed::Rotated { refresh, error } => {
                    let rotated = still(&found.profile, now).with_refresh(refresh);
                    self.keep(found, &login, rotated, lease).await?;
                    Err(error)
                }
                NotRenewed::Refused { reason, detail } => {
                    let error = CredentialError::needs_reauth(reason, detail);
                    self.note_refused(&login, &error);
                    self.forget_last_good(&found, &id).await;
                    Err(error)
                }
            };
        }
    }

    async fn keep(
        &self,
        found: Found,
        login: &StoredLogin,
        renewed: RenewedLogin,
        lease: Held,
    ) -> Result<Profile, CredentialError> {
        let id = &login.id;
        if let Err(code) = same_person(&found.profile, &renewed) {
            let what = "was answered for another account: nothing was saved, sign in again";
            return Err(about(code, id, what));
        }
        let now = self.clock.now();
        let unsaved = Unsaved {
            id: id.clone(),
            store: found.store,
            main: found.main,
            spent: digest(&login.refresh_token),
            renewed: Arc::new(renewed),
            received: now,
        };
        // A process that watches sees the new token before we use it ourselves.
        let stands =
            unsaved.keep(&self.ours, &self.pending, lease, &self.clock, &self.tasks).await?;
        let profile = stands.into_profile(id)?;
        if let Some((access, end)) = end(&profile) {
            self.lives.margin(id, &access, end, now);
        }
        Ok(profile)
    }

    fn note_refused(&self, login: &StoredLogin, error: &CredentialError) {
        let known = (digest(&login.refresh_token), error.clone());
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(login.id.clone(), known);
    }

    /// As OpenClaw does: a login that was refused is not the one to try first.
    async fn forget_last_good(&self, found: &Found, id: &str) {
        let (provider, id) = (found.profile.provider().to_owned(), id.to_owned());
        let forget = found.store.edit(move |profiles| {
            profiles.clear_last_good(&provider, &id);
            Ok(())
        });
        if let Err(error) = forget.await {
            tracing::warn!(%error, "the last good auth profile was not forgotten");
        }
    }
}

/// Whether a login is the main agent's, seen through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inherited {
    /// It is.
    Yes,
    /// It is the agent's own.
    No,
}

impl Stands {
    fn into_profile(self, id: &str) -> Result<Profile, CredentialError> {
        match self {
            Self::Ours(profile) | Self::Theirs(profile) => Ok(profile),
            Self::Nothing => {
                Err(about(ErrorCode::CredentialNotFound, id, "was removed while it was renewed"))
            }
        }
    }
}

/// The access token as it is, for an answer that has none.
fn still(profile: &Profile, now: Timestamp) -> RenewedLogin {
    let access = profile.text("access").map(|text| text.as_str().into()).unwrap_or_default();
    let end = match profile.expires() {
        Expiry::At(end) => end,
        Expiry::Unsaid | Expiry::Invalid => now,
    };
    RenewedLogin::new(access).with_expiry(end)
}

/// The access token and its end; none if either is missing or no real one.
pub(crate) fn end(profile: &Profile) -> Option<(SecretString, Timestamp)> {
    let access = profile.text("access")?;
    let Expiry::At(end) = profile.expires() else { return None };
    NoSecret::of(&access).is_none().then(|| (access.as_str().into(), end))
}

/// What is wrong with a text that stands where a secret should be, if it is none.
pub(crate) fn mark_in(id: &str, text: &str) -> Option<CredentialError> {
    Some(match NoSecret::of(text)? {
        NoSecret::Fence if text.contains(":failed:") => {
            let reason = ReauthReason::GrantRejected;
            let detail = format!("OpenClaw failed to renew the auth profile \"{id}\"");
            CredentialError::needs_reauth(reason, Detail::composed(detail))
        }
        NoSecret::Fence => about(ErrorCode::Unavailable, id, "is being renewed by OpenClaw"),
        NoSecret::Redacted => about(ErrorCode::RedactedValue, id, "holds a mask"),
        NoSecret::Unresolved => {
            about(ErrorCode::NotConfigured, id, "holds a reference that nobody resolves")
        }
    })
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<&String> = self.issuers.keys().collect();
        f.debug_struct("Renewer").field("issuers", &issuers).finish_non_exhaustive()
    }
}
