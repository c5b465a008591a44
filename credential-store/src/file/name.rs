//! [`Name`]: what a key's files are called.

use std::fmt;

use credential_provider_api::Key;
use sha2::{Digest as _, Sha256};

/// Half a SHA-256 of a key and the store's own salt: file names say nothing about accounts and
/// sessions, and two stores name one key differently.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(pub(crate) [u8; 16]);

impl Name {
    pub(crate) fn of(key: &Key, salt: &[u8]) -> Self {
        let digest =
            Sha256::new().chain_update(salt).chain_update(key.encoded().as_bytes()).finalize();
        let mut name = [0; 16];
        name.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(name)
    }

    /// The name in `text`, if it is one as we write it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut name = [0; 16];
        if text.len() != 32 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        for (index, byte) in name.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        (Self(name).to_string() == text).then_some(Self(name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
