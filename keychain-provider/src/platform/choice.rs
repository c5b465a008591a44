//! [`Choice`]: the store that is used, and why.

use std::fmt;

use credential_provider_api::{CredentialError, Detail};
use serde::Deserialize;

use crate::error::absent;

/// A store that this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreKind {
    /// GNOME Keyring, KWallet: the Secret Service API over D-Bus. Linux.
    SecretService,
    /// The kernel's key retention service. Linux. It forgets at a restart.
    Keyutils,
    /// The login keychain. macOS.
    MacosKeychain,
    /// Generic credentials of the Credential Manager. Windows.
    WindowsCredentialManager,
    /// A folder encrypted by `credential-store`, with its key in a file. Unix.
    EncryptedFile,
}

/// How long a store keeps what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lasting {
    /// Until it is deleted.
    OnDisk,
    /// Until the machine restarts or the login session ends.
    UntilRestart,
}

impl StoreKind {
    /// What is tried on this platform unless a configuration says otherwise: its own store that
    /// outlives a restart. A store that forgets, or one whose key lies beside it, is used only where
    /// it is named.
    #[must_use]
    pub const fn usual() -> &'static [Self] {
        if cfg!(target_os = "macos") {
            &[Self::MacosKeychain]
        } else if cfg!(windows) {
            &[Self::WindowsCredentialManager]
        } else {
            &[Self::SecretService]
        }
    }

    /// Its name in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SecretService => "secret_service",
            Self::Keyutils => "keyutils",
            Self::MacosKeychain => "macos_keychain",
            Self::WindowsCredentialManager => "windows_credential_manager",
            Self::EncryptedFile => "encrypted_file",
        }
    }

    /// How long it keeps what it was given.
    #[must_use]
    pub const fn lasting(self) -> Lasting {
        match self {
            Self::Keyutils => Lasting::UntilRestart,
            _ => Lasting::OnDisk,
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The store that is used, and why. `Display` says both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    store: StoreKind,
    reason: String,
}

impl Choice {
    /// `store`, because of `why`, and after what was passed over.
    #[must_use]
    pub fn new(store: StoreKind, why: &str, passed: &[(StoreKind, CredentialError)]) -> Self {
        let mut reason = why.to_owned();
        for (kind, error) in passed {
            reason.push_str(&format!("; not {kind}: {}", error.detail()));
        }
        Self { store, reason }
    }

    /// Which.
    #[must_use]
    pub const fn store(&self) -> StoreKind {
        self.store
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.store, self.reason)
    }
}

/// The error when no store is there: the only one's own, or all reasons in one. It is transient if
/// one of them is.
pub(super) fn none(mut passed: Vec<(StoreKind, CredentialError)>) -> CredentialError {
    if passed.len() == 1
        && let Some((_, error)) = passed.pop()
    {
        return error;
    }
    let reasons: Vec<String> =
        passed.iter().map(|(kind, error)| format!("{kind}: {}", error.detail())).collect();
    let detail = Detail::composed(format!("no keychain is there; {}", reasons.join("; ")));
    let transient = passed.iter().find(|(_, error)| error.is_transient());
    match transient {
        Some((_, error)) => CredentialError::new(error.code(), detail),
        None => absent(detail),
    }
}
