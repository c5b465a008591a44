//! Security tokens: temporary keys of roles. Requests are forms, names in alphabetical order.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::sealed::Sealed;
use super::{Action, answer};
use crate::wire::{Body, Effect, RawCall, Service};

/// An answer that says nothing beyond success.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Nothing {}

/// Temporary keys of a role, for whoever may assume it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AssumeRole {
    /// `RoleTrn`, required: `trn:iam::ACCOUNT:role/NAME`.
    pub role_trn: String,
    /// `RoleSessionName`, required.
    pub role_session_name: String,
    /// `DurationSeconds`: 900 to 43,200; 3,600 without.
    pub duration_seconds: Option<u64>,
    /// `Policy`: limits the keys further.
    pub policy: Option<String>,
}

impl AssumeRole {
    /// A request with what is required.
    #[must_use]
    pub fn new(role_trn: impl Into<String>, role_session_name: impl Into<String>) -> Self {
        let (role_trn, role_session_name) = (role_trn.into(), role_session_name.into());
        Self { role_trn, role_session_name, duration_seconds: None, policy: None }
    }
}

impl Sealed for AssumeRole {}

impl Action for AssumeRole {
    type Answer = AssumedRole;

    fn call(&self) -> RawCall {
        let mut body = Body::default();
        if let Some(seconds) = self.duration_seconds {
            body.field("DurationSeconds", &seconds.to_string());
        }
        if let Some(policy) = &self.policy {
            body.field("Policy", policy);
        }
        body.field("RoleSessionName", &self.role_session_name);
        body.field("RoleTrn", &self.role_trn);
        // Keys that nobody got end by themselves.
        RawCall::new(Service::Sts, "AssumeRole").form(body.finish()).effect(Effect::Repeatable)
    }
}

/// Temporary keys of a role, for whoever holds a token of an issuer the role trusts. Not signed: the
/// token is the proof.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AssumeRoleWithOIDC {
    /// `OIDCToken`, required.
    pub oidc_token: SecretString,
    /// `RoleTrn`, required.
    pub role_trn: String,
    /// `RoleSessionName`, required.
    pub role_session_name: String,
    /// `DurationSeconds`: 900 to 43,200; 3,600 without.
    pub duration_seconds: Option<u64>,
    /// `OIDCProviderTrn`.
    pub oidc_provider_trn: Option<String>,
    /// `Policy`: limits the keys further.
    pub policy: Option<String>,
}

impl AssumeRoleWithOIDC {
    /// A request with what is required.
    #[must_use]
    pub fn new(
        oidc_token: SecretString,
        role_trn: impl Into<String>,
        role_session_name: impl Into<String>,
    ) -> Self {
        Self {
            oidc_token,
            role_trn: role_trn.into(),
            role_session_name: role_session_name.into(),
            duration_seconds: None,
            oidc_provider_trn: None,
            policy: None,
        }
    }
}

impl Sealed for AssumeRoleWithOIDC {}

impl Action for AssumeRoleWithOIDC {
    type Answer = AssumedRole;

    fn call(&self) -> RawCall {
        let mut body = Body::default();
        if let Some(seconds) = self.duration_seconds {
            body.field("DurationSeconds", &seconds.to_string());
        }
        if let Some(provider) = &self.oidc_provider_trn {
            body.field("OIDCProviderTrn", provider);
        }
        body.field("OIDCToken", self.oidc_token.expose_secret());
        if let Some(policy) = &self.policy {
            body.field("Policy", policy);
        }
        body.field("RoleSessionName", &self.role_session_name);
        body.field("RoleTrn", &self.role_trn);
        let call = RawCall::new(Service::Sts, "AssumeRoleWithOIDC");
        call.form(body.finish()).effect(Effect::Repeatable)
    }
}

answer! {
    /// An assumed role and its keys.
    AssumedRole {
        assumed_role_user: AssumedRoleUser = "AssumedRoleUser",
        credentials: TemporaryKeys = "Credentials",
        oidc_token_info: OidcTokenInfo = "OIDCTokenInfo";
    }
}

answer! {
    /// Who one is in an assumed role.
    AssumedRoleUser {
        assumed_role_id: String = "AssumedRoleId",
        trn: String = "Trn";
    }
}

answer! {
    /// Keys with their end, which has two names.
    TemporaryKeys {
        access_key_id: String = "AccessKeyId",
        secret_access_key: SecretString = "SecretAccessKey",
        session_token: SecretString = "SessionToken",
        current_time: String = "CurrentTime",
        expiration: String = "Expiration",
        expired_time: String = "ExpiredTime";
    }
}

impl TemporaryKeys {
    /// When they end, by the service's clock and with its offset, as text.
    #[must_use]
    pub fn end(&self) -> Option<&str> {
        self.expiration.as_deref().or(self.expired_time.as_deref())
    }
}

answer! {
    /// What an OIDC token said.
    OidcTokenInfo {
        expiration_time: String = "ExpirationTime",
        issuance_time: String = "IssuanceTime",
        issuer: String = "Issuer",
        subject: String = "Subject";
        client_ids: String = "ClientIds",
    }
}

/// Whose keys sign this call.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct GetCallerIdentity {}

impl GetCallerIdentity {
    /// The request; it has no parameters.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}

impl Sealed for GetCallerIdentity {}

impl Action for GetCallerIdentity {
    type Answer = CallerIdentity;

    fn call(&self) -> RawCall {
        let call = RawCall::new(Service::Sts, "GetCallerIdentity");
        call.form(Body::default().finish()).effect(Effect::Repeatable)
    }
}

/// Whose keys they are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// `AccountId`; a number, and understood as text too.
    #[serde(deserialize_with = "crate::wire::lenient_amount")]
    pub account_id: Option<u64>,
    /// `Trn`.
    pub trn: Option<String>,
    /// `IdentityType`.
    pub identity_type: Option<String>,
    /// `IdentityId`.
    pub identity_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_the_end_are_understood() {
        for name in ["Expiration", "ExpiredTime"] {
            let text = format!(r#"{{"Credentials":{{"{name}":"x","More":1}}}}"#);
            let role: AssumedRole = serde_json::from_str(&text).unwrap();
            assert_eq!(role.credentials.unwrap().end(), Some("x"));
        }
    }

    #[test]
    fn an_account_is_a_number_or_text() {
        for text in ["2100000000", "\"2100000000\"", "2100000000.0"] {
            let text = format!(r#"{{"AccountId":{text}}}"#);
            let caller: CallerIdentity = serde_json::from_str(&text).unwrap();
            assert_eq!(caller.account_id, Some(2_100_000_000), "{text}");
        }
    }

    #[test]
    fn promise_6_debug_shows_no_secret() {
        let request = AssumeRoleWithOIDC::new("canary".into(), "trn:iam::1:role/a", "s");
        let text = r#"{"SecretAccessKey":"canary","SessionToken":"canary"}"#;
        let keys: TemporaryKeys = serde_json::from_str(text).unwrap();
        assert!(!format!("{request:?} {keys:#?}").contains("canary"));
    }
}
