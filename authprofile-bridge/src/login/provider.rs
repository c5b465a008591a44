//! [`LoginProvider`]: the logins of other tools as credentials.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    Changes, Clock, Credential, CredentialDescriptor, CredentialError, CredentialProvider, Detail,
    ErrorCode, Health, HealthStatus, ProviderDescriptor, ProviderId, Request, Resolution,
    async_trait,
};

use super::builder::LoginProviderBuilder;
use super::file::Access;
use super::live::Live;
use super::watch::watch;

/// The logins of other tools on the same machine. See the [module's page](super).
pub struct LoginProvider {
    descriptor: ProviderDescriptor,
    logins: Arc<[Live]>,
    clock: Arc<dyn Clock>,
}

impl LoginProvider {
    /// A provider called `id`, without logins yet.
    #[must_use]
    pub fn builder(id: ProviderId) -> LoginProviderBuilder {
        LoginProviderBuilder::new(id)
    }

    pub(super) const fn new(
        descriptor: ProviderDescriptor,
        logins: Arc<[Live]>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { descriptor, logins, clock }
    }

    fn login(&self, request: &Request) -> Result<&Live, CredentialError> {
        request.require_no_variant()?;
        let named = self.logins.iter().find(|login| login.id == request.key().credential);
        named.ok_or_else(|| {
            let detail = "the configuration names no such login";
            CredentialError::new(ErrorCode::CredentialNotFound, detail)
                .about(&request.key().reference())
        })
    }
}

#[async_trait]
impl CredentialProvider for LoginProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let login = self.login(request)?;
        let (seen, obtained) = login.obtain(request.clock()).await;
        // Before it is answered: a change from here on is told.
        *login.known() = Some(seen);
        match obtained {
            Ok(obtained) => Ok(obtained.credential.into()),
            Err(error) => Err(error.about(&request.key().reference())),
        }
    }

    /// Whether the login is there, can be read, has not ended, and is its owner's alone.
    async fn check(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        let login = self.login(request)?;
        Ok(match login.obtain(request.clock()).await.1 {
            Err(error) => {
                let words = format!("{}: {}", error.code(), error.detail());
                Health::new(HealthStatus::Failing, Detail::composed(words))
            }
            Ok(obtained) if obtained.access == Access::Others => {
                let words = format!(
                    "{} can be read by other users: chmod it to 0600",
                    login.path.display()
                );
                Health::new(HealthStatus::Degraded, Detail::composed(words))
            }
            Ok(_) => Health::healthy(),
        })
    }

    /// The logins of the configuration that are there, usable or not.
    async fn list(&self, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let mut found = Vec::new();
        for login in self.logins.iter() {
            if let (_, Ok(None)) = login.look(request.clock()).await {
                continue;
            }
            found.extend(self.descriptor.credential(&login.id).cloned());
        }
        Ok(found)
    }

    fn changes(&self) -> Changes {
        watch(Arc::clone(&self.logins), Arc::clone(&self.clock))
    }
}

impl fmt::Debug for LoginProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logins: Vec<_> = self.logins.iter().map(|login| &login.source).collect();
        f.debug_struct("LoginProvider")
            .field("id", &self.descriptor.id)
            .field("logins", &logins)
            .finish_non_exhaustive()
    }
}
