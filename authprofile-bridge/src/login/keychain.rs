//! [`KeychainReader`]: items that tools keep in the platform's keychain.

use std::fmt::Write as _;

use credential_provider_api::{CredentialError, SecretString, async_trait};
use sha2::{Digest as _, Sha256};

/// Reads items of other programs in the platform's keychain. The host implements it.
///
/// A credential of `keychain-provider` that names the item by service and account (on the Secret
/// Service: by the attributes `service` and `username`) can do it.
#[async_trait]
pub trait KeychainReader: Send + Sync {
    /// The secret of the item of this service and account, `None` if there is none. Where the account
    /// is `None`, the service alone names the item.
    ///
    /// It must not raise a prompt and not block the thread; it is asked at a resolve, and once a minute
    /// for what has been resolved. Its future is dropped after 10 s, which is `timeout`.
    ///
    /// # Errors
    /// `interaction_required` if it is locked; `not_configured` or `unsupported` if there is no
    /// keychain here, and a login that may be in a file is then looked for there. Any other error is
    /// handed on: a login in a file may be another one.
    async fn read(
        &self,
        service: &str,
        account: Option<&str>,
    ) -> Result<Option<SecretString>, CredentialError>;
}

/// An item's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ItemName {
    pub(super) service: String,
    pub(super) account: Option<String>,
}

/// The first digits of the SHA-256 of `bytes`, in lower-case hex.
pub(super) fn hex_start(bytes: &[u8], digits: usize) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(digits);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_the_start_of_a_digest() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(hex_start(b"abc", 16), "ba7816bf8f01cfea");
        assert_eq!(hex_start(b"abc", 8), "ba7816bf");
    }
}
