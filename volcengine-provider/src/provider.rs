//! [`VolcengineProvider`]: the platform keys as a credential.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use credential_provider_api::{
    Capability, Change, Changes, Credential, CredentialDescriptor, CredentialError, CredentialId,
    CredentialKind, CredentialProvider, CredentialRef, Detail, ErrorCode, Health, HealthStatus,
    InvalidId, ProviderDescriptor, ProviderId, Reason, Request, Resolution, Revocation, SignIn,
    SignInMethod, async_trait,
};
use futures::stream::{select, unfold};
use serde::Deserialize;

use crate::action::providers::{CredentialProvider as HostedProvider, RoleCredentialProvider};
use crate::action::sts::GetCallerIdentity;
use crate::hosted::{
    CredentialProviderQuery, Flows, Hosted, Listed, RoleQuery, Vault, credential_provider_page,
    credential_providers, role_providers,
};
use crate::people::{IDENTITY, People, USER_POOL};
use crate::platform::{Assumption, Chain, ChainReport, PlatformKeys};
use crate::sign::{Site, SiteSigner};
use crate::wire::{CallError, Client, Fault, HeldKeys, Keys, RequestKeys, SOURCE, Service};
use crate::workload::{WORKLOAD_TOKEN, Workload, WorkloadTokens};

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
    pub(crate) people: Option<People>,
    pub(crate) workload_tokens: Option<WorkloadTokens>,
    pub(crate) vault: Option<Vault>,
}

/// What is had for people: all of it or nothing.
pub(crate) struct Identities {
    pub(crate) people: People,
    pub(crate) workload: Workload,
    pub(crate) hosted: Vec<Hosted>,
}

impl VolcengineProvider {
    pub(crate) fn of(
        id: ProviderId,
        display_name: String,
        audience: PlatformAudience,
        sites: Vec<Site>,
        chain: Chain,
        identities: Option<Identities>,
    ) -> Result<Self, InvalidId> {
        let platform = CredentialRef::new(id.clone(), CredentialId::new(PLATFORM)?);
        let described =
            CredentialDescriptor::gateway((&platform.id).into(), CredentialKind::AccessKey)
                .with_description("platform keys; variant `role` for a role's");
        let described = match audience {
            PlatformAudience::Providers => described.for_providers(),
            PlatformAudience::Consumers => described,
        };
        let descriptor = ProviderDescriptor::new(id.clone(), display_name)
            .with_capability(Capability::Changes)
            .with_capability(Capability::Check)
            .with_credential(described);
        let chain = Arc::new_cyclic(|this: &Weak<Chain>| {
            let mut chain = chain;
            chain.client.sources = Some(this.clone());
            chain
        });
        let mut provider = Self {
            descriptor,
            platform,
            sites,
            chain,
            people: None,
            workload_tokens: None,
            vault: None,
        };
        if let Some(identities) = identities {
            provider.add(id, identities)?;
        }
        Ok(provider)
    }

    fn add(&mut self, id: ProviderId, identities: Identities) -> Result<(), InvalidId> {
        let Identities { people, workload, hosted } = identities;
        let owner = people.owner();
        let name = CredentialRef::new(id, CredentialId::new(WORKLOAD_TOKEN)?);
        let session = |reference: &CredentialRef, kind, description| {
            let pattern = (&reference.id).into();
            let mut described = CredentialDescriptor::session(pattern, kind);
            described.scope = owner;
            described.with_description(description)
        };
        let identity = session(&people.identity, CredentialKind::Token, "who signed in");
        let token = session(&name, CredentialKind::Token, "a workload that acts for them");
        let token = match workload.granted_to {
            PlatformAudience::Providers => token.for_providers(),
            PlatformAudience::Consumers => token,
        };
        let mut descriptor = self
            .descriptor
            .clone()
            .with_capability(Capability::Revoke)
            .with_sign_in(SignInMethod::AuthorizationCode)
            .with_sign_in(SignInMethod::Fields)
            .with_credential(identity.for_providers())
            .with_credential(token);
        if people.is_named() {
            let pool = (&people.user_pool.id).into();
            let pool = CredentialDescriptor::gateway(pool, CredentialKind::UserValue);
            let pool = pool.with_description("the user pool and client found by their names");
            descriptor = descriptor.with_credential(pool.for_providers());
        }
        let identity = people.identity.clone();
        let vault = Vault {
            hosted,
            identity: identity.clone(),
            workload_token: name,
            pool: workload.said_pool(),
            user_pool: people.pool_name().map(str::to_owned),
            flows: Flows::default(),
        };
        self.descriptor = vault.describe(descriptor, owner);
        self.vault = Some(vault);
        self.workload_tokens = Some(WorkloadTokens::new(workload, identity));
        self.people = Some(people);
        Ok(())
    }

    /// Whether `id` is one of this provider's fixed names.
    pub(crate) fn is_own(&self, id: &CredentialId) -> bool {
        let fixed = [PLATFORM, IDENTITY, USER_POOL, WORKLOAD_TOKEN];
        fixed.contains(&id.as_str())
    }

    /// All credential providers for API keys and OAuth that match. Cancel-safe.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn credential_providers(
        &self,
        query: &CredentialProviderQuery,
        keys: &dyn Keys,
    ) -> Result<Vec<HostedProvider>, CallError> {
        credential_providers(self.client(), keys, query).await
    }

    /// One page of them, counted from 1, as the service cuts and filters it: unlike
    /// [`credential_providers`](Self::credential_providers), nothing is compared here. Cancel-safe.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn credential_provider_page(
        &self,
        query: &CredentialProviderQuery,
        number: u64,
        size: u64,
        keys: &dyn Keys,
    ) -> Result<Listed<HostedProvider>, CallError> {
        credential_provider_page(self.client(), keys, query, (number, size)).await
    }

    /// All credential providers for roles that match. Cancel-safe.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn role_providers(
        &self,
        query: &RoleQuery,
        keys: &dyn Keys,
    ) -> Result<Vec<RoleCredentialProvider>, CallError> {
        role_providers(self.client(), keys, query).await
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
        let (client, platform) = (self.client(), &self.platform);
        match key.credential.as_str() {
            PLATFORM => {}
            USER_POOL => {
                if let Some(people) = &self.people {
                    return people.look_up(request, client, platform).await;
                }
            }
            WORKLOAD_TOKEN => {
                if let Some(tokens) = &self.workload_tokens {
                    return tokens.obtain(request, client, platform).await;
                }
            }
            _ => {
                if let Some(vault) = &self.vault {
                    return vault.obtain(request, client, platform).await;
                }
            }
        }
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
            credential = credential.with_property(SOURCE, source.as_str());
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
        if let Some(people) = self.identity_of(request) {
            return people.provider(request).await?.resolve(request).await;
        }
        self.obtain(request).await.map(Resolution::from)
    }

    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        why: Reason,
    ) -> Result<Resolution, CredentialError> {
        if let Some(people) = self.identity_of(request) {
            return people.provider(request).await?.refresh(request, current, why).await;
        }
        let credential = self.obtain(request).await?;
        let same = credential.same_secrets(current)
            && (why == Reason::Rejected || credential.expires_at() == current.expires_at());
        Ok(if same { Resolution::Unchanged } else { credential.into() })
    }

    /// An identity is revoked at its issuer, and a user's value is deleted where it is kept. Of all
    /// else the service has no action that ends it.
    async fn revoke(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        match self.identity_of(request) {
            Some(people) => people.revoke(request, current).await,
            None => self.revoke_hosted(request).await,
        }
    }

    async fn list(&self, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let Some((vault, people)) = self.vault.as_ref().zip(self.people.as_ref()) else {
            let detail = "this provider does not list credentials";
            return Err(CredentialError::new(ErrorCode::Unsupported, detail));
        };
        let own = |one: &&CredentialDescriptor| {
            let own = CredentialId::new(one.id.as_str());
            own.is_ok_and(|id| self.is_own(&id))
        };
        let mut listed: Vec<_> = self.descriptor.credentials.iter().filter(own).cloned().collect();
        let keys = RequestKeys::new(request, self.platform.clone());
        listed.extend(vault.list(self.client(), &keys, people.owner()).await?);
        Ok(listed)
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        self.people.is_some().then_some(self)
    }

    /// Of platform keys: asks STS whose they are. Of an identity: asks its issuer. Of a workload
    /// token: says who acts for whom. Of all else: asks for the platform keys' owner.
    async fn check(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        if let Some(people) = self.identity_of(request) {
            return people.provider(request).await?.check(request, current).await;
        }
        if request.key().credential != self.platform.id {
            return self.check_derived(request, current).await;
        }
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

    /// The credential file, looked at every 5 s: it tells when it is another than was read. And what
    /// other processes do to the same logins.
    fn changes(&self) -> Changes {
        let file = self.file_changes();
        match &self.people {
            Some(people) => Box::pin(select(file, people.grants().changes())),
            None => file,
        }
    }
}

impl VolcengineProvider {
    /// Those who sign in, if the request is for one of them.
    fn identity_of(&self, request: &Request) -> Option<&People> {
        self.people.as_ref().filter(|people| request.key().credential == people.identity.id)
    }

    async fn revoke_hosted(&self, request: &Request) -> Result<Revocation, CredentialError> {
        let id = &request.key().credential;
        let hosted = self.vault.as_ref().filter(|_| !self.is_own(id));
        match hosted.and_then(|vault| vault.find(id)) {
            Some(hosted) if hosted.is_value() => self.asking(request)?.forget_value().await,
            _ => Ok(Revocation::LocalOnly),
        }
    }

    async fn check_derived(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        let id = &request.key().credential;
        let known = self.descriptor.credential(id).is_some();
        if !known {
            let error = CredentialError::new(ErrorCode::CredentialNotFound, "");
            return Err(error.about(&request.key().reference()));
        }
        let keys = RequestKeys::new(request, self.platform.clone());
        self.client().call(&GetCallerIdentity::new(), &keys).await?;
        let said = match (current, id.as_str()) {
            (Some(token), WORKLOAD_TOKEN) => {
                let text = |name| token.property(name).unwrap_or_default();
                let user = token.account().map_or("", |account| account.as_str());
                format!("{} of pool {} for {user}", text("actors"), text("pool"))
            }
            _ => String::new(),
        };
        Ok(Health::new(HealthStatus::Healthy, Detail::composed(said)))
    }

    fn file_changes(&self) -> Changes {
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
