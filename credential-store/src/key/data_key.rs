//! [`DataKey`]: what encrypts a record.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{CredentialError, ErrorCode};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::{Digest as _, Sha256};

/// A key for AES-256-GCM. `Debug` shows its id only; it is zeroised on drop.
#[derive(Clone)]
pub struct DataKey {
    id: KeyId,
    bytes: Arc<SecretBox<[u8; 32]>>,
}

impl DataKey {
    /// A key of these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: SecretBox<[u8; 32]>) -> Self {
        let digest = Sha256::new()
            .chain_update(b"credential-store key id\0")
            .chain_update(bytes.expose_secret())
            .finalize();
        let mut id = [0; 8];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self { id: KeyId(id), bytes: Arc::new(bytes) }
    }

    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// `unavailable` if the system has none to give.
    pub fn generate() -> Result<Self, CredentialError> {
        let mut filled = Ok(());
        let bytes = SecretBox::init_with_mut(|bytes: &mut [u8; 32]| filled = random(bytes));
        filled.map(|()| Self::new(bytes))
    }

    /// Its name, derived from its bytes and not secret.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The bytes: for a key source that keeps them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.bytes.expose_secret()
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

/// Names a [`DataKey`]. Each record says which key encrypted it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Fills `buffer` from the system. Asked anew each time: a generator of our own would repeat itself
/// in a forked child, and a nonce must never come twice.
pub(crate) fn random(buffer: &mut [u8]) -> Result<(), CredentialError> {
    getrandom::fill(buffer).map_err(|_| {
        CredentialError::new(ErrorCode::Unavailable, "the system gives no random bytes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_a_key_shows_its_id_only() {
        let key = DataKey::new(SecretBox::new(Box::new([0x41; 32])));
        let shown = format!("{key:?}");
        assert!(!shown.contains("4141") && !shown.contains("AAAA"), "{shown}");
        assert!(shown.contains(&key.id().to_string()));
    }

    #[test]
    fn keys_differ_and_so_do_their_ids() {
        let (a, b) = (DataKey::generate().unwrap(), DataKey::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_ne!(a.id(), b.id());
    }
}
