//! [`LoginProviderBuilder`] and the [`Login`]s it is given.

use std::fmt;
use std::sync::{Arc, Mutex};

use credential_provider_api::{
    AccountId, Capability, Clock, CredentialDescriptor, CredentialError, CredentialKind, Detail,
    ErrorCode, IdPattern, Origin, ProviderDescriptor, ProviderId,
};

use super::environment::Environment;
use super::keychain::KeychainReader;
use super::live::Live;
use super::provider::LoginProvider;
use super::source::{LoginSource, Store};

/// Where a login is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// Where the tool looks, in its order.
    #[default]
    Usual,
    /// The file alone.
    File,
    /// The keychain alone.
    Keychain,
}

/// A login that a provider shall read.
#[derive(Clone, Debug)]
pub struct Login {
    source: LoginSource,
    storage: Storage,
    account: Option<AccountId>,
    origins: Option<Vec<Origin>>,
}

impl Login {
    /// The login of `source`.
    #[must_use]
    pub const fn of(source: LoginSource) -> Self {
        Self { source, storage: Storage::Usual, account: None, origins: None }
    }

    /// Reads it from here only.
    #[must_use]
    pub const fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Serves it only while it is of this account: its account id, or its e-mail address without
    /// regard to case. The tool's file says whose it is; nobody else vouches for it.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Where it may be sent, in place of the tool's own service.
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.origins = Some(origins.into_iter().collect());
        self
    }
}

/// Collects what a [`LoginProvider`] consists of.
pub struct LoginProviderBuilder {
    id: ProviderId,
    display_name: String,
    keychain: Option<Arc<dyn KeychainReader>>,
    logins: Vec<Login>,
}

impl LoginProviderBuilder {
    pub(super) fn new(id: ProviderId) -> Self {
        let display_name = "Logins of other tools".to_owned();
        Self { id, display_name, keychain: None, logins: Vec::new() }
    }

    /// Its name for people.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// What reads the platform's keychain. Without it, files alone are read.
    #[must_use]
    pub fn keychain(mut self, keychain: Arc<dyn KeychainReader>) -> Self {
        self.keychain = Some(keychain);
        self
    }

    /// Adds a login.
    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.logins.push(login);
        self
    }

    /// The provider. Nothing is read yet.
    ///
    /// # Errors
    /// `not_configured` if the environment names no home folder, or a login is only in a keychain
    /// that nobody reads; `configuration_invalid` if a folder is not absolute, a login is named twice,
    /// cannot be in a keychain or is of a kind that OpenClaw does not keep.
    pub fn build(
        self,
        environment: Environment,
        clock: Arc<dyn Clock>,
    ) -> Result<LoginProvider, CredentialError> {
        let environment = Arc::new(environment);
        let mut logins = Vec::<Live>::new();
        let mut descriptor = ProviderDescriptor::new(self.id, self.display_name)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Check)
            .with_capability(Capability::List);
        for login in self.logins {
            let live = login.live(&environment, self.keychain.as_ref())?;
            if logins.iter().any(|other| other.id == live.id) {
                return Err(invalid("a login is named twice"));
            }
            let described =
                CredentialDescriptor::gateway(IdPattern::from(&live.id), live.source.kind())
                    .with_description(format!("The login of {}", live.source.tool()));
            descriptor = descriptor.with_credential(described);
            logins.push(live);
        }
        Ok(LoginProvider::new(descriptor, logins.into(), clock))
    }
}

impl Login {
    fn live(
        self,
        environment: &Arc<Environment>,
        keychain: Option<&Arc<dyn KeychainReader>>,
    ) -> Result<Live, CredentialError> {
        let source = self.source;
        let kinds = [CredentialKind::ApiKey, CredentialKind::Token, CredentialKind::OAuth2];
        if !kinds.contains(&source.kind()) {
            return Err(invalid("OpenClaw keeps logins of the kinds api_key, token and oauth2"));
        }
        let usual = source.stores(environment);
        let has_item = usual.contains(&Store::Keychain) || source == LoginSource::Gemini;
        let wanted: &[Store] = match self.storage {
            Storage::Usual => usual,
            Storage::File => &[Store::File],
            Storage::Keychain if has_item => &[Store::Keychain],
            Storage::Keychain => return Err(invalid("this login is never in a keychain")),
        };
        let mut stores = wanted.to_vec();
        stores.retain(|store| *store == Store::File || keychain.is_some());
        if stores.is_empty() {
            return Err(source.unreachable());
        }
        Ok(Live {
            id: source.id().map_err(|error| invalid(Detail::from(error)))?,
            path: source.file(environment)?,
            origins: match self.origins {
                Some(origins) => origins,
                None => source.origins().map_err(|error| invalid(Detail::from(error)))?,
            },
            source,
            stores,
            environment: Arc::clone(environment),
            keychain: keychain.cloned(),
            expected: self.account,
            known: Mutex::new(None),
        })
    }
}

fn invalid(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
}

impl fmt::Debug for LoginProviderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginProviderBuilder")
            .field("id", &self.id)
            .field("logins", &self.logins)
            .finish_non_exhaustive()
    }
}
