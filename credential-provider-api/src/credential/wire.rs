//! The form in which a store keeps a credential: JSON under the RFC's names, times in milliseconds.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};

use super::issued::Credential;
use super::material::{AccessKey, CredentialKind, Material};
use super::{Freshness, Placement};
use crate::error::{CredentialError, ErrorCode};
use crate::id::AccountId;
use crate::origin::Origin;
use crate::time::Timestamp;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Out<'a> {
    r#type: CredentialKind,
    secrets: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh_for_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a AccountId>,
    scopes: &'a [String],
    origins: &'a [Origin],
    properties: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<&'a Placement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct In {
    r#type: CredentialKind,
    secrets: BTreeMap<String, SecretString>,
    access_key_id: Option<String>,
    expires_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    fresh_for_ms: Option<u64>,
    account: Option<AccountId>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    origins: Vec<Origin>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    placement: Option<Placement>,
}

impl Credential {
    /// The credential as bytes for a store to encrypt. This is a sink: the bytes hold the secrets.
    ///
    /// Revision and window are the store's and the engine's; a signer is not kept, its provider
    /// attaches it again after [`decode`](Self::decode).
    ///
    /// # Errors
    /// `internal` if encoding fails, which no credential is known to cause.
    pub fn encode(&self) -> Result<SecretSlice<u8>, CredentialError> {
        let out = Out {
            r#type: self.kind(),
            secrets: self.material().secrets().map(|(n, s)| (n, s.expose_secret())).collect(),
            access_key_id: match self.material() {
                Material::AccessKey(key) => Some(&key.access_key_id),
                _ => None,
            },
            expires_at: self.expires_at(),
            issued_at: self.issued_at(),
            fresh_for_ms: match self.freshness() {
                Freshness::Never => Some(0),
                Freshness::For(span) => {
                    Some(u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1))
                }
                Freshness::UntilChanged => None,
            },
            account: self.account(),
            scopes: self.scopes(),
            origins: self.origins(),
            properties: self.properties().collect(),
            placement: self.placement(),
        };
        // Sized for the worst case first: a buffer that grows leaves copies of secrets behind.
        let room: usize = self.material().secrets().map(|(_, s)| s.expose_secret().len() * 6).sum();
        let rest = self.scopes().len() * 256 + self.origins().len() * 300;
        let properties: usize = self.properties().map(|(k, v)| (k.len() + v.len()) * 6 + 8).sum();
        let mut bytes = Vec::with_capacity(room + rest + properties + 4096);
        serde_json::to_writer(&mut bytes, &out).map_err(|_| {
            CredentialError::new(ErrorCode::Internal, "a credential was not encoded")
        })?;
        Ok(bytes.into())
    }

    /// Reads back what [`encode`](Self::encode) gave.
    ///
    /// # Errors
    /// `store_unreadable` if the bytes are damaged or of a newer version. They are not shown.
    pub fn decode(bytes: &[u8]) -> Result<Self, CredentialError> {
        let unreadable =
            || CredentialError::new(ErrorCode::StoreUnreadable, "a stored credential is damaged");
        let mut read: In = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
        let mut take = |name: &str| read.secrets.remove(name).ok_or_else(unreadable);
        let material = match read.r#type {
            CredentialKind::ApiKey => Material::ApiKey(take("key")?),
            CredentialKind::OAuth2 => Material::OAuth2(take("access_token")?),
            CredentialKind::Token => Material::Token(take("token")?),
            CredentialKind::AccessKey => Material::AccessKey(AccessKey::new(
                read.access_key_id.ok_or_else(unreadable)?,
                take("secret_access_key")?,
                take("session_token").ok(),
            )),
            CredentialKind::UserValue => Material::UserValue(std::mem::take(&mut read.secrets)),
        };
        let mut credential = Self::new(material).with_scopes(read.scopes);
        if let Some(at) = read.expires_at {
            credential = credential.with_expiry(at);
        }
        if let Some(at) = read.issued_at {
            credential = credential.with_issue_time(at);
        }
        if let Some(account) = read.account {
            credential = credential.with_account(account);
        }
        if let Some(placement) = read.placement {
            credential = credential.with_placement(placement);
        }
        for origin in read.origins {
            credential = credential.with_origin(origin);
        }
        for (name, value) in read.properties {
            credential = credential.with_property(name, value);
        }
        Ok(credential.with_freshness(match read.fresh_for_ms {
            None => Freshness::UntilChanged,
            Some(0) => Freshness::Never,
            Some(ms) => Freshness::For(std::time::Duration::from_millis(ms)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_kind_comes_back_as_it_was() {
        let key = AccessKey::new("AKID".into(), "s".into(), Some("t".into()));
        let credentials = [
            Credential::api_key("k".into()).with_placement(Placement::query("key")),
            Credential::oauth2("a\"b\u{1}".into()).with_expiry(Timestamp::from_millis(5)),
            Credential::token("t".into()).with_freshness(Freshness::For(Duration::from_secs(3))),
            Credential::user_value([("pin".to_owned(), "1".into())].into()),
            Credential::access_key(key)
                .with_account(AccountId::new("acc").unwrap())
                .with_origin(Origin::parse("https://a.example").unwrap())
                .with_property("region", "eu")
                .with_scopes(["x"]),
        ];
        for credential in credentials {
            let bytes = credential.encode().unwrap();
            let back = Credential::decode(bytes.expose_secret()).unwrap();
            assert!(back.same_secrets(&credential));
            assert_eq!(format!("{back:?}"), format!("{credential:?}"));
            assert_eq!(back.placement(), credential.placement());
            assert_eq!(back.property("region"), credential.property("region"));
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_that_shows_nothing() {
        let error =
            Credential::decode(br#"{"type":"api_key","secrets":{"k":"canary"}}"#).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnreadable);
        assert!(!format!("{error:?}").contains("canary"));
    }
}
