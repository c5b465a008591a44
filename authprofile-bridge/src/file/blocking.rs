//! Work that blocks, on a thread that may.

use credential_provider_api::{CredentialError, ErrorCode};

/// Runs `work` on a thread for such work.
///
/// Dropping the future leaves the work running to its end: a file is not left half edited.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CredentialError> + Send + 'static,
) -> Result<T, CredentialError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_cancelled() => {
            Err(CredentialError::new(ErrorCode::ShutDown, "the runtime has ended"))
        }
        Err(_) => Err(CredentialError::new(ErrorCode::Internal, "work on a file panicked")),
    }
}
