//! [`EngineAuthority`]: a resolution engine, as one consumer of it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use credential_provider_api::{
    Credential, CredentialError, CredentialRef, EventKind, Key, Scope, State,
};
use futures::stream;
use resolution_engine::{Administrator, Consumer, Delivery, EventStream, ResolutionEngine};

use super::{Authority, News, NewsStream, Wanted};

/// A resolution engine, asked as a consumer with a name of its own.
///
/// The engine's access rules decide what it gets, as for any consumer.
#[derive(Clone)]
pub struct EngineAuthority {
    engine: ResolutionEngine,
    consumer: Consumer,
    administrator: Administrator,
}

impl EngineAuthority {
    /// Asks as `bridge:auth-profiles`.
    ///
    /// # Errors
    /// As for [`named`](Self::named).
    pub fn new(engine: &ResolutionEngine) -> Result<Self, CredentialError> {
        Self::named(engine, "bridge:auth-profiles")
    }

    /// Asks as this consumer.
    ///
    /// # Errors
    /// `configuration_invalid` if that is no consumer's name.
    pub fn named(engine: &ResolutionEngine, consumer: &str) -> Result<Self, CredentialError> {
        let administrator = engine.administrator();
        Ok(Self { engine: engine.clone(), consumer: engine.consumer(consumer)?, administrator })
    }

    /// The consumer it asks as, to report through what came of a credential.
    #[must_use]
    pub const fn consumer(&self) -> &Consumer {
        &self.consumer
    }
}

impl fmt::Debug for EngineAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineAuthority").field(&self.consumer).finish()
    }
}

#[async_trait]
impl Authority for EngineAuthority {
    async fn get(&self, wanted: Wanted<'_>) -> Result<Arc<Credential>, CredentialError> {
        let mut request = self.consumer.request(wanted.credential).min_validity(wanted.at_least);
        if let Some(session) = wanted.session {
            request = request.session(session);
        }
        request.await
    }

    fn scope(&self, credential: &CredentialRef) -> Option<Scope> {
        let providers = self.administrator.providers();
        let (provider, _) = providers.iter().find(|(found, _)| found.id == credential.provider)?;
        provider.credential(&credential.id).map(|found| found.scope)
    }

    fn state(&self, credential: &CredentialRef) -> Option<State> {
        let key = Key::gateway(credential);
        let all = self.administrator.snapshot();
        all.into_iter().find(|status| status.key == key).map(|status| status.state)
    }

    fn news(&self) -> NewsStream {
        Box::pin(stream::unfold(self.engine.events(), |mut events| async move {
            next(&mut events).await.map(|news| (news, events))
        }))
    }
}

async fn next(events: &mut EventStream) -> Option<News> {
    loop {
        let event = match events.next().await? {
            Delivery::Event(event) => event,
            // What was missed may be a revocation.
            _ => return Some(News::Anything),
        };
        let key = match event.kind {
            EventKind::Renewed { key, .. } => key,
            EventKind::StateChanged { key, to, .. } if !is_under_way(to) => key,
            EventKind::AccessChanged | EventKind::ProviderChanged { .. } => {
                return Some(News::Anything);
            }
            _ => continue,
        };
        if key == Key::gateway(&key.reference()) {
            return Some(News::Credential(key.reference()));
        }
    }
}

/// States that asking leads to: to ask because of them would never end.
const fn is_under_way(state: State) -> bool {
    matches!(state, State::Pending | State::Expiring | State::Refreshing | State::BackingOff)
}
