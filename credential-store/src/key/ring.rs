//! [`KeyRing`]: the key that encrypts, and the older ones that still decrypt.

use credential_provider_api::{CredentialError, Detail, ErrorCode};
use secrecy::SecretString;

use super::data_key::{DataKey, KeyId};
use super::text;

/// The active key, and others that records may still be encrypted with.
#[derive(Clone, Debug)]
pub struct KeyRing {
    active: DataKey,
    old: Vec<DataKey>,
}

impl KeyRing {
    /// One key.
    #[must_use]
    pub const fn new(active: DataKey) -> Self {
        Self { active, old: Vec::new() }
    }

    /// With a key that decrypts but encrypts nothing new.
    #[must_use]
    pub fn with_old(mut self, key: DataKey) -> Self {
        if self.find(key.id()).is_none() {
            self.old.push(key);
        }
        self
    }

    /// The same keys with a new active one.
    #[must_use]
    pub fn rotated(&self, active: DataKey) -> Self {
        self.keys().fold(Self::new(active), |ring, key| ring.with_old(key.clone()))
    }

    /// The key that encrypts.
    #[must_use]
    pub const fn active(&self) -> &DataKey {
        &self.active
    }

    /// The key of this id.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&DataKey> {
        self.keys().find(|key| key.id() == id)
    }

    /// All keys, the active one first.
    pub fn keys(&self) -> impl Iterator<Item = &DataKey> {
        std::iter::once(&self.active).chain(&self.old)
    }

    /// The text of a [key file](crate::KeyFile), for sources that keep it elsewhere.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        SecretString::from(std::mem::take(&mut *text::text(self)))
    }

    /// The keys of a key file's text.
    ///
    /// # Errors
    /// `store_unreadable` says what is wrong with it, and shows nothing of it.
    pub fn from_text(text: &str) -> Result<Self, CredentialError> {
        text::parse(text.as_bytes()).map_err(|why| {
            let detail = Detail::composed(format!("the text of the keys {why}"));
            CredentialError::new(ErrorCode::StoreUnreadable, detail)
        })
    }
}
