//! [`GatewayCredentials`]: what a host answers from.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use credential_provider_api::{Credential, CredentialError, CredentialRef, Timestamp};

/// Gives credentials of the gateway. A function `(CredentialRef, Timestamp) -> Future` is one.
#[async_trait]
pub trait GatewayCredentials: Send + Sync {
    /// The credential, asked for without a session. Called for all ids of a request at once; dropped at
    /// `deadline`.
    ///
    /// # Errors
    /// `session_required` for a credential that belongs to a session, and what else there is. Code and
    /// next step are shown to the asker, the detail is not.
    async fn credential(
        &self,
        wanted: CredentialRef,
        deadline: Timestamp,
    ) -> Result<Arc<Credential>, CredentialError>;
}

#[async_trait]
impl<F, A> GatewayCredentials for F
where
    F: Fn(CredentialRef, Timestamp) -> A + Send + Sync,
    A: Future<Output = Result<Arc<Credential>, CredentialError>> + Send,
{
    async fn credential(
        &self,
        wanted: CredentialRef,
        deadline: Timestamp,
    ) -> Result<Arc<Credential>, CredentialError> {
        self(wanted, deadline).await
    }
}
