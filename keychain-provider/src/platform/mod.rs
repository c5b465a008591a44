//! Which store of the platform is used, and why.

mod choice;
#[cfg(unix)]
mod encrypted_file;
mod environment;
#[cfg(all(target_os = "linux", feature = "keyutils"))]
mod keyutils;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(target_os = "macos", windows, test))]
mod native;
#[cfg(all(target_os = "linux", feature = "secret-service"))]
mod secret_service;
#[cfg(windows)]
mod windows;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use credential_provider_api::{CredentialError, ErrorCode};

pub use self::choice::{Choice, Lasting, StoreKind};
pub use self::environment::Environment;
use crate::error::absent;
use crate::keychain::{Call, Keychain, Listener, OpenKeychain};

/// The stores of this platform, in the order in which they are tried.
///
/// The first that is there is used. From then on it is the only one: if it fails, the answer is an
/// error, never another store, where the items would seem to be gone.
pub struct Platform {
    environment: Environment,
    stores: Vec<StoreKind>,
    file: Option<(PathBuf, PathBuf)>,
    chosen: OnceLock<Choice>,
}

impl Platform {
    /// The platform's own persistent store; see [`StoreKind::usual`].
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        let stores = StoreKind::usual().to_vec();
        Self { environment, stores, file: None, chosen: OnceLock::new() }
    }

    /// These stores, the first that is there.
    ///
    /// # Errors
    /// `configuration_invalid` if there is none, or one twice.
    pub fn stores(mut self, stores: Vec<StoreKind>) -> Result<Self, CredentialError> {
        let twice =
            stores.iter().enumerate().any(|(n, kind)| stores.iter().take(n).any(|k| k == kind));
        if stores.is_empty() || twice {
            let detail = "a list of stores names at least one, and none twice";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        self.stores = stores;
        Ok(self)
    }

    /// Where [`StoreKind::EncryptedFile`] keeps its items, and the key to them. It is used only if
    /// the [list of stores](Self::stores) names it.
    #[must_use]
    pub fn encrypted_file(mut self, folder: &Path, key_file: &Path) -> Self {
        self.file = Some((folder.to_owned(), key_file.to_owned()));
        self
    }

    /// Which store is used, and why; `None` until one was found.
    #[must_use]
    pub fn choice(&self) -> Option<&Choice> {
        self.chosen.get()
    }

    fn open_one(
        &self,
        kind: StoreKind,
        call: &Call,
    ) -> Result<(Box<dyn Keychain>, &'static str), CredentialError> {
        let _ = call;
        match kind {
            #[cfg(all(target_os = "linux", feature = "secret-service"))]
            StoreKind::SecretService => {
                let opened = secret_service::SecretService::open(&self.environment, call)?;
                Ok((Box::new(opened), "one is on the session bus"))
            }
            #[cfg(all(target_os = "linux", feature = "keyutils"))]
            StoreKind::Keyutils => {
                Ok((Box::new(keyutils::Keyutils::open()?), "the kernel lets this process use it"))
            }
            #[cfg(target_os = "macos")]
            StoreKind::MacosKeychain => Ok((Box::new(macos::open()?), "this is macOS")),
            #[cfg(windows)]
            StoreKind::WindowsCredentialManager => {
                Ok((Box::new(windows::open()?), "this is Windows"))
            }
            #[cfg(unix)]
            StoreKind::EncryptedFile => {
                let Some((folder, key_file)) = &self.file else {
                    return Err(absent("no folder is configured for the encrypted file"));
                };
                let opened = encrypted_file::EncryptedFile::open(folder, key_file, call)?;
                Ok((Box::new(opened), "the configuration names it"))
            }
            #[allow(unreachable_patterns, reason = "on some platform each kind is missing")]
            _ => Err(absent("not part of this build or platform")),
        }
    }
}

/// A runtime for one thread: a store that speaks over a socket waits on it.
#[cfg(unix)]
fn runtime() -> Result<tokio::runtime::Runtime, CredentialError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built
        .map_err(|_| crate::error::unavailable("the system gives nothing to wait on a socket with"))
}

impl OpenKeychain for Platform {
    fn open(&self, call: &Call) -> Result<(Box<dyn Keychain>, Choice), CredentialError> {
        if let Some(chosen) = self.chosen.get() {
            return self.open_one(chosen.store(), call).map(|(opened, _)| (opened, chosen.clone()));
        }
        let mut passed: Vec<(StoreKind, CredentialError)> = Vec::new();
        for kind in &self.stores {
            match self.open_one(*kind, call) {
                Ok((opened, why)) => {
                    let choice = self.chosen.get_or_init(|| Choice::new(*kind, why, &passed));
                    if choice.store() == *kind {
                        return Ok((opened, choice.clone()));
                    }
                    // Another thread chose meanwhile.
                    return self.open_one(choice.store(), call).map(|(o, _)| (o, choice.clone()));
                }
                // A store that is there and slow is not a store that is missing.
                Err(error) if error.code() == ErrorCode::Timeout => return Err(error),
                Err(error) => passed.push((*kind, error)),
            }
        }
        Err(choice::none(passed))
    }

    fn watch(&self, listener: &Listener) {
        #[cfg(all(target_os = "linux", feature = "secret-service"))]
        if self.stores.contains(&StoreKind::SecretService) {
            secret_service::follow_changes(&self.environment, listener);
        }
        let _ = listener;
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform")
            .field("environment", &self.environment)
            .field("stores", &self.stores)
            .field("choice", &self.choice())
            .finish_non_exhaustive()
    }
}
