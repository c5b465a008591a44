//! [`VolcengineProvider`]: the platform keys as a credential.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Capability, Change, Changes, Credential, CredentialDescriptor, CredentialError, CredentialId,
    CredentialKind, CredentialProvider, CredentialRef, Detail, ErrorCode, Health, HealthStatus,
    InvalidId, ProviderDescriptor, ProviderId, Request, Resolution, async_trait,
};
use futures::stream::unfold;
use serde::Deserialize;

use crate::action::sts::GetCallerIdentity;
use crate::platform::{Assumption, Chain, ChainReport, PlatformKeys};
use crate::sign::{Site, SiteSigner};
use crate::wire::{CallError, Client, Fault, HeldKeys, RequestKeys, Service};

/// The name of the platform keys.
pub(crate) const PLATFORM: &str = "platform";
/// How often the credential file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Who may be granted the platform keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlatformAudience {
    /// Only providers: these keys act for the whole account.
    #[default]
    Providers,
    Consumers,
}

/// Platform keys, by the chain. See the [crate's page](crate).
pub struct VolcengineProvider {
    descriptor: ProviderDescriptor,
    platform: CredentialRef,
    sites: Vec<Site>,
    chain: Arc<Chain>,
}

impl VolcengineProvider {
    pub(crate) fn of(
        id: ProviderId,
        display_name: String,
        audience: PlatformAudience,
        sites: Vec<Site>,
        chain: Chain,
    ) -> Result<Self, InvalidId> {
        let platform = CredentialRef::new(id.clone(), CredentialId::new(PLATFORM)?);
        let described =
            CredentialDescriptor::gateway((&platform.id).into(), CredentialKind::AccessKey)
                .with_description("platform keys; variant `role` for a role's");
        let described = match audience {
            PlatformAudience::Providers => described.for_providers(),
            PlatformAudience::Consumers => described,
        };
        let descriptor = ProviderDescriptor::new(id, display_name)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Check)
            .with_credential(described);
        Ok(Self { descriptor, platform, sites, chain: Arc::new(chain) })
    }

    /// The client that this provider calls with, for calls of the host's own.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.chain.client
    }

    /// The platform keys' name, to ask an engine for them.
    #[must_use]
    pub const fn platform(&self) -> &CredentialRef {
        &self.platform
    }

    async fn obtain(&self, request: &Request) -> Result<Credential, CredentialError> {
        let key = request.key();
        if key.credential != self.platform.id {
            let error = CredentialError::new(ErrorCode::CredentialNotFound, "");
            return Err(error.about(&key.reference()));
        }
        request.require_variant(&["role"])?;
        let Some(role) = key.variant.get("role") else {
            let found = self.chain.keys(request).await?;
            return Ok(self.issue(found).await);
        };
        if !crate::platform::is_role_trn(&role) {
            let detail = "the role has the form trn:iam::ACCOUNT:role/NAME";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        let settings = &self.chain.roles;
        let assumption = Assumption { client: &self.chain.client, settings, role: &role };
        let keys = RequestKeys::new(request, self.platform.clone());
        let keys = assumption.take(&keys).await?;
        let (report, role) = (ChainReport::default(), Some(role.into_owned()));
        Ok(self.issue(PlatformKeys { keys, report, role }).await)
    }

    async fn issue(&self, found: PlatformKeys) -> Credential {
        let PlatformKeys { keys, report, role } = found;
        let endpoints = &self.chain.client.endpoints;
        let mut sites =
            vec![endpoints.site(Service::Identity).await, endpoints.site(Service::Sts).await];
        sites.extend(self.sites.iter().cloned());
        let mut credential = Credential::access_key(keys.key);
        if let Some(end) = keys.expires_at {
            credential = credential.with_expiry(end);
        }
        if let Some(source) = report.won {
            credential = credential.with_property("source", source.as_str());
        }
        if !report.passed_over.is_empty() {
            credential = credential.with_property("passed_over", report.reasons());
        }
        if let Some(role) = role {
            credential = credential.with_property("role", role);
        }
        for site in &sites {
            if !credential.origins().contains(site.origin()) {
                credential = credential.with_origin(site.origin().clone());
            }
        }
        credential.with_signer(Arc::new(SiteSigner(sites)))
    }
}

#[async_trait]
impl CredentialProvider for VolcengineProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        self.obtain(request).await.map(Resolution::from)
    }

    /// Asks STS whose keys they are.
    async fn check(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        let credential = match current {
            Some(current) => current.clone(),
            None => self.obtain(request).await?,
        };
        let source = match (credential.property("source"), credential.property("passed_over")) {
            (Some(source), None) => format!("keys from the {source}"),
            (Some(source), Some(others)) => format!("keys from the {source}; {others}"),
            (None, _) => String::new(),
        };
        let keys = HeldKeys::new(Arc::new(credential)).until(request.deadline());
        match self.client().call(&GetCallerIdentity::new(), &keys).await {
            Ok(_) => Ok(Health::new(HealthStatus::Healthy, Detail::composed(source))),
            Err(CallError::Service(error)) if error.fault == Fault::KeysRejected => {
                Ok(Health::new(HealthStatus::Failing, Detail::composed(error.to_string())))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The credential file, looked at every 5 s: it tells when it is another than was read.
    fn changes(&self) -> Changes {
        let (chain, platform) = (self.chain.clone(), self.platform.id.clone());
        Box::pin(unfold((chain, platform, None), |(chain, platform, mut told)| async move {
            let (files, environment) = (&*chain.runtime.files, &*chain.runtime.environment);
            loop {
                let clock = &chain.runtime.clock;
                clock.sleep_until(clock.now().plus(LOOK_EVERY)).await;
                let changed = chain.file.changed(files, environment).await;
                // Nobody may have asked since it was told: once is enough.
                if changed.is_some() && changed != told {
                    told = changed;
                    break;
                }
            }
            Some((Change::Credential(platform.clone()), (chain, platform, told)))
        }))
    }
}

impl fmt::Debug for VolcengineProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolcengineProvider")
            .field("id", &self.descriptor.id)
            .field("sites", &self.sites)
            .finish_non_exhaustive()
    }
}
