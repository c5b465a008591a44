//! Keys for a token of another issuer: the token is in a file, STS gives keys for it.

use std::path::PathBuf;

use credential_provider_api::{CredentialError, ErrorCode, Origin, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::assume::{RoleSettings, received};
use super::file::read;
use super::source::Found;
use super::variables::plain;
use crate::action::Action as _;
use crate::action::sts::AssumeRoleWithOIDC;
use crate::environment::Environment;
use crate::files::Files;
use crate::sign::{DEFAULT_REGION, Site};
use crate::wire::{At, Client, NoKeys, RawCall, Service};

/// Where the token is and which role it is for; what is not set is taken from the environment.
#[derive(Clone, Default)]
pub(crate) struct OidcToken {
    pub(crate) role_trn: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) session_name: Option<String>,
    pub(crate) provider_trn: Option<String>,
    pub(crate) policy: Option<String>,
}

impl OidcToken {
    pub(super) async fn find(
        &self,
        client: &Client,
        settings: &RoleSettings,
        files: &dyn Files,
        environment: &dyn Environment,
        deadline: Timestamp,
    ) -> Result<Found, CredentialError> {
        let or =
            |set: &Option<String>, name: &str| set.clone().or_else(|| plain(environment, name));
        let file = self.token_file.clone();
        let file =
            file.or_else(|| plain(environment, "VOLCENGINE_OIDC_TOKEN_FILE").map(PathBuf::from));
        let (Some(role), Some(file)) = (or(&self.role_trn, "VOLCENGINE_OIDC_ROLE_TRN"), file)
        else {
            return Ok(Found::Absent("it has no role or no token file"));
        };
        let failed = |code, detail| CredentialError::new(code, detail);
        let Some(content) = read(files, &file).await? else {
            return Err(failed(
                ErrorCode::NotConfigured,
                "the file of the OIDC token is not there",
            ));
        };
        let token = std::str::from_utf8(content.expose_secret()).map(str::trim).unwrap_or_default();
        if token.is_empty() {
            let detail = "the file of the OIDC token has no text in it";
            return Err(failed(ErrorCode::NotConfigured, detail));
        }
        let token = SecretString::from(token);
        let name = or(&self.session_name, "VOLCENGINE_OIDC_ROLE_SESSION_NAME");
        let name = name.unwrap_or_else(|| settings.session_name.clone());
        let mut request = AssumeRoleWithOIDC::new(token, role, name);
        request.duration_seconds = Some(settings.duration.as_secs());
        request.oidc_provider_trn.clone_from(&self.provider_trn);
        request.policy = or(&self.policy, "VOLCENGINE_OIDC_ROLE_POLICY");
        let mut call: RawCall = request.call();
        if let Some(host) = plain(environment, "VOLCENGINE_OIDC_STS_ENDPOINT") {
            let host = host.strip_prefix("https://").unwrap_or(&host).to_owned();
            let origin = Origin::parse(&format!("https://{host}")).map_err(|_| {
                failed(ErrorCode::NotConfigured, "VOLCENGINE_OIDC_STS_ENDPOINT is no host")
            })?;
            call.at = At::Site(Site::new(origin, Service::Sts.code(), DEFAULT_REGION));
        }
        let sent_at = client.clock.now();
        let answer = client.raw(&call, &NoKeys(deadline)).await?;
        received(answer.result()?, sent_at, settings.duration).map(Found::Keys)
    }
}
