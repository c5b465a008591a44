//! A profile as a credential.

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, ExposeSecret as _, Freshness, Request,
    SecretString, Timestamp,
};

use super::core::{Core, View};
use crate::openclaw::{Expiry, Profile, ProfileKind, ProfileSecret, about};
use crate::renewal::{end, mark_in};

impl Core {
    /// The credential of one profile, which may be cooling down: whoever names it wants it.
    ///
    /// `refused` is an access token that is not wanted again, of a login.
    pub(crate) async fn obtain(
        &self,
        request: &Request,
        view: &View,
        id: &str,
        refused: Option<&SecretString>,
    ) -> Result<Credential, CredentialError> {
        let profile = view.fit(id, request.now())?;
        match profile.kind() {
            ProfileKind::OAuth => {
                let profile = self.login(request, view, id, profile, refused).await?;
                let Some((access, end)) = end(&profile) else {
                    return Err(about(ErrorCode::NotConfigured, id, "holds no access token"));
                };
                Ok(self.dressed(&profile, Credential::oauth2(access).with_expiry(end)))
            }
            kind => {
                let (secret, freshness) = self.secret(id, &profile).await?;
                let credential = match (kind, profile.expires()) {
                    (ProfileKind::ApiKey, _) => Credential::api_key(secret),
                    (_, Expiry::At(end)) => Credential::token(secret).with_expiry(end),
                    _ => Credential::token(secret),
                };
                Ok(self.dressed(&profile, credential.with_freshness(freshness)))
            }
        }
    }

    /// A login whose access token is good: renewed first, if it ends soon and somebody is named to.
    pub(crate) async fn login(
        &self,
        request: &Request,
        view: &View,
        id: &str,
        profile: Profile,
        refused: Option<&SecretString>,
    ) -> Result<Profile, CredentialError> {
        for field in ["access", "refresh"] {
            let text = profile.text(field);
            if let Some(error) = text.and_then(|text| mark_in(id, &text)) {
                return Err(error);
            }
        }
        let now = request.now();
        let good = |profile: &Profile, refused: Option<&SecretString>| {
            let (access, end) = end(profile)?;
            let other =
                refused.is_none_or(|refused| refused.expose_secret() != access.expose_secret());
            (other && now < end).then_some((access, end))
        };
        let now_good = good(&profile, refused);
        let renews = self.renews(&profile);
        if let Some((access, end)) = &now_good {
            let margin = self.lives.margin(id, access, *end, now);
            if now.plus(margin) < *end || !renews {
                return Ok(profile);
            }
        }
        if !renews {
            return Err(openclaws(id));
        }
        match self.renewer.renew(request, id, view.inherited(id), refused).await {
            Ok(renewed) if good(&renewed, refused).is_some() => Ok(renewed),
            Ok(_) => {
                let what = "was changed by somebody else while it was renewed";
                Err(about(ErrorCode::Unavailable, id, what))
            }
            Err(error) if error.code() == ErrorCode::Cancelled => Err(error),
            // A login that is good is served while its renewal fails.
            Err(error) if now_good.is_some() => {
                if error.code() != ErrorCode::Unsupported {
                    tracing::warn!(profile = %id, %error, "a login that ends soon was not renewed");
                }
                Ok(profile)
            }
            Err(error) if error.code() == ErrorCode::Unsupported => Err(openclaws(id)),
            Err(error) => Err(error),
        }
    }

    /// A secret that stands in the profile, or behind its reference.
    async fn secret(
        &self,
        id: &str,
        profile: &Profile,
    ) -> Result<(SecretString, Freshness), CredentialError> {
        let (secret, freshness) = match profile.secret() {
            Some(ProfileSecret::Inline(secret)) => (secret, Freshness::UntilChanged),
            Some(ProfileSecret::Reference(reference)) => {
                let mut found = self.secret_refs.resolve(&[reference]).await.into_iter();
                let found = found.next().unwrap_or_else(|| Err(unresolved(id)));
                (found?, Freshness::For(self.reread))
            }
            None => return Err(about(ErrorCode::NotConfigured, id, "holds no secret")),
        };
        match mark_in(id, secret.expose_secret()) {
            None => Ok((secret, freshness)),
            Some(error) => Err(error),
        }
    }

    /// With what is known of it besides.
    fn dressed(&self, profile: &Profile, mut credential: Credential) -> Credential {
        let account = profile.text("accountId").or_else(|| profile.text("email"));
        if let Some(account) = account.and_then(|text| AccountId::new(text.as_str()).ok()) {
            credential = credential.with_account(account);
        }
        if let Some(set) = self.model_provider(profile.provider()) {
            for origin in &set.origins {
                credential = credential.with_origin(origin.clone());
            }
            if let Some(placement) = &set.placement {
                credential = credential.with_placement(placement.clone());
            }
        }
        credential
    }
}

/// Whether an access token is good now, whoever would renew it.
pub(crate) fn is_good(profile: &Profile, now: Timestamp) -> bool {
    end(profile).is_some_and(|(_, end)| now < end)
}

pub(crate) fn unresolved(id: &str) -> CredentialError {
    about(ErrorCode::NotConfigured, id, "has a reference that was not answered")
}

/// A login that has ended, or was rejected, and that nobody here renews.
pub(crate) fn openclaws(id: &str) -> CredentialError {
    let what = "has ended, and OpenClaw renews it: run it, or sign in again there";
    about(ErrorCode::Expired, id, what)
}
