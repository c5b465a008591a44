//! [`VolcengineConfiguration`]: what stands in a configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    ConfigError, GrantStore, IdPattern, InvalidId, Origin, ProviderId, SecretInput,
};
use credential_store::Grants;
use oauth_provider::OAuthRuntime;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::hosted::HostedSettings;
use crate::people::{IDENTITY, People, USER_POOL, UserPoolSettings};
use crate::platform::{
    Chain, CliProfile, ConfiguredKeys, CredentialFile, InstanceMetadata, KeyPart, MetadataRole,
    OidcToken, RoleSettings, USUAL_ENDPOINT, is_role_trn,
};
use crate::provider::{Identities, PLATFORM, PlatformAudience, VolcengineProvider};
use crate::runtime::VolcengineRuntime;
use crate::sign::{DEFAULT_REGION, Site, is_region};
use crate::wire::{Client, Endpoints, IdentityHost, RetryPolicy, Service, identity_in, usual_sts};
use crate::workload::{WORKLOAD_TOKEN, WorkloadSettings};

/// The settings of one provider of type `volcengine`; the [crate's page](crate#configuration) has a
/// table. The names are those of the plugin's `identity` section where it has them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VolcengineConfiguration {
    display_name: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    region_metadata_url: Option<String>,
    sts_endpoint: Option<String>,
    retries: Option<u32>,
    pub(crate) access_key_id: Option<SecretInput>,
    pub(crate) secret_access_key: Option<SecretInput>,
    pub(crate) session_token: Option<SecretInput>,
    role_trn: Option<String>,
    role_session_name: Option<String>,
    role_duration_seconds: Option<u64>,
    credentials_metadata_url: Option<String>,
    credentials_file: Option<PathBuf>,
    oidc_token: Option<OidcSettings>,
    cli_profile: Option<CliSettings>,
    instance_metadata: Option<InstanceSettings>,
    #[serde(default)]
    platform: PlatformSettings,
    pub(crate) user_pool: Option<UserPoolSettings>,
    workload: Option<WorkloadSettings>,
    #[serde(default)]
    credentials: BTreeMap<IdPattern, HostedSettings>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OidcSettings {
    role_trn: Option<String>,
    token_file: Option<PathBuf>,
    session_name: Option<String>,
    provider_trn: Option<String>,
    policy: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CliSettings {
    file: Option<PathBuf>,
    profile: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstanceSettings {
    endpoint: Option<String>,
    role: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlatformSettings {
    #[serde(default)]
    audience: PlatformAudience,
    #[serde(default)]
    origins: Vec<SiteSettings>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SiteSettings {
    origin: Origin,
    service: Option<String>,
    region: Option<String>,
}

/// The parts of the configured keys, when their secrets are resolved.
#[derive(Default)]
pub(crate) struct ConfiguredParts {
    pub(crate) access_key_id: Option<KeyPart>,
    pub(crate) secret_access_key: Option<KeyPart>,
    pub(crate) session_token: Option<KeyPart>,
    pub(crate) client_secret: Option<KeyPart>,
}

/// The shortest and the longest life STS gives a role's keys, in seconds.
pub(crate) const ROLE_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;

impl VolcengineConfiguration {
    /// The provider these settings describe. Nothing is sent.
    pub(crate) fn into_provider(
        mut self,
        id: ProviderId,
        path: &str,
        mut parts: ConfiguredParts,
        runtime: VolcengineRuntime,
        store: Option<Arc<dyn GrantStore>>,
    ) -> Result<VolcengineProvider, ConfigError> {
        let secret = parts.client_secret.take();
        let identities = self.identities(&id, path, secret, &runtime, store)?;
        let endpoints = Arc::new(self.endpoints(path, &runtime)?);
        let retry = RetryPolicy::default();
        let client = Client {
            http: runtime.http.clone(),
            endpoints,
            clock: runtime.clock.clone(),
            random: runtime.random.clone(),
            retry: self.retries.map_or(retry, |retries| retry.with_retries(retries)),
            // Those that the provider is made with.
            sources: None,
        };
        let sites = self.platform.origins.iter().enumerate().map(|(number, site)| {
            let name = format!("platform.origins.{number}");
            site.site().map_err(|problem| at(path, &name, problem))
        });
        let sites = sites.collect::<Result<Vec<Site>, ConfigError>>()?;
        let audience = self.platform.audience;
        let name = self.display_name.clone().unwrap_or_else(|| id.as_str().to_owned());
        let chain = self.chain(path, parts, client, runtime)?;
        VolcengineProvider::of(id, name, audience, sites, chain, identities)
            .map_err(|problem| ConfigError::new(path, problem.to_string()))
    }

    fn identities(
        &mut self,
        id: &ProviderId,
        path: &str,
        secret: Option<KeyPart>,
        runtime: &VolcengineRuntime,
        store: Option<Arc<dyn GrantStore>>,
    ) -> Result<Option<Identities>, ConfigError> {
        let (workload, hosted) = (self.workload.take(), std::mem::take(&mut self.credentials));
        let Some(settings) = self.user_pool.take() else {
            return match (workload, hosted.keys().next()) {
                (None, None) => Ok(None),
                (Some(_), _) => Err(at(path, "workload", "is there without userPool")),
                (None, Some(_)) => Err(at(path, "credentials", "is there without userPool")),
            };
        };
        let Some(store) = store else {
            return Err(at(path, "userPool", "keeps logins, and this host has no grant store"));
        };
        let oauth = OAuthRuntime {
            http: runtime.http.clone(),
            grants: Grants::builder(store.clone()).clock(runtime.clock.clone()).build(),
            clock: runtime.clock.clone(),
            random: runtime.random.clone(),
        };
        let people = People::new(id, path, settings, secret, (oauth, store))?;
        let workload = workload.unwrap_or_default().checked(path, self.role_trn.is_some())?;
        let fixed = [PLATFORM, IDENTITY, USER_POOL, WORKLOAD_TOKEN];
        let hosted = hosted.into_iter().map(|(pattern, settings)| {
            if fixed.contains(&pattern.as_str()) {
                let name = format!("credentials.{}", pattern.as_str());
                return Err(at(path, &name, "is a name of this provider's own"));
            }
            settings.checked(path, pattern)
        });
        let hosted = hosted.collect::<Result<Vec<_>, ConfigError>>()?;
        Ok(Some(Identities { people, workload, hosted }))
    }

    fn endpoints(&self, path: &str, runtime: &VolcengineRuntime) -> Result<Endpoints, ConfigError> {
        let internal = |problem: InvalidId| ConfigError::new(path, problem.to_string());
        if let Some(region) = &self.region
            && !is_region(region)
        {
            return Err(at(path, "region", "is made of a-z, 0-9 and '-'"));
        }
        let said = self.region.as_deref();
        let identity = match (&self.endpoint, &self.region_metadata_url) {
            (Some(endpoint), _) => {
                let origin = address(endpoint).map_err(|p| at(path, "endpoint", p))?;
                IdentityHost::Given(told(origin, Service::Identity, said))
            }
            (None, Some(url)) if said.is_none() => IdentityHost::RegionAt {
                url: url.clone(),
                fallback: identity_in(DEFAULT_REGION).map_err(internal)?,
            },
            (None, Some(_)) => {
                return Err(at(path, "regionMetadataUrl", "is there and `region` says the region"));
            }
            (None, None) => {
                let region = said.unwrap_or(DEFAULT_REGION);
                IdentityHost::Given(identity_in(region).map_err(internal)?)
            }
        };
        let sts = match &self.sts_endpoint {
            None => usual_sts().map_err(internal)?,
            Some(endpoint) => {
                let origin = address(endpoint).map_err(|p| at(path, "stsEndpoint", p))?;
                told(origin, Service::Sts, said)
            }
        };
        Ok(Endpoints {
            identity,
            sts,
            metadata: runtime.metadata.clone(),
            clock: runtime.clock.clone(),
            learned: Mutex::default(),
        })
    }

    fn chain(
        self,
        path: &str,
        parts: ConfiguredParts,
        client: Client,
        runtime: VolcengineRuntime,
    ) -> Result<Chain, ConfigError> {
        let wrong = |name: &str, problem: &str| at(path, name, problem);
        let configured = match (parts.access_key_id, parts.secret_access_key) {
            (None, None) if parts.session_token.is_some() => {
                return Err(wrong("sessionToken", "is there without accessKeyId"));
            }
            (None, None) => None,
            (Some(_), None) => return Err(wrong("secretAccessKey", "is missing")),
            (None, Some(_)) => return Err(wrong("accessKeyId", "is missing")),
            (Some(access_key_id), Some(secret_access_key)) => {
                let session_token = parts.session_token;
                Some(ConfiguredKeys { access_key_id, secret_access_key, session_token })
            }
        };
        let role_problem = "has the form trn:iam::ACCOUNT:role/NAME";
        let oidc_role = self.oidc_token.as_ref().and_then(|oidc| oidc.role_trn.as_deref());
        for (name, role) in
            [("roleTrn", self.role_trn.as_deref()), ("oidcToken.roleTrn", oidc_role)]
        {
            if role.is_some_and(|role| !is_role_trn(role)) {
                return Err(wrong(name, role_problem));
            }
        }
        if self.credentials_metadata_url.is_some() && self.role_trn.is_none() {
            return Err(wrong("roleTrn", "is missing; credentialsMetadataUrl needs it"));
        }
        let seconds = self.role_duration_seconds.unwrap_or(3600);
        if !ROLE_SECONDS.contains(&seconds) {
            return Err(wrong("roleDurationSeconds", "is between 900 and 43200"));
        }
        let session_name = self.role_session_name.unwrap_or_else(|| "credential-provider".into());
        if session_name.is_empty() || !session_name.chars().all(|c| c.is_ascii_graphic()) {
            return Err(wrong("roleSessionName", "is made of visible ASCII"));
        }
        Ok(Chain {
            runtime,
            client,
            configured,
            metadata: self.credentials_metadata_url.map(|url| MetadataRole { url }),
            file: CredentialFile::new(self.credentials_file),
            oidc: self.oidc_token.map(|oidc| OidcToken {
                role_trn: oidc.role_trn,
                token_file: oidc.token_file,
                session_name: oidc.session_name,
                provider_trn: oidc.provider_trn,
                policy: oidc.policy,
            }),
            profile: self
                .cli_profile
                .map(|cli| CliProfile { file: cli.file, profile: cli.profile }),
            instance: self.instance_metadata.map(|instance| InstanceMetadata {
                endpoint: instance.endpoint.unwrap_or_else(|| USUAL_ENDPOINT.to_owned()),
                role: instance.role,
            }),
            role: self.role_trn,
            roles: RoleSettings { session_name, duration: Duration::from_secs(seconds) },
        })
    }
}

impl SiteSettings {
    pub(crate) fn site(&self) -> Result<Site, &'static str> {
        let known = Site::of(self.origin.clone());
        let service = self.service.as_deref().or_else(|| known.as_ref().map(|s| s.scope().service));
        let region = self.region.as_deref().or_else(|| known.as_ref().map(|s| s.scope().region));
        match (service, region) {
            (Some(service), region) => {
                Ok(Site::new(self.origin.clone(), service, region.unwrap_or(DEFAULT_REGION)))
            }
            (None, _) => Err("has no `service`, and its host does not tell it"),
        }
    }
}

/// A service's site: the region as said, else as the host tells, else the default.
fn told(origin: Origin, service: Service, said: Option<&str>) -> Site {
    let known = Site::of(origin.clone()).filter(|site| site.scope().service == service.code());
    let region = said.or_else(|| known.as_ref().map(|site| site.scope().region));
    let region = region.unwrap_or(DEFAULT_REGION).to_owned();
    Site::new(origin, service.code(), region)
}

/// `https://host[:port]`, or http on loopback; a slash at the end is fine.
fn address(text: &str) -> Result<Origin, &'static str> {
    let origin = Origin::parse(text.trim_end_matches('/'));
    let origin = origin.map_err(|_| "has the form https://host[:port]")?;
    let address = origin.host().trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let loopback =
        address.map_or_else(|_| origin.host() == "localhost", |address| address.is_loopback());
    if origin.scheme() == "https" || loopback {
        Ok(origin)
    } else {
        Err("is neither https nor on loopback")
    }
}

/// The path of a setting.
pub(crate) fn at(path: &str, name: &str, problem: &str) -> ConfigError {
    ConfigError::new(&format!("{path}.{name}"), problem)
}
