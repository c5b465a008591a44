//! [`KeychainProviderBuilder`]: a provider built in code.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Capability, Clock, CredentialError, ErrorCode, ProviderDescriptor, ProviderId, SignInMethod,
};

use crate::access::Access;
use crate::core::{Core, session_service};
use crate::credential::KeychainCredential;
use crate::item::{Item, OwnItem};
use crate::keychain::OpenKeychain;
use crate::provider::KeychainProvider;

/// Longest a call to the keychain may take, unless configured.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// Longest a prompt waits for a person, unless configured.
pub(crate) const PROMPT: Duration = Duration::from_secs(120);
/// How long what was read may be served, unless configured.
pub(crate) const REREAD: Duration = Duration::from_secs(60);

/// Builds a [`KeychainProvider`]. Start with [`KeychainProvider::builder`].
#[derive(Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct KeychainProviderBuilder {
    id: ProviderId,
    display_name: Option<String>,
    service: Option<String>,
    credentials: Vec<KeychainCredential>,
    limit: Duration,
    prompt: Duration,
    reread: Duration,
}

impl KeychainProviderBuilder {
    pub(crate) const fn new(id: ProviderId) -> Self {
        Self {
            id,
            display_name: None,
            service: None,
            credentials: Vec::new(),
            limit: LIMIT,
            prompt: PROMPT,
            reread: REREAD,
        }
    }

    /// Its name for people.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The service that all items of ours have; `credential-provider.` and the id unless given. What
    /// is under it is taken for ours: a sign-in overwrites it.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Adds a credential.
    pub fn credential(mut self, credential: KeychainCredential) -> Self {
        self.credentials.push(credential);
        self
    }

    /// Longest a call to the keychain may take; 5 s unless given.
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Longest a prompt waits for a person; 120 s unless given.
    pub const fn prompt_limit(mut self, limit: Duration) -> Self {
        self.prompt = limit;
        self
    }

    /// How long what was read may be served before it is read again; 60 s unless given.
    pub const fn reread(mut self, interval: Duration) -> Self {
        self.reread = interval;
        self
    }

    /// The provider. Opens nothing: that is done by the first call.
    ///
    /// # Errors
    /// `configuration_invalid` says what is wrong.
    pub fn build(
        self,
        keychain: Arc<dyn OpenKeychain>,
        clock: Arc<dyn Clock>,
    ) -> Result<KeychainProvider, CredentialError> {
        let wrong =
            |detail: &'static str| CredentialError::new(ErrorCode::ConfigurationInvalid, detail);
        let service = self.service.unwrap_or_else(|| format!("credential-provider.{}", self.id));
        if service.contains('#') {
            return Err(wrong("the service of items of ours has no '#'"));
        }
        OwnItem::new(service.as_str(), "x")?;
        if self.limit.is_zero() || self.prompt.is_zero() || self.reread.is_zero() {
            return Err(wrong("a limit of zero lets nothing through"));
        }
        let name = self.display_name.unwrap_or_else(|| "Keychain".to_owned());
        let mut descriptor = ProviderDescriptor::new(self.id, name)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Check)
            .with_capability(Capability::List);
        let mut own = false;
        for credential in &self.credentials {
            credential.check()?;
            if descriptor.credentials.iter().any(|d| d.id == credential.id) {
                return Err(wrong("a credential is configured twice"));
            }
            match &credential.foreign {
                None => own = true,
                Some(foreign) => {
                    let of = Item::Foreign(foreign.clone()).attributes().remove("service");
                    let ours = [service.clone(), session_service(&service)];
                    if of.is_some_and(|of| ours.contains(&of)) {
                        return Err(wrong(
                            "an item of another program has another service than ours",
                        ));
                    }
                }
            }
            descriptor = descriptor.with_credential(credential.descriptor());
        }
        if own {
            descriptor = descriptor.with_sign_in(SignInMethod::Fields);
        }
        let core = Core {
            descriptor,
            credentials: self.credentials,
            service,
            access: Access::new(&keychain, &clock, self.limit, self.prompt),
            opener: keychain,
            clock,
            reread: self.reread,
        };
        Ok(KeychainProvider { core: Arc::new(core) })
    }
}
