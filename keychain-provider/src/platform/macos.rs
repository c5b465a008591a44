//! The login keychain of macOS: generic passwords.

use credential_provider_api::CredentialError;

use super::native::{Dialect, Native};
use crate::error::unavailable;

pub(super) fn open() -> Result<Native, CredentialError> {
    let store = apple_native_keyring_store::keychain::Store::new()
        .map_err(|_| unavailable("the login keychain cannot be opened"))?;
    Ok(Native::new(store, Dialect { target: None, searches_by_service: true }))
}
