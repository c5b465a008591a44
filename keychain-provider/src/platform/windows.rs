//! The Credential Manager of Windows: generic credentials.

use credential_provider_api::CredentialError;

use super::native::{Dialect, Native};
use crate::error::unavailable;

pub(super) fn open() -> Result<Native, CredentialError> {
    let store = windows_native_keyring_store::Store::new()
        .map_err(|_| unavailable("the Credential Manager cannot be opened"))?;
    Ok(Native::new(store, Dialect { target: Some("target"), searches_by_service: false }))
}
