//! The login keychain of macOS: generic passwords.

use apple_native_keyring_store::keychain::Store;
use credential_provider_api::CredentialError;

use super::native::{Dialect, Native};
use crate::error::unavailable;

pub(super) fn open() -> Result<Native, CredentialError> {
    let store = Store::new().map_err(|_| unavailable("the login keychain cannot be opened"))?;
    Ok(Native::new(store.clone(), store, Dialect::Apple))
}
