//! What the bridge asks of whoever has the credentials.
//!
//! The bridge knows no engine: it is given an [`Authority`]. With the feature `engine`, off unless
//! asked for, [`EngineAuthority`] is one over `resolution_engine`; that adapter is here, and not in each
//! host, because what it must get right (a listener that missed events, credentials of sessions) is the
//! same for all of them.

#[cfg(feature = "engine")]
mod engine;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use credential_provider_api::{
    Credential, CredentialError, CredentialRef, EffectiveSession, Scope, State,
};
use futures::Stream;

#[cfg(feature = "engine")]
pub use engine::EngineAuthority;

/// One request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wanted<'a> {
    /// Which credential.
    pub credential: &'a CredentialRef,
    /// For whom; nobody in particular for a gateway-wide one.
    pub session: Option<&'a EffectiveSession>,
    /// One that lasts at least this long, if the source can give one.
    pub at_least: Duration,
}

impl<'a> Wanted<'a> {
    /// A credential, whatever is left of it, for nobody in particular.
    #[must_use]
    pub const fn new(credential: &'a CredentialRef) -> Self {
        Self { credential, session: None, at_least: Duration::ZERO }
    }

    /// For this session.
    #[must_use]
    pub const fn for_session(mut self, session: Option<&'a EffectiveSession>) -> Self {
        self.session = session;
        self
    }

    /// One that lasts at least this long, if the source can give one.
    #[must_use]
    pub const fn at_least(mut self, at_least: Duration) -> Self {
        self.at_least = at_least;
        self
    }
}

/// Something that may have changed what an [`Authority`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum News {
    /// A gateway-wide credential: there is a new revision, or it was taken back.
    Credential(CredentialRef),
    /// Anything: rules or providers changed, or news were missed.
    Anything,
}

/// News from the moment of asking on. It ends with the authority.
pub type NewsStream = Pin<Box<dyn Stream<Item = News> + Send>>;

/// Whoever has the credentials, as one consumer of it sees it.
#[async_trait]
pub trait Authority: Send + Sync {
    /// A credential. Dropping the future gives up this wait and nothing else.
    ///
    /// # Errors
    /// Why there is none.
    async fn get(&self, wanted: Wanted<'_>) -> Result<Arc<Credential>, CredentialError>;

    /// Whose a credential is, as its provider says; `None` if nobody says anything of it.
    fn scope(&self, credential: &CredentialRef) -> Option<Scope>;

    /// Where a gateway-wide credential is in its life; `None` if it was never asked for.
    fn state(&self, credential: &CredentialRef) -> Option<State>;

    /// News from now on.
    fn news(&self) -> NewsStream;
}
