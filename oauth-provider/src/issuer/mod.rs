//! The issuer: its metadata and its keys, fetched when needed and kept for a while.

mod cached;
mod discovery;
mod keys;
mod metadata;

use std::sync::Arc;

use credential_provider_api::{Clock, CredentialError};
use tokio::sync::Mutex;

use self::cached::Cached;
use crate::http::HttpClient;

pub(crate) use keys::Keys;
pub(crate) use metadata::{IssuerId, Metadata, Pushed, ResponseIss};

/// One issuer, as configured.
pub(crate) struct Issuer {
    pub(crate) id: IssuerId,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    /// Given in place of what discovery would find.
    given: Option<Arc<Metadata>>,
    jwks_origins: Vec<credential_provider_api::Origin>,
    found: Mutex<Cached<Arc<Metadata>>>,
    keys: Mutex<Cached<Arc<Keys>>>,
}

impl Issuer {
    pub(crate) fn new(
        id: IssuerId,
        given: Option<Metadata>,
        jwks_origins: Vec<credential_provider_api::Origin>,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let given = given.map(Arc::new);
        let (found, keys) = (Mutex::default(), Mutex::default());
        Self { id, http, clock, given, jwks_origins, found, keys }
    }

    /// Its metadata: given, remembered, or discovered now. Cancel-safe.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, CredentialError> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        let mut found = self.found.lock().await;
        if let Some(metadata) = found.fresh(self.clock.now(), discovery::KEPT) {
            return Ok(metadata);
        }
        let fetched = discovery::discover(&*self.http, &self.id).await.map(Arc::new);
        found.settle(fetched, self.clock.now())
    }

    /// Asks anew, whatever is remembered; where the metadata was given, whether anybody answers.
    pub(crate) async fn reach(&self) -> Result<(), CredentialError> {
        if let Some(given) = &self.given {
            return discovery::answers(&*self.http, &given.token_endpoint).await;
        }
        let fetched = discovery::discover(&*self.http, &self.id).await.map(Arc::new)?;
        self.found.lock().await.settle(Ok(fetched), self.clock.now()).map(drop)
    }

    /// Its keys (RFC 7517), at most five minutes old where it can be reached. Cancel-safe.
    pub(crate) async fn keys(&self) -> Result<Arc<Keys>, CredentialError> {
        let mut kept = self.keys.lock().await;
        if let Some(keys) = kept.fresh(self.clock.now(), keys::KEPT) {
            return Ok(keys);
        }
        let fetched = self.fetch_keys().await;
        kept.settle(fetched, self.clock.now())
    }

    /// Keys fetched after `known`, for a key id that is not among them; `known` again if they were
    /// fetched a moment ago, so that made-up key ids cost the issuer nothing.
    pub(crate) async fn later_keys(&self, known: &Arc<Keys>) -> Result<Arc<Keys>, CredentialError> {
        let mut kept = self.keys.lock().await;
        if let Some(keys) = kept.fresh(self.clock.now(), keys::COOLDOWN) {
            return Ok(keys);
        }
        let fetched = self.fetch_keys().await;
        kept.settle(fetched, self.clock.now()).or_else(|_| Ok(known.clone()))
    }

    async fn fetch_keys(&self) -> Result<Arc<Keys>, CredentialError> {
        let metadata = self.metadata().await?;
        let jwks = keys::place(&metadata, &self.id, &self.jwks_origins)?;
        keys::fetch(&*self.http, jwks).await.map(Arc::new)
    }
}
