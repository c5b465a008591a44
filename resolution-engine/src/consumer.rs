//! [`Consumer`]: who asks, as a capability.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use credential_provider_api::{
    ConsumerName, Credential, CredentialError, CredentialRef, EffectiveSession, Hint, Interaction,
    Outcome, ProviderId, Revision, Timestamp, Variant,
};

use crate::access::Decision;
use crate::core::Core;
use crate::entry::{Persistence, Probe};
use crate::flows::SignInRequest;
use crate::handle::Handle;
use crate::resolve::{Asker, Options, Wanted, resolve};

/// The right to ask for credentials under one name. The host mints it and gives it to the part of
/// itself that acts for that consumer; the model and its tools never see it.
#[derive(Clone)]
pub struct Consumer {
    pub(crate) core: Arc<Core>,
    pub(crate) identity: Arc<Identity>,
}

/// A consumer's name, and its bit in the mark words.
pub(crate) struct Identity {
    pub(crate) name: ConsumerName,
    pub(crate) bit: u64,
}

impl Identity {
    pub(crate) fn of_provider(id: &ProviderId) -> Self {
        Self { name: ConsumerName::for_provider(id), bit: 0 }
    }

    /// Who an administrator is in the audit trail.
    pub(crate) fn administrator() -> Option<Self> {
        Some(Self { name: ConsumerName::new("administrator:host").ok()?, bit: 0 })
    }

    pub(crate) fn is_provider(&self) -> bool {
        self.name.class() == "provider"
    }
}

impl Consumer {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &ConsumerName {
        &self.identity.name
    }

    /// Asks for a credential; refine it, then `.await` it.
    ///
    /// ```no_run
    /// # use resolution_engine::*; use credential_provider_api::*;
    /// # async fn f(tool: Consumer, session: EffectiveSession) -> Result<(), CredentialError> {
    /// let openai = CredentialRef::parse("vault/openai")?;
    /// let key = tool.request(&openai).session(&session).await?;
    /// # Ok(()) }
    /// ```
    pub fn request<'a>(&'a self, credential: &'a CredentialRef) -> RequestBuilder<'a> {
        RequestBuilder {
            consumer: self,
            credential,
            session: None,
            variant: None,
            options: Options::default(),
        }
    }

    /// Whether the access rules, as they are now, grant it `credential`. No provider is asked and
    /// nothing is audited: only a request decides.
    #[must_use]
    pub fn is_granted(&self, credential: &CredentialRef) -> bool {
        self.core.access.decide(&self.identity.name, credential) == Decision::Granted
    }

    /// Resolves all at once; the answers are in order, and one failing fails no other. Cancel-safe.
    pub async fn batch<'a>(
        &'a self,
        requests: impl IntoIterator<Item = RequestBuilder<'a>>,
    ) -> Vec<Result<Arc<Credential>, CredentialError>> {
        futures::future::join_all(requests.into_iter().map(IntoFuture::into_future)).await
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Consumer").field(&self.identity.name).finish()
    }
}

/// A request being put together. Awaiting it resolves it.
///
/// Awaiting is cancel-safe: dropping the future gives up this caller's wait; the provider call goes
/// on for whoever else waits.
#[derive(Clone)]
#[must_use = "a request does nothing until it is awaited"]
pub struct RequestBuilder<'a> {
    pub(crate) consumer: &'a Consumer,
    pub(crate) credential: &'a CredentialRef,
    pub(crate) session: Option<&'a EffectiveSession>,
    pub(crate) variant: Option<&'a Variant>,
    options: Options,
}

impl<'a> RequestBuilder<'a> {
    /// For whom. A gateway-wide credential is the same for all.
    pub const fn session(mut self, session: &'a EffectiveSession) -> Self {
        self.session = Some(session);
        self
    }

    /// In this variant.
    pub const fn variant(mut self, variant: &'a Variant) -> Self {
        self.variant = Some(variant);
        self
    }

    /// One that lasts at least this long, if the source can give one.
    pub const fn min_validity(mut self, min_validity: Duration) -> Self {
        self.options.min_validity = min_validity;
        self
    }

    /// This caller's patience; the provider call has a limit of its own.
    pub const fn deadline(mut self, deadline: Timestamp) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// This caller's patience, from now.
    pub fn within(self, patience: Duration) -> Self {
        let deadline = self.consumer.core.clock.now().plus(patience);
        self.deadline(deadline)
    }

    /// A person may be asked now.
    pub const fn interactive(mut self) -> Self {
        self.options.interaction = Interaction::Allowed;
        self
    }

    /// Not this revision: it was seen rejected. Many callers may say so of one revision; it is
    /// renewed once, and not at all if a newer one is there.
    pub const fn reject(mut self, revision: Revision) -> Self {
        self.options.reject = Some(revision);
        self
    }

    /// Tries again although a failure is remembered. A revocation still counts.
    pub const fn retry(mut self) -> Self {
        self.options.persistence = Persistence::Explicit;
        self
    }

    /// A renewal now, however long what there is lasts: a person wants it. Otherwise as
    /// [`retry`](Self::retry). Others are served what there is meanwhile, and if it fails. Within
    /// [`Tuning::forced_pause`](crate::Tuning::forced_pause) of the last one that was forced, what that
    /// one brought is the answer. A provider that keeps a grant renews it if what it keeps does not last
    /// for the [`min_validity`](Self::min_validity).
    pub const fn renew(mut self) -> Self {
        self.options.persistence = Persistence::Renewing;
        self
    }

    /// What it is wanted for, for sources that choose among accounts.
    pub fn hint(mut self, hint: Hint) -> Self {
        self.options.hint = hint;
        self
    }

    /// Binds instead of resolving: a [`Handle`] for the hot path.
    ///
    /// # Errors
    /// `access_denied` and whatever else a request would be refused for; not the provider's errors.
    pub fn bind(self) -> Result<Handle, CredentialError> {
        Handle::bind(self.consumer, &self.wanted())
    }

    /// Starts signing in to it; see [`SignInRequest`].
    pub fn sign_in(self) -> SignInRequest {
        SignInRequest::new(&self.consumer.core, &self.consumer.identity, self.wanted())
    }

    /// Says what came of using `credential`, which this consumer got for this request. The provider is
    /// told the [hint](Self::hint) as well: too many requests may be one model's. Cancel-safe
    /// in that the engine's part is done at once; the provider's bookkeeping is a task of its own.
    ///
    /// # Errors
    /// As for a request. The provider's own failure to keep books is counted, not returned.
    pub fn report(
        self,
        credential: &Arc<Credential>,
        outcome: Outcome,
    ) -> Result<(), CredentialError> {
        let wanted = self.wanted();
        crate::report::report(self.consumer, &wanted, credential, outcome, self.options.hint)
    }

    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            reference: self.credential.clone(),
            session: self.session.cloned(),
            variant: self.variant.cloned().unwrap_or_default(),
        }
    }

    /// The answer, if it is at hand: no lock beyond the map's shard, no allocation.
    fn hit(&self) -> Option<Arc<Credential>> {
        let core = &*self.consumer.core;
        let bit = self.consumer.identity.bit;
        if self.options.reject.is_some() || self.options.persistence != Persistence::Respectful {
            return None;
        }
        let none = Variant::none();
        let variant = self.variant.unwrap_or(&none);
        let now = core.clock.coarse_now();
        let needed = now.plus(self.options.min_validity);
        let read = |session| {
            let probe = Probe::new(self.credential, session, variant);
            core.table.read(&probe, |entry| {
                let value = entry.value();
                let credential = value.as_ref()?;
                let window = credential.window();
                let marks = entry.marks().load(Ordering::Acquire);
                let good = now < window.renew_by
                    && needed <= window.until
                    && marks & bit != 0
                    && marks >> 40 == core.access.epoch();
                if !good {
                    return None;
                }
                entry.touch(core.secs(now));
                core.counters.hits.add(Arc::as_ptr(entry).addr());
                Some(Arc::clone(credential))
            })
        };
        match self.session {
            None => read(None),
            // A gateway-wide credential is kept without session, whoever asks.
            session => read(session).or_else(|| read(None)),
        }
    }
}

impl<'a> IntoFuture for RequestBuilder<'a> {
    type Output = Result<Arc<Credential>, CredentialError>;
    type IntoFuture = ResolveFuture<'a>;

    fn into_future(self) -> ResolveFuture<'a> {
        ResolveFuture(Resolving::New(self))
    }
}

/// Resolves a request. Ready at its first poll, without allocation, if the answer is at hand.
#[must_use = "futures do nothing unless polled"]
pub struct ResolveFuture<'a>(Resolving<'a>);

type Slow<'a> = Pin<Box<dyn Future<Output = Result<Arc<Credential>, CredentialError>> + Send + 'a>>;

enum Resolving<'a> {
    New(RequestBuilder<'a>),
    Slow(Slow<'a>),
    Done,
}

impl Future for ResolveFuture<'_> {
    type Output = Result<Arc<Credential>, CredentialError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Resolving::New(request) = &self.0 {
            if let Some(credential) = request.hit() {
                self.0 = Resolving::Done;
                return Poll::Ready(Ok(credential));
            }
            let (core, identity) =
                (request.consumer.core.clone(), request.consumer.identity.clone());
            let (wanted, options) = (request.wanted(), request.options.clone());
            self.0 = Resolving::Slow(Box::pin(async move {
                let asker = Asker { identity: &identity, node: None, depth: 0, permit: None };
                let resolved = resolve(&core, &asker, &wanted, &options).await;
                resolved.map(|r| r.credential).map_err(|failed| failed.error)
            }));
        }
        let Resolving::Slow(slow) = &mut self.0 else {
            let code = credential_provider_api::ErrorCode::Internal;
            return Poll::Ready(Err(CredentialError::new(code, "polled after it was ready")));
        };
        let polled = slow.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = Resolving::Done;
        }
        polled
    }
}
