//! [`HostedSettings`]: what one entry of `credentials` says.

use std::collections::BTreeMap;

use credential_provider_api::{
    ConfigError, CredentialDescriptor, CredentialError, CredentialId, CredentialKind, ErrorCode,
    IdPattern, Origin, Scope,
};
use serde::Deserialize;

use crate::configuration::{ROLE_SECONDS, SiteSettings, at};
use crate::platform::is_role_trn;
use crate::sign::Site;

/// An entry of `credentials`; the [crate's page](crate#hosted-credentials) has a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostedSettings {
    #[serde(rename = "type")]
    kind: HostedType,
    provider: Option<String>,
    pool_name: Option<String>,
    #[serde(default)]
    origins: Vec<Origin>,
    #[serde(default)]
    description: String,
    flow: Option<Flow>,
    #[serde(default)]
    scopes: Vec<String>,
    redirect_url: Option<String>,
    return_url: Option<String>,
    consent: Option<WhenAsked>,
    #[serde(default)]
    custom_parameters: BTreeMap<String, String>,
    use_tip: Option<bool>,
    role_trn: Option<String>,
    role_session_name: Option<String>,
    duration_seconds: Option<u64>,
    #[serde(default)]
    sites: Vec<SiteSettings>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HostedType {
    ApiKey,
    Oauth2,
    Role,
    UserCredential,
}

/// How OAuth tokens are had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Flow {
    /// A person consents.
    UserFederation,
    /// For the client itself.
    M2m,
}

/// When a sign-in asks for a consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhenAsked {
    /// If the vault has none.
    #[default]
    WhenNeeded,
    /// Each time; the one there was ends.
    Always,
}

/// Whose token a role's keys are had with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RoleToken {
    /// The user's own.
    #[default]
    Identity,
    /// The workload's.
    Workload,
}

/// A hosted credential, or all whose id matches a pattern.
#[derive(Clone, Debug)]
pub(crate) struct Hosted {
    pub(crate) pattern: IdPattern,
    provider: Option<String>,
    pub(crate) pool: Option<String>,
    pub(crate) origins: Vec<Origin>,
    pub(super) description: String,
    pub(crate) kind: HostedKind,
}

/// What is hosted.
#[derive(Clone, Debug)]
pub(crate) enum HostedKind {
    ApiKey,
    OAuth(OAuthSettings),
    Role(RoleSettings),
    UserCredential,
}

#[derive(Clone, Debug)]
pub(crate) struct OAuthSettings {
    /// As said; else as the credential provider is.
    pub(crate) flow: Option<Flow>,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_url: Option<String>,
    pub(crate) return_url: Option<String>,
    pub(crate) consent: WhenAsked,
    pub(crate) custom_parameters: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(crate) struct RoleSettings {
    pub(crate) token: RoleToken,
    pub(crate) role: Option<String>,
    pub(crate) session_name: Option<String>,
    pub(crate) seconds: Option<u64>,
    pub(crate) sites: Vec<Site>,
}

impl HostedSettings {
    /// # Errors
    /// [`ConfigError`] with the path of what cannot be used, or would not be.
    pub(crate) fn checked(self, path: &str, pattern: IdPattern) -> Result<Hosted, ConfigError> {
        let wrong = |name: &str, problem: &str| {
            at(path, &format!("credentials.{}.{name}", pattern.as_str()), problem)
        };
        let (oauth, role) = (self.kind == HostedType::Oauth2, self.kind == HostedType::Role);
        let user_flow = oauth && self.flow != Some(Flow::M2m);
        for (name, given, fits) in [
            ("flow", self.flow.is_some(), oauth),
            ("scopes", !self.scopes.is_empty(), oauth),
            ("redirectUrl", self.redirect_url.is_some(), user_flow),
            ("returnUrl", self.return_url.is_some(), user_flow),
            ("consent", self.consent.is_some(), user_flow),
            ("customParameters", !self.custom_parameters.is_empty(), user_flow),
            ("useTip", self.use_tip.is_some(), role),
            ("roleTrn", self.role_trn.is_some(), role),
            ("roleSessionName", self.role_session_name.is_some(), role),
            ("durationSeconds", self.duration_seconds.is_some(), role),
            ("sites", !self.sites.is_empty(), role),
            ("origins", !self.origins.is_empty(), !role),
            ("provider", self.provider.is_some(), pattern.is_exact()),
        ] {
            if given && !fits {
                return Err(wrong(name, "is not for this type or pattern"));
            }
        }
        if self.redirect_url.is_some() && self.return_url.is_some() {
            return Err(wrong("returnUrl", "is there, and so is redirectUrl"));
        }
        if self.role_trn.as_deref().is_some_and(|role| !is_role_trn(role)) {
            return Err(wrong("roleTrn", "has the form trn:iam::ACCOUNT:role/NAME"));
        }
        if self.duration_seconds.is_some_and(|seconds| !ROLE_SECONDS.contains(&seconds)) {
            return Err(wrong("durationSeconds", "is between 900 and 43200"));
        }
        let kind = match self.kind {
            HostedType::ApiKey => HostedKind::ApiKey,
            HostedType::UserCredential => HostedKind::UserCredential,
            HostedType::Oauth2 => HostedKind::OAuth(OAuthSettings {
                flow: self.flow,
                scopes: self.scopes,
                redirect_url: self.redirect_url,
                return_url: self.return_url,
                consent: self.consent.unwrap_or_default(),
                custom_parameters: self.custom_parameters,
            }),
            HostedType::Role => {
                let sites = self.sites.iter().map(SiteSettings::site).collect::<Result<_, _>>();
                HostedKind::Role(RoleSettings {
                    token: match self.use_tip {
                        Some(true) => RoleToken::Workload,
                        Some(false) | None => RoleToken::Identity,
                    },
                    role: self.role_trn,
                    session_name: self.role_session_name,
                    seconds: self.duration_seconds,
                    sites: sites.map_err(|problem| wrong("sites", problem))?,
                })
            }
        };
        let (provider, pool) = (self.provider, self.pool_name);
        let (origins, description) = (self.origins, self.description);
        Ok(Hosted { pattern, provider, pool, origins, description, kind })
    }
}

impl Hosted {
    pub(crate) fn descriptor(&self, owner: Scope) -> CredentialDescriptor {
        let kind = match &self.kind {
            HostedKind::ApiKey => CredentialKind::ApiKey,
            HostedKind::OAuth(_) => CredentialKind::OAuth2,
            HostedKind::Role(_) => CredentialKind::AccessKey,
            HostedKind::UserCredential => CredentialKind::UserValue,
        };
        let mut described = CredentialDescriptor::session(self.pattern.clone(), kind);
        described.scope = owner;
        described.with_description(&self.description)
    }

    /// Whether somebody may have to consent to it.
    pub(crate) const fn is_consented(&self) -> bool {
        matches!(&self.kind, HostedKind::OAuth(oauth) if !matches!(oauth.flow, Some(Flow::M2m)))
    }

    /// Whether it is a value that users keep, and may write.
    pub(crate) const fn is_value(&self) -> bool {
        matches!(self.kind, HostedKind::UserCredential)
    }

    /// The service's name for the credential `id`: as said, or what a pattern's star stands for.
    ///
    /// # Errors
    /// `credential_not_found` if the star stands for nothing.
    pub(crate) fn service_name<'a>(
        &'a self,
        id: &'a CredentialId,
    ) -> Result<&'a str, CredentialError> {
        let stem = self.pattern.as_str().strip_suffix('*');
        let rest = stem.and_then(|stem| id.as_str().strip_prefix(stem));
        let name = self.provider.as_deref().or(rest).unwrap_or(id.as_str());
        if name.is_empty() {
            return Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        }
        Ok(name)
    }

    /// The id under which the service's credential `name` can be asked for, if it can.
    pub(crate) fn id_of(&self, name: &str) -> Option<CredentialId> {
        let stem = self.pattern.as_str().strip_suffix('*')?;
        CredentialId::new(format!("{stem}{name}")).ok()
    }
}
