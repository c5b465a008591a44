//! Whether a profile may be chosen at all.

use credential_provider_api::Timestamp;

use super::config::ProfileConfig;
use super::era::Era;
use super::profile::{Expiry, Profile, ProfileKind};
use super::provider_name::same_auth;

/// Whether OpenClaw would consider a profile, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Eligibility {
    /// It may be chosen.
    Ok,
    /// There is no such profile.
    ProfileMissing,
    /// It is for another provider.
    ProviderMismatch,
    /// The configuration says another mode than the profile.
    ModeMismatch,
    /// It holds no secret.
    MissingCredential,
    /// Its end is no time.
    InvalidExpires,
    /// It has ended, or is fenced while it is renewed.
    Expired,
    /// A setup is under way that may yet put it in use. Era C.
    SetupInactive,
    /// A command was pasted where the key should be. Era C.
    MalformedApiKey,
    /// A login whose tokens are in a file that is no longer read. Era C.
    UnresolvedRef,
}

impl Eligibility {
    /// OpenClaw's code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ProfileMissing => "profile_missing",
            Self::ProviderMismatch => "provider_mismatch",
            Self::ModeMismatch => "mode_mismatch",
            Self::MissingCredential => "missing_credential",
            Self::InvalidExpires => "invalid_expires",
            Self::Expired => "expired",
            Self::SetupInactive => "setup_inactive",
            Self::MalformedApiKey => "malformed_api_key",
            Self::UnresolvedRef => "unresolved_ref",
        }
    }

    /// Judges a profile for a provider, with what the configuration says of it, by the rules of an era.
    #[must_use]
    pub fn of(
        profile: Option<&Profile>,
        provider: &str,
        configured: Option<&ProfileConfig>,
        era: Era,
        now: Timestamp,
    ) -> Self {
        let Some(profile) = profile else { return Self::ProfileMissing };
        if era == Era::C && profile.is_being_set_up() {
            return Self::SetupInactive;
        }
        if !same_auth(profile.provider(), provider) {
            return Self::ProviderMismatch;
        }
        if let Some(configured) = configured {
            if !same_auth(&configured.provider, provider) {
                return Self::ProviderMismatch;
            }
            // A login may be configured where a token is stored.
            let close = configured.mode == "oauth" && profile.kind() == ProfileKind::Token;
            if configured.mode != profile.kind().as_str() && !close {
                return Self::ModeMismatch;
            }
        }
        Self::of_stored(profile, era, now)
    }

    fn of_stored(profile: &Profile, era: Era, now: Timestamp) -> Self {
        match profile.kind() {
            ProfileKind::OAuth if era == Era::C && profile.is_fenced() => Self::Expired,
            ProfileKind::OAuth => {
                // Its end does not count: it can be renewed.
                let any = profile.text("access").is_some() || profile.text("refresh").is_some();
                let elsewhere = era == Era::C && profile.entry().object("oauthRef").is_some();
                match (any, elsewhere) {
                    (true, _) => Self::Ok,
                    (false, true) => Self::UnresolvedRef,
                    (false, false) => Self::MissingCredential,
                }
            }
            ProfileKind::ApiKey if era == Era::C && profile.key_is_a_command() => {
                Self::MalformedApiKey
            }
            _ if profile.secret().is_none() => Self::MissingCredential,
            ProfileKind::ApiKey => Self::Ok,
            ProfileKind::Token => match profile.expires() {
                Expiry::Invalid => Self::InvalidExpires,
                Expiry::At(end) if now >= end => Self::Expired,
                _ => Self::Ok,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::json::Raw;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn judge(json: &str, configured: Option<(&str, &str)>) -> &'static str {
        let profile = Profile::read(&Raw::checked(json).unwrap()).unwrap();
        let configured = configured.map(|(provider, mode)| ProfileConfig::new(provider, mode));
        Eligibility::of(Some(&profile), "x", configured.as_ref(), Era::B, NOW).as_str()
    }

    #[test]
    fn codes_are_openclaws() {
        for (json, code) in [
            (r#"{"type":"api_key","provider":"x","key":"k"}"#, "ok"),
            (r#"{"type":"api_key","provider":"y","key":"k"}"#, "provider_mismatch"),
            (r#"{"type":"api_key","provider":"x","key":" "}"#, "missing_credential"),
            (r#"{"type":"token","provider":"x","token":"t","expires":1000000}"#, "expired"),
            (r#"{"type":"token","provider":"x","token":"t","expires":1000001}"#, "ok"),
            (r#"{"type":"token","provider":"x","token":"t","expires":"x"}"#, "invalid_expires"),
            (r#"{"type":"oauth","provider":"x","refresh":"r","expires":1}"#, "ok"),
            (r#"{"type":"oauth","provider":"x"}"#, "missing_credential"),
        ] {
            assert_eq!(judge(json, None), code, "{json}");
        }
        assert_eq!(Eligibility::of(None, "x", None, Era::B, NOW).as_str(), "profile_missing");
    }

    #[test]
    fn the_configuration_must_agree() {
        let key = r#"{"type":"api_key","provider":"x","key":"k"}"#;
        let token = r#"{"type":"token","provider":"x","token":"t"}"#;
        assert_eq!(judge(key, Some(("x", "api_key"))), "ok");
        assert_eq!(judge(key, Some(("y", "api_key"))), "provider_mismatch");
        assert_eq!(judge(key, Some(("x", "token"))), "mode_mismatch");
        assert_eq!(judge(token, Some(("x", "oauth"))), "ok");
    }
}
