//! Keys that stand in the configuration, or that it points at.

use credential_provider_api::{
    AccessKey, CredentialError, CredentialRef, ErrorCode, Request, Want,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::source::{Found, SourceKeys};

/// A part of a key: held, or another provider's credential, asked for each time.
#[derive(Clone)]
pub(crate) enum KeyPart {
    Held(SecretString),
    Asked(CredentialRef),
}

impl KeyPart {
    async fn get(&self, request: &Request) -> Result<SecretString, CredentialError> {
        match self {
            Self::Held(secret) => Ok(secret.clone()),
            Self::Asked(reference) => {
                let found = request.depend_on(Want::new(reference.clone())).await?;
                found.secret().cloned().ok_or_else(|| {
                    let detail = "a part of the platform keys is a credential of several values";
                    CredentialError::new(ErrorCode::ConfigurationInvalid, detail).about(reference)
                })
            }
        }
    }
}

#[derive(Clone)]
pub(crate) struct ConfiguredKeys {
    pub(crate) access_key_id: KeyPart,
    pub(crate) secret_access_key: KeyPart,
    pub(crate) session_token: Option<KeyPart>,
}

impl ConfiguredKeys {
    pub(super) async fn find(
        configured: Option<&Self>,
        request: &Request,
    ) -> Result<Found, CredentialError> {
        let Some(configured) = configured else {
            return Ok(Found::Absent("it has no accessKeyId"));
        };
        let id = configured.access_key_id.get(request).await?;
        let secret = configured.secret_access_key.get(request).await?;
        let token = match &configured.session_token {
            Some(part) => Some(part.get(request).await?),
            None => None,
        };
        // The id is public, wherever it is kept.
        let id = id.expose_secret().trim().to_owned();
        Ok(Found::Keys(SourceKeys::new(AccessKey::new(id, secret, token))))
    }
}
