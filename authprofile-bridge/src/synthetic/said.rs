//! What the configuration says of one synthetic profile.

use credential_provider_api::{CredentialError, CredentialRef, Detail, ErrorCode};
use serde::Deserialize;

use crate::openclaw::provider_name::normalized;

/// A credential that is to stand in OpenClaw's store as a profile.
///
/// In configuration `{ "credential": {provider, id}, "provider": "openai", "profileId": "…" }`; without
/// `profileId` the profile is called `<provider>:cp-<credential id>`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticProfile {
    pub(super) credential: CredentialRef,
    pub(super) provider: String,
    #[serde(default, rename = "profileId")]
    profile: Option<String>,
}

impl SyntheticProfile {
    /// A credential for a model provider.
    #[must_use]
    pub fn new(credential: CredentialRef, provider: &str) -> Self {
        Self { credential, provider: provider.to_owned(), profile: None }
    }

    /// Under this profile id.
    #[must_use]
    pub fn with_profile_id(mut self, id: impl Into<String>) -> Self {
        self.profile = Some(id.into());
        self
    }

    /// The credential.
    #[must_use]
    pub const fn credential(&self) -> &CredentialRef {
        &self.credential
    }

    /// The profile's id.
    #[must_use]
    pub fn profile_id(&self) -> String {
        let usual = || format!("{}:cp-{}", normalized(&self.provider), self.credential.id);
        self.profile.clone().unwrap_or_else(usual)
    }

    /// Checks what is said by itself.
    pub(super) fn check(&self) -> Result<(), CredentialError> {
        let wrong = |what: &str| {
            let detail = format!("the synthetic profile \"{}\" {what}", self.profile_id());
            let error =
                CredentialError::new(ErrorCode::ConfigurationInvalid, Detail::composed(detail));
            Err(error.about(&self.credential))
        };
        if normalized(&self.provider).is_empty() {
            return wrong("names no model provider");
        }
        let id = self.profile_id();
        if id.trim() != id || id.is_empty() || id.chars().any(char::is_control) {
            return wrong("has an id that OpenClaw would not keep");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_profile_is_called_after_its_credential_unless_said() {
        let json = r#"{"credential":{"provider":"vault","id":"a/b"},"provider":"OpenAI"}"#;
        let said: SyntheticProfile = serde_json::from_str(json).unwrap();
        assert_eq!(said.profile_id(), "openai:cp-a/b");
        assert_eq!(said.clone().with_profile_id("openai:x").profile_id(), "openai:x");
        said.check().unwrap();
        said.with_profile_id(" x").check().unwrap_err();
        let nobody = SyntheticProfile::new(CredentialRef::parse("a/b").unwrap(), " ");
        assert_eq!(nobody.check().unwrap_err().code(), ErrorCode::ConfigurationInvalid);
    }
}
