//! [`Login`]: what is kept of a login, in the bytes of a [`Grant`].

use std::fmt;

use credential_provider_api::{CredentialError, ErrorCode, Grant};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::dpop::ProofKey;

/// A refresh token, and whose it is: it is sent to the issuer and by the client that it names, and
/// to nobody else.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// `None`: there is only a key to keep.
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) scopes: Vec<String>,
    /// The subject of the ID token it began with.
    pub(crate) sub: Option<String>,
    /// The key its tokens are bound to (RFC 9449).
    pub(crate) proof_key: Option<SecretString>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Out<'a> {
    version: u8,
    issuer: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_key: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct In {
    version: u8,
    issuer: String,
    client_id: String,
    refresh_token: Option<SecretString>,
    scopes: Vec<String>,
    sub: Option<String>,
    proof_key: Option<SecretString>,
}

const VERSION: u8 = 1;

impl Login {
    pub(crate) fn to_grant(&self) -> Result<Grant, CredentialError> {
        let out = Out {
            version: VERSION,
            issuer: &self.issuer,
            client_id: &self.client_id,
            refresh_token: exposed(self.refresh_token.as_ref()),
            scopes: &self.scopes,
            sub: self.sub.as_deref(),
            proof_key: exposed(self.proof_key.as_ref()),
        };
        let texts =
            [Some(out.issuer), Some(out.client_id), out.refresh_token, out.sub, out.proof_key];
        let texts = texts.into_iter().flatten().chain(self.scopes.iter().map(String::as_str));
        // Sized for the worst case: a buffer that grows leaves copies of secrets behind.
        let mut bytes =
            Vec::with_capacity(texts.map(|text| 6 * text.len() + 8).sum::<usize>() + 256);
        serde_json::to_writer(&mut bytes, &out)
            .map_err(|_| CredentialError::new(ErrorCode::Internal, "a grant was not encoded"))?;
        Ok(Grant::from(bytes))
    }

    /// The key its tokens are bound to.
    pub(crate) fn key(&self) -> Option<ProofKey> {
        ProofKey::from_scalar(self.proof_key.as_ref()?)
    }

    pub(crate) fn from_grant(grant: &Grant) -> Result<Self, CredentialError> {
        let unreadable =
            || CredentialError::new(ErrorCode::StoreUnreadable, "the grant is not in this form");
        let read: In = serde_json::from_slice(grant.expose()).map_err(|_| unreadable())?;
        if read.version != VERSION {
            return Err(unreadable());
        }
        let In { issuer, client_id, refresh_token, scopes, sub, proof_key, .. } = read;
        Ok(Self { issuer, client_id, refresh_token, scopes, sub, proof_key })
    }
}

fn exposed(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(|secret| secret.expose_secret())
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_was_and_shows_nothing() {
        let login = Login {
            issuer: "https://a.example".into(),
            client_id: "c".into(),
            refresh_token: Some("canary\"\u{1}".into()),
            scopes: vec!["x".into()],
            sub: Some("s".into()),
            proof_key: Some("canary-key".into()),
        };
        let back = Login::from_grant(&login.to_grant().unwrap()).unwrap();
        assert_eq!(back.refresh_token.unwrap().expose_secret(), "canary\"\u{1}");
        assert_eq!(back.proof_key.unwrap().expose_secret(), "canary-key");
        assert_eq!((back.issuer, back.sub), (login.issuer.clone(), login.sub.clone()));
        assert!(!format!("{login:?} {login:#?}").contains("canary"));
    }

    #[test]
    fn what_is_in_another_form_is_not_guessed_at() {
        for bytes in
            ["rt-1", r#"{"version":2,"issuer":"a","clientId":"c","refreshToken":"r","scopes":[]}"#]
        {
            let error = Login::from_grant(&Grant::from(bytes.as_bytes().to_vec())).unwrap_err();
            assert_eq!(error.code(), ErrorCode::StoreUnreadable);
        }
    }
}
