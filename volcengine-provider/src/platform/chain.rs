//! [`Chain`]: the sources in order, and the role assumed with what they find.

use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialError, Detail, ErrorCode, Request, Timestamp, async_trait,
};

use super::assume::{Assumption, RoleSettings};
use super::configured::ConfiguredKeys;
use super::file::CredentialFile;
use super::instance::InstanceMetadata;
use super::metadata::MetadataRole;
use super::oidc::OidcToken;
use super::profile::{CliProfile, Profile};
use super::report::ChainReport;
use super::source::{Found, KeySource, SourceKeys};
use super::variables;
use crate::runtime::VolcengineRuntime;
use crate::wire::{Client, Fault, HeldKeys, KeySources};

pub(crate) struct Chain {
    pub(crate) runtime: VolcengineRuntime,
    pub(crate) client: Client,
    pub(crate) configured: Option<ConfiguredKeys>,
    pub(crate) metadata: Option<MetadataRole>,
    pub(crate) file: CredentialFile,
    pub(crate) oidc: Option<OidcToken>,
    pub(crate) profile: Option<CliProfile>,
    pub(crate) instance: Option<InstanceMetadata>,
    /// The role to assume with the keys of any source.
    pub(crate) role: Option<String>,
    pub(crate) roles: RoleSettings,
}

/// Every source, in the order in which they are asked.
const ORDER: &[KeySource] = &[
    KeySource::Configuration,
    KeySource::Environment,
    KeySource::MetadataUrl,
    KeySource::CredentialFile,
    KeySource::OidcToken,
    KeySource::CliProfile,
    KeySource::InstanceMetadata,
];

/// What the chain ends with.
pub(crate) struct PlatformKeys {
    pub(crate) keys: SourceKeys,
    pub(crate) report: ChainReport,
    /// The role that was assumed.
    pub(crate) role: Option<String>,
}

impl Chain {
    /// The keys of the first source that has some, or of the role assumed with them. A source that
    /// fails ends the chain. Cancel-safe.
    pub(crate) async fn keys(&self, request: &Request) -> Result<PlatformKeys, CredentialError> {
        let (found, report) = self.find(request).await?;
        let Some(role) = self.role.clone().or_else(|| found.role.clone()) else {
            return Ok(PlatformKeys { keys: found, report, role: None });
        };
        let assumption = Assumption { client: &self.client, settings: &self.roles, role: &role };
        let error = match assumption.take(&held(&found, request)).await {
            Ok(keys) => return Ok(PlatformKeys { keys, report, role: Some(role) }),
            Err(error) => error,
        };
        if error.fault() != Some(Fault::KeysRejected) {
            return Err(error.into());
        }
        // The source may have been changed since it was read: it is read once more.
        let (again, report) = self.find(request).await?;
        if credential(&again).same_secrets(&credential(&found)) {
            return Err(error.into());
        }
        let keys = assumption.take(&held(&again, request)).await?;
        Ok(PlatformKeys { keys, report, role: Some(role) })
    }

    async fn find(&self, request: &Request) -> Result<(SourceKeys, ChainReport), CredentialError> {
        let mut report = ChainReport::default();
        for source in ORDER {
            let found = match source {
                KeySource::Configuration => {
                    ConfiguredKeys::find(self.configured.as_ref(), request).await?
                }
                other => self.ask(*other, request.deadline()).await?,
            };
            match found {
                Found::Absent(why) => report.pass(*source, why),
                Found::Keys(keys) => {
                    report.won = Some(*source);
                    tracing::debug!(%report, "platform keys were found");
                    return Ok((keys, report));
                }
            }
        }
        Err(CredentialError::new(ErrorCode::NotConfigured, Detail::composed(report.to_string())))
    }

    /// What a source has, other than the configuration: that is the engine's to read.
    async fn ask(&self, source: KeySource, deadline: Timestamp) -> Result<Found, CredentialError> {
        const NOT_CONFIGURED: Found = Found::Absent("it is not configured");
        let VolcengineRuntime { metadata, files, environment, clock, .. } = &self.runtime;
        let (files, environment) = (&**files, &**environment);
        let roles = &self.roles;
        match source {
            KeySource::Configuration => Ok(NOT_CONFIGURED),
            KeySource::Environment => variables::find(environment),
            KeySource::MetadataUrl => {
                MetadataRole::find(self.metadata.as_ref(), &**metadata, clock).await
            }
            KeySource::CredentialFile => self.file.find(files, environment, clock.now()).await,
            KeySource::OidcToken => match &self.oidc {
                Some(oidc) => oidc.find(&self.client, roles, files, environment, deadline).await,
                None => Ok(NOT_CONFIGURED),
            },
            KeySource::CliProfile => {
                let Some(profile) = &self.profile else { return Ok(NOT_CONFIGURED) };
                match profile.find(files, environment, clock.now()).await? {
                    Profile::Found(found) => Ok(found),
                    Profile::Oidc(oidc) => {
                        oidc.find(&self.client, roles, files, environment, deadline).await
                    }
                    Profile::Instance(instance) => {
                        instance.find(&**metadata, clock, environment).await
                    }
                }
            }
            KeySource::InstanceMetadata => match &self.instance {
                Some(instance) => instance.find(&**metadata, clock, environment).await,
                None => Ok(NOT_CONFIGURED),
            },
        }
    }
}

#[async_trait]
impl KeySources for Chain {
    async fn have_others(&self, refused: &Credential, deadline: Timestamp) -> bool {
        if refused.property("role").is_some() {
            return true;
        }
        // What the configuration points at is a credential too: when that is another, so are these.
        if self.configured.is_some() {
            return false;
        }
        for source in ORDER {
            match self.ask(*source, deadline).await {
                Ok(Found::Absent(_)) => {}
                Ok(Found::Keys(keys)) => {
                    return keys.role.is_some() || !credential(&keys).same_secrets(refused);
                }
                Err(_) => return false,
            }
        }
        false
    }
}

fn credential(keys: &SourceKeys) -> Credential {
    Credential::access_key(keys.key.clone())
}

fn held(keys: &SourceKeys, request: &Request) -> HeldKeys {
    HeldKeys::new(Arc::new(credential(keys))).until(request.deadline())
}
