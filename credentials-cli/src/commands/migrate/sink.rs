//! [`ProviderSink`]: a provider whose credentials are set by a sign-in with fields, as a place for keys.

use async_trait::async_trait;
use authprofile_bridge::migration::SecretSink;
use credential_host::control::{Answer, Named, Operation, Reveal, Served};
use credential_provider_api::{CredentialError, CredentialRef, Detail, ErrorCode, SecretString};
use tokio::sync::Mutex;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::sign_in::keep;

/// Reads as `cli:credentials`, so the access rules decide.
pub(super) struct ProviderSink {
    /// One connection, one operation at a time.
    backend: Mutex<Backend>,
}

impl ProviderSink {
    pub(super) fn new(backend: Backend) -> Self {
        Self { backend: Mutex::new(backend) }
    }
}

#[async_trait]
impl SecretSink for ProviderSink {
    async fn read(&self, name: &CredentialRef) -> Result<Option<SecretString>, CredentialError> {
        let get = Operation::Get { of: Named::new(name.clone()), reveal: Reveal::Secret };
        match self.backend.lock().await.perform(get).await {
            Ok(Answer::Credential(mut shown)) => {
                match (shown.fields.pop_first(), shown.fields.is_empty()) {
                    (Some((_, Served::Secret(secret))), true) => Ok(Some(secret.into_inner())),
                    _ => Err(of(name, ErrorCode::InvalidResponse, "is no single secret")),
                }
            }
            Ok(_) => Err(of(name, ErrorCode::InvalidResponse, "another answer than was asked for")),
            // Nobody set it yet, or it was taken away.
            Err(failure) if failure.is("needs_reauth") || failure.is("credential_not_found") => {
                Ok(None)
            }
            Err(failure) => Err(error(name, &failure)),
        }
    }

    async fn write(
        &self,
        name: &CredentialRef,
        secret: &SecretString,
    ) -> Result<(), CredentialError> {
        let mut backend = self.backend.lock().await;
        let kept = keep(&mut backend, Named::new(name.clone()), secret.clone()).await;
        kept.map_err(|failure| error(name, &failure))
    }

    async fn remove(&self, name: &CredentialRef) -> Result<(), CredentialError> {
        let logout = Operation::Logout { of: Named::new(name.clone()) };
        let done = self.backend.lock().await.perform(logout).await;
        done.map(drop).map_err(|failure| error(name, &failure))
    }
}

fn of(name: &CredentialRef, code: ErrorCode, detail: &'static str) -> CredentialError {
    CredentialError::new(code, detail).about(name)
}

/// The engine's own code again. Its words are in the message, which was cleaned when it was made.
fn error(name: &CredentialRef, failure: &Failure) -> CredentialError {
    let known = |code: &&ErrorCode| failure.is(code.as_str());
    match ErrorCode::ALL.iter().find(known) {
        Some(code) => CredentialError::new(*code, "").about(name),
        None => CredentialError::new(ErrorCode::Unavailable, Detail::cleaned(&failure.message)),
    }
}
