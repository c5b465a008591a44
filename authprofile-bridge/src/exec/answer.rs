//! [`ExecAnswer`]: what is answered, and how it is written.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use credential_provider_api::{Credential, CredentialError, ErrorCode, Material, is_mark};
use secrecy::{ExposeSecret as _, SecretString};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::request::VERSION;
use crate::secret_ref::SecretBytes;

/// The answers by id, for a host that puts an answer together of several.
#[derive(Default)]
pub struct ExecAnswer {
    pub(crate) values: BTreeMap<String, Arc<Credential>>,
    pub(crate) errors: BTreeMap<String, Refusal>,
}

/// Why an id has no value.
#[derive(serde::Deserialize, serde::Serialize)]
pub(crate) struct Refusal {
    message: String,
    code: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: &'static str) -> Self {
        Self { message: message.to_owned(), code: code.to_owned() }
    }

    /// Code and next step: the detail may come from outside.
    pub(crate) fn of(error: &CredentialError) -> Self {
        let code = match error.code() {
            ErrorCode::SessionRequired => {
                let message = "session_required: It belongs to a person's session, and who asks here \
                               proves to be nobody. Refer to a credential of the gateway.";
                return Self::new("SESSION_REQUIRED", message);
            }
            ErrorCode::CredentialNotFound | ErrorCode::ProviderNotFound => "NOT_FOUND".to_owned(),
            code => code.as_str().to_ascii_uppercase(),
        };
        Self { message: format!("{}: {}", error.code(), error.next_step()), code }
    }
}

impl ExecAnswer {
    /// The answers of another one, too.
    pub fn join(&mut self, other: Self) {
        self.values.extend(other.values);
        self.errors.extend(other.errors);
    }

    /// An error for those of `ids` that have no answer.
    pub fn refuse(&mut self, ids: &[String], error: &CredentialError) {
        for id in ids {
            if !self.values.contains_key(id) && !self.errors.contains_key(id) {
                self.errors.insert(id.clone(), Refusal::of(error));
            }
        }
    }

    pub(crate) fn put(&mut self, id: String, found: Result<Arc<Credential>, CredentialError>) {
        let found = found.and_then(|credential| {
            let marked = |(_, secret): (&str, &SecretString)| is_mark(secret.expose_secret());
            if credential.material().secrets().any(marked) {
                return Err(CredentialError::new(ErrorCode::RedactedValue, ""));
            }
            // A kind that is added later is no text we could give.
            match credential.material() {
                Material::ApiKey(_)
                | Material::OAuth2(_)
                | Material::Token(_)
                | Material::UserValue(_)
                | Material::AccessKey(_) => Ok(credential),
                _ => Err(CredentialError::new(ErrorCode::Unsupported, "")),
            }
        });
        match found {
            Ok(credential) => drop(self.values.insert(id, credential)),
            Err(error) => drop(self.errors.insert(id, Refusal::of(&error))),
        }
    }

    /// The answer as JSON, in a buffer that is wiped.
    pub(crate) fn to_json(&self) -> SecretBytes {
        let mut bytes = SecretBytes::default();
        // The buffer takes everything, and texts are all there is.
        let _ = serde_json::to_writer(&mut bytes, self);
        bytes
    }
}

/// Ids alone.
impl fmt::Debug for ExecAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (values, errors): (Vec<_>, Vec<_>) =
            (self.values.keys().collect(), self.errors.keys().collect());
        f.debug_struct("ExecAnswer").field("values", &values).field("errors", &errors).finish()
    }
}

impl Serialize for ExecAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("protocolVersion", &VERSION)?;
        map.serialize_entry("values", &Values(&self.values))?;
        if !self.errors.is_empty() {
            map.serialize_entry("errors", &self.errors)?;
        }
        map.end()
    }
}

/// The one place that writes secrets out.
struct Values<'a>(&'a BTreeMap<String, Arc<Credential>>);

struct Value<'a>(&'a Material);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.iter().map(|(id, credential)| (id, Value(credential.material())));
        serializer.collect_map(values)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Material::ApiKey(secret) | Material::OAuth2(secret) | Material::Token(secret) => {
                serializer.serialize_str(secret.expose_secret())
            }
            Material::UserValue(fields) => match fields.values().next() {
                Some(only) if fields.len() == 1 => serializer.serialize_str(only.expose_secret()),
                _ => serializer.collect_map(fields.iter().map(|(n, s)| (n, s.expose_secret()))),
            },
            Material::AccessKey(key) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("accessKeyId", &key.access_key_id)?;
                map.serialize_entry("secretAccessKey", key.secret_access_key.expose_secret())?;
                if let Some(token) = &key.session_token {
                    map.serialize_entry("sessionToken", token.expose_secret())?;
                }
                map.end()
            }
            _ => serializer.serialize_none(),
        }
    }
}
