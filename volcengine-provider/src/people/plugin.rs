//! Sessions that the agent-identity plugin's older versions kept as plain text.

use std::collections::BTreeMap;
use std::fmt;

use credential_provider_api::{
    CredentialError, ErrorCode, ExposeSecret as _, SecretString, Timestamp,
};
use serde::Deserialize;

use crate::workload::Claims;

/// One session of a plugin's `sessions.json`. It is not verified: sign its person in with it, by
/// [`SignInMethod::Fields`](credential_provider_api::SignInMethod::Fields).
#[derive(Clone)]
#[non_exhaustive]
pub struct PluginSession {
    /// The plugin's key of the session; which effective session it is, the host knows.
    pub session_key: String,
    /// The ID token.
    pub id_token: SecretString,
    /// What renews it, if it was kept.
    pub refresh_token: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Token(SecretString),
    Entry {
        #[serde(alias = "idToken")]
        #[serde(rename = "userToken")]
        token: SecretString,
        #[serde(rename = "refreshToken")]
        refresh_token: Option<SecretString>,
    },
}

impl PluginSession {
    /// Reads a plaintext `sessions.json`: session keys and their users' tokens, each a text or an object
    /// with `userToken` (or `idToken`) and perhaps `refreshToken`. Those that have ended and cannot be
    /// renewed are left out. The file itself is left as it is.
    ///
    /// # Errors
    /// `store_unreadable` if anything in it is no token: newer versions encrypt the file with a key of their own.
    pub fn read_all(json: &[u8], now: Timestamp) -> Result<Vec<Self>, CredentialError> {
        let unreadable = || {
            let detail = "it is no plaintext mapping of session keys to tokens";
            CredentialError::new(ErrorCode::StoreUnreadable, detail)
        };
        let all: BTreeMap<String, Kept> = serde_json::from_slice(json).map_err(|_| unreadable())?;
        let mut sessions = Vec::new();
        for (session_key, kept) in all {
            let (id_token, refresh_token) = match kept {
                Kept::Token(token) => (token, None),
                Kept::Entry { token, refresh_token } => (token, refresh_token),
            };
            let refresh_token = refresh_token.filter(|token| !token.expose_secret().is_empty());
            let claims = Claims::read(&id_token).map_err(|_| unreadable())?;
            if now < claims.expires_at || refresh_token.is_some() {
                sessions.push(Self { session_key, id_token, refresh_token });
            }
        }
        Ok(sessions)
    }
}

impl fmt::Debug for PluginSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PluginSession");
        shown.field("session_key", &self.session_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn token(end: u64) -> String {
        let claims = json!({ "sub": "u", "iat": 1_780_000_000, "exp": end });
        format!("e30.{}.canary", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn read(sessions: &Value) -> Result<Vec<PluginSession>, CredentialError> {
        PluginSession::read_all(sessions.to_string().as_bytes(), NOW)
    }

    #[test]
    fn what_has_ended_is_pruned_unless_it_can_be_renewed() {
        let (good, ended) = (token(1_790_003_600), token(1_790_000_000));
        let read = read(&json!({
            "a": good, "b": { "userToken": good, "savedAt": 1 }, "c": { "idToken": good },
            "d": ended, "e": { "userToken": ended },
            "g": { "userToken": ended, "refreshToken": "canary-refresh" },
        }));
        let read = read.unwrap();
        let keys: Vec<&str> = read.iter().map(|one| one.session_key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "c", "g"]);
        assert!(read[3].refresh_token.is_some() && read[0].refresh_token.is_none());
        assert!(!format!("{read:?} {read:#?}").contains("canary"));
    }

    #[test]
    fn what_is_encrypted_or_unknown_is_refused_whole() {
        for other in [
            json!({ "iv": "AAAA", "data": "BBBB" }),
            json!({ "a": token(1_790_003_600), "f": "no token" }),
            json!({ "version": 1, "iv": "AAAA", "data": "BBBB" }),
            json!([]),
            json!({ "a": 1 }),
            json!("text"),
        ] {
            assert_eq!(read(&other).unwrap_err().code(), ErrorCode::StoreUnreadable, "{other}");
        }
        let garbage = PluginSession::read_all(&[0, 255], NOW).unwrap_err();
        assert_eq!(garbage.code(), ErrorCode::StoreUnreadable);
    }
}
