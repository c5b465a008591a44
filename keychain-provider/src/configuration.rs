//! What stands in a configuration file; the [crate's page](crate#configuration) has a table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use credential_provider_api::{
    ConfigError, CredentialKind, Field, IdPattern, Origin, Placement, ProviderId,
};
use serde::Deserialize;

use crate::builder::KeychainProviderBuilder;
use crate::credential::KeychainCredential;
use crate::item::ForeignItem;
use crate::platform::StoreKind;
use crate::provider::KeychainProvider;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeychainConfiguration {
    display_name: Option<String>,
    service: Option<String>,
    pub(crate) stores: Option<Vec<StoreKind>>,
    pub(crate) encrypted_file: Option<EncryptedFileSettings>,
    timeout_seconds: Option<u32>,
    prompt_seconds: Option<u32>,
    reread_seconds: Option<u32>,
    credentials: BTreeMap<IdPattern, CredentialSettings>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EncryptedFileSettings {
    pub(crate) folder: PathBuf,
    pub(crate) key_file: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialSettings {
    #[serde(default = "api_key")]
    kind: CredentialKind,
    #[serde(default)]
    owner: Owner,
    item: Option<ItemSettings>,
    fields: Option<Vec<FieldSettings>>,
    #[serde(default)]
    origins: Vec<Origin>,
    placement: Option<Placement>,
    #[serde(default)]
    description: String,
}

const fn api_key() -> CredentialKind {
    CredentialKind::ApiKey
}

/// Whose a credential is. What a person types into a keychain is mostly the machine's.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Owner {
    #[default]
    Gateway,
    Session,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemSettings {
    service: Option<String>,
    account: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldSettings {
    name: String,
    label: Option<String>,
    #[serde(default)]
    plain: Plain,
}

/// Whether a field is shown while typed: hidden unless said.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(from = "bool")]
enum Plain {
    #[default]
    No,
    Yes,
}

impl From<bool> for Plain {
    fn from(plain: bool) -> Self {
        if plain { Self::Yes } else { Self::No }
    }
}

impl KeychainConfiguration {
    /// A builder with all of it but the stores.
    pub(crate) fn into_builder(
        self,
        id: ProviderId,
        path: &str,
    ) -> Result<KeychainProviderBuilder, ConfigError> {
        let mut builder = KeychainProvider::builder(id);
        if let Some(name) = self.display_name {
            builder = builder.display_name(name);
        }
        if let Some(service) = self.service {
            builder = builder.service(service);
        }
        let seconds = |n: u32| Duration::from_secs(n.into());
        if let Some(limit) = self.timeout_seconds {
            builder = builder.limit(seconds(limit));
        }
        if let Some(limit) = self.prompt_seconds {
            builder = builder.prompt_limit(seconds(limit));
        }
        if let Some(interval) = self.reread_seconds {
            builder = builder.reread(seconds(interval));
        }
        for (id, settings) in self.credentials {
            let path = at(path, &format!("credentials.{}", id.as_str()));
            let credential = settings.describe(id, &path)?;
            credential.check().map_err(|error| ConfigError::new(&path, said(error.detail())))?;
            builder = builder.credential(credential);
        }
        Ok(builder)
    }
}

impl CredentialSettings {
    fn describe(self, id: IdPattern, path: &str) -> Result<KeychainCredential, ConfigError> {
        let fields = self.fields.map(|fields| fields.into_iter().map(FieldSettings::field));
        if fields.is_some() && self.kind != CredentialKind::UserValue {
            return Err(ConfigError::new(&at(path, "fields"), "is for the kind user_value"));
        }
        let mut credential = match self.kind {
            CredentialKind::ApiKey => KeychainCredential::api_key(id),
            CredentialKind::Token => KeychainCredential::token(id),
            CredentialKind::UserValue => {
                KeychainCredential::user_value(id, fields.into_iter().flatten())
            }
            _ => {
                let problem = "is api_key, token or user_value";
                return Err(ConfigError::new(&at(path, "kind"), problem));
            }
        };
        if matches!(self.owner, Owner::Session) {
            credential = credential.of_each_session();
        }
        if let Some(item) = self.item {
            credential = credential.from_item(item.named(&at(path, "item"))?);
        }
        for origin in self.origins {
            credential = credential.origin(origin);
        }
        if let Some(placement) = self.placement {
            credential = credential.placement(placement);
        }
        Ok(credential.description(self.description))
    }
}

impl ItemSettings {
    fn named(self, path: &str) -> Result<ForeignItem, ConfigError> {
        let mut attributes = self.attributes;
        for (name, value) in [("service", self.service), ("account", self.account)] {
            if let Some(value) = value
                && attributes.insert(name.to_owned(), value).is_some()
            {
                return Err(ConfigError::new(path, format!("names its {name} twice")));
            }
        }
        ForeignItem::with_attributes(attributes)
            .map_err(|error| ConfigError::new(path, said(error.detail())))
    }
}

impl FieldSettings {
    fn field(self) -> Field {
        let label = self.label.unwrap_or_else(|| self.name.clone());
        match self.plain {
            Plain::Yes => Field::plain(self.name, label),
            Plain::No => Field::secret(self.name, label),
        }
    }
}

/// What is wrong, after the path of where.
pub(crate) fn said(detail: &str) -> String {
    format!("cannot be used: {detail}")
}

/// The path of a setting.
pub(crate) fn at(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
