//! Temporary keys of a role that a user or an agent may have.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Credential, CredentialError, ErrorCode};

use super::settings::RoleSettings;
use super::vault::{Asking, of_user};
use crate::action::resource::GetRoleCredentials;
use crate::platform::{is_role_trn, received};
use crate::sign::SiteSigner;

/// What STS gives where nothing is asked for.
const USUAL_LIFE: Duration = Duration::from_secs(3600);

impl Asking<'_> {
    pub(super) async fn role(
        &self,
        settings: &RoleSettings,
    ) -> Result<Credential, CredentialError> {
        let name = self.name()?;
        let variant = self.request.key().variant.get("role");
        let role = variant.map(std::borrow::Cow::into_owned).or_else(|| settings.role.clone());
        if role.as_deref().is_some_and(|role| !is_role_trn(role)) {
            let detail = "the role has the form trn:iam::ACCOUNT:role/NAME";
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        let sent_at = self.request.now();
        let (answer, token) = self
            .call_as(settings.token, |token| {
                let mut ask = GetRoleCredentials::new(token, name.clone());
                ask.pool_name = self.pool();
                ask.requested_role_trn = role.clone();
                ask.role_session_name = settings.session_name.clone();
                ask.duration_seconds = settings.seconds;
                ask
            })
            .await?;
        let missing = || CredentialError::new(ErrorCode::InvalidResponse, "there are no keys");
        let assumed = answer.volc_eng_response.ok_or_else(missing)?;
        let assumed_role = assumed.assumed_role_user.as_ref().and_then(|user| user.trn.clone());
        let life = settings.seconds.map_or(USUAL_LIFE, Duration::from_secs);
        let keys = received(assumed, sent_at, life)?;
        let mut credential = of_user(Credential::access_key(keys.key), &token);
        if let Some(end) = keys.expires_at {
            credential = credential.with_expiry(end);
        }
        if let Some(role) = assumed_role {
            credential = credential.with_property("role", role);
        }
        for site in &settings.sites {
            credential = credential.with_origin(site.origin().clone());
        }
        Ok(credential.with_signer(Arc::new(SiteSigner(settings.sites.clone()))))
    }
}
