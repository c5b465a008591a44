//! The Credential Manager of Windows: generic credentials.

use std::collections::HashMap;

use credential_provider_api::CredentialError;
use windows_native_keyring_store::Store;

use super::native::{Dialect, Native};
use crate::error::unavailable;

pub(super) fn open() -> Result<Native, CredentialError> {
    let cannot = |_| unavailable("the Credential Manager cannot be opened");
    // An item has one name here, of account and service. Our services have no colon, so it can be
    // taken apart again; with a dot, the usual divider, it could not.
    let divided = HashMap::from([("divider", ":"), ("service_no_divider", "true")]);
    let own = Store::new_with_configuration(&divided).map_err(cannot)?;
    Ok(Native::new(own, Store::new().map_err(cannot)?, Dialect::Windows))
}
