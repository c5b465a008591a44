//! [`Keys`]: where the keys that sign a call come from.

use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialError, CredentialRef, ErrorCode, Request, Revision, Timestamp, Want,
    async_trait,
};

/// Where the keys that sign a call come from.
///
/// A client keeps none: it asks for each call, and once more if the service refuses what it got.
#[async_trait]
pub trait Keys: Send + Sync {
    /// An `access_key` credential; `None` for calls that are not signed. `rejected` is a revision that
    /// the service refused: it must not come again. Cancel-safe.
    ///
    /// # Errors
    /// Why there are none.
    async fn keys(
        &self,
        rejected: Option<Revision>,
    ) -> Result<Option<Arc<Credential>>, CredentialError>;

    /// When the call is given up.
    fn deadline(&self) -> Timestamp {
        Timestamp::MAX
    }
}

/// Where platform keys come from.
#[async_trait]
pub(crate) trait KeySources: Send + Sync {
    /// Whether there are others now than `refused`. Keys of STS are others each time. Not if the source
    /// cannot be read: what it had may be there again. Cancel-safe.
    async fn have_others(&self, refused: &Credential, deadline: Timestamp) -> bool;
}

/// Keys that are at hand, and no others: for a host that asked its engine for `platform`.
#[derive(Clone, Debug)]
pub struct HeldKeys {
    credential: Arc<Credential>,
    deadline: Timestamp,
}

impl HeldKeys {
    /// These keys.
    #[must_use]
    pub const fn new(credential: Arc<Credential>) -> Self {
        Self { credential, deadline: Timestamp::MAX }
    }

    /// With a time when calls are given up.
    #[must_use]
    pub const fn until(mut self, deadline: Timestamp) -> Self {
        self.deadline = deadline;
        self
    }
}

#[async_trait]
impl Keys for HeldKeys {
    async fn keys(
        &self,
        rejected: Option<Revision>,
    ) -> Result<Option<Arc<Credential>>, CredentialError> {
        match rejected {
            None => Ok(Some(self.credential.clone())),
            Some(_) => Err(CredentialError::new(ErrorCode::Rejected, "there are no other keys")),
        }
    }

    fn deadline(&self) -> Timestamp {
        self.deadline
    }
}

/// Keys that are an entry of the engine: what the call is for depends on them from then on.
#[derive(Clone, Debug)]
pub struct RequestKeys<'a> {
    request: &'a Request,
    want: Want,
}

impl<'a> RequestKeys<'a> {
    /// The keys called `platform`, on behalf of `request`.
    #[must_use]
    pub const fn new(request: &'a Request, platform: CredentialRef) -> Self {
        Self { request, want: Want::new(platform) }
    }
}

#[async_trait]
impl Keys for RequestKeys<'_> {
    async fn keys(
        &self,
        rejected: Option<Revision>,
    ) -> Result<Option<Arc<Credential>>, CredentialError> {
        self.request.depend_on(self.want.clone().rejecting(rejected)).await.map(Some)
    }

    fn deadline(&self) -> Timestamp {
        self.request.deadline()
    }
}

/// No keys: the call itself carries what proves who makes it.
pub(crate) struct Unsigned(pub(crate) Timestamp);

#[async_trait]
impl Keys for Unsigned {
    async fn keys(&self, _: Option<Revision>) -> Result<Option<Arc<Credential>>, CredentialError> {
        Ok(None)
    }

    fn deadline(&self) -> Timestamp {
        self.0
    }
}
