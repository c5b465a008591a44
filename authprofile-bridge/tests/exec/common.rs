//! A host with a few credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use authprofile_bridge::exec::{ExecFailure, ExecLimits, GatewayCredentials, Served, serve};
use credential_provider_api::{
    AccessKey, Credential, CredentialError, CredentialRef, Detail, ErrorCode, ManualClock,
    ReauthReason, SecretString, Timestamp,
};
use serde_json::Value;

/// Credentials by id, of any provider.
pub(crate) struct Host;

#[async_trait]
impl GatewayCredentials for Host {
    async fn credential(
        &self,
        wanted: CredentialRef,
        _: Timestamp,
    ) -> Result<Arc<Credential>, CredentialError> {
        let fields = |names: &[&str]| {
            let field = |name: &&str| ((*name).to_owned(), SecretString::from(format!("{name}-1")));
            names.iter().map(field).collect::<BTreeMap<_, _>>()
        };
        let failed = |code, detail: &'static str| Err(CredentialError::new(code, detail));
        let credential = match wanted.id.as_str() {
            "key" | "team/key" => Credential::api_key("key-1".into()),
            "oauth2" => Credential::oauth2("access-1".into()),
            "token" => Credential::token("token-1".into()),
            "login" => Credential::user_value(fields(&["user", "password"])),
            "field" => Credential::user_value(fields(&["only"])),
            "cloud" => Credential::access_key(AccessKey::new("AKID".into(), "sk-1".into(), None)),
            "sts" => Credential::access_key(AccessKey::new(
                "AKID".into(),
                "sk-1".into(),
                Some("session-1".into()),
            )),
            "fenced" => Credential::token("openclaw-oauth-refresh-fence:v1:00:access:11".into()),
            "personal" => return failed(ErrorCode::SessionRequired, "canary"),
            "denied" => return failed(ErrorCode::AccessDenied, "canary"),
            "down" => {
                let error = CredentialError::new(ErrorCode::Unavailable, Detail::cleaned("canary"));
                return Err(error.with_retry_after(std::time::Duration::from_secs(7)));
            }
            "ended" => {
                let reason = ReauthReason::GrantRejected;
                return Err(CredentialError::needs_reauth(reason, "canary").about(&wanted));
            }
            "never" => std::future::pending().await,
            _ => return failed(ErrorCode::CredentialNotFound, "canary"),
        };
        Ok(Arc::new(credential))
    }
}

pub(crate) async fn asked(request: &str) -> (Result<Served, ExecFailure>, Vec<u8>) {
    let mut written = Vec::new();
    let clock = ManualClock::default();
    let limits = ExecLimits::default();
    let served = serve(request.as_bytes(), &mut written, &Host, &clock, limits).await;
    (served, written)
}

pub(crate) async fn answer(request: &str) -> Value {
    let (served, written) = asked(request).await;
    served.unwrap();
    serde_json::from_slice(&written).unwrap()
}

pub(crate) async fn of(ids: &[&str]) -> Value {
    let ids: Vec<_> = ids.iter().map(|id| format!("p/{id}")).collect();
    answer(&serde_json::json!({"protocolVersion": 1, "provider": "x", "ids": ids}).to_string())
        .await
}
