//! The sections that this crate reads itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use credential_provider_api::Settings;
use resolution_engine::injection::Bindings;
use serde::Deserialize;

use super::{Document, DocumentError};

pub(super) const KNOWN: [&str; 5] = [
    "credentialProviders",
    "credentialAccess",
    "credentialStore",
    "credentialGateway",
    "credentialBindings",
];

/// Whether a section of this name was meant to be one of ours: it begins as they do, in capitals or
/// not, or two letters are wrong.
pub(super) fn is_like_ours(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("credential")
        || KNOWN.iter().any(|known| typos(&known.to_ascii_lowercase(), &name) <= 2)
}

/// How many letters have to be put in, taken out or changed to make one text of the other (Levenshtein).
fn typos(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut left = above + 1;
        let mut next = vec![left];
        for (pair, found) in row.windows(2).zip(other.chars()) {
            if let [diagonal, upper] = pair {
                left = (left + 1).min(upper + 1).min(diagonal + usize::from(found != letter));
                next.push(left);
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// Where grants are kept: the section `credentialStore`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSettings {
    /// The encrypted folder.
    pub folder: PathBuf,
    /// Where its key is.
    pub key: StoreKey,
}

/// Where the key of a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreKey {
    /// In a file, made with mode 0600 if there is none.
    File(PathBuf),
    /// In the platform's keychain, under this service.
    Keychain {
        /// The service of the item.
        service: String,
    },
}

/// How a gateway is reached: the section `credentialGateway`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewaySettings {
    /// The Unix socket for the command; `credentials.sock` beside the configuration unless given.
    pub socket: PathBuf,
    /// Where sign-ins come back and the status page is; a port of its own on loopback unless given.
    pub listen: SocketAddr,
    /// Where the audit trail goes; nowhere unless given.
    pub audit: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawStore {
    folder: PathBuf,
    key_file: Option<PathBuf>,
    keychain: Option<RawKeychain>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawKeychain {
    service: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RawGateway {
    socket: Option<PathBuf>,
    listen: Option<String>,
    audit: Option<PathBuf>,
}

impl Document {
    /// Where grants are kept; `None` if the configuration names no place.
    ///
    /// # Errors
    /// What is wrong with the section.
    pub fn store(&self) -> Result<Option<StoreSettings>, DocumentError> {
        let Some(raw) = self.section::<RawStore>("credentialStore")? else { return Ok(None) };
        let place = |path, name: &str| self.place(path, format!("credentialStore.{name}"));
        let key = match (raw.key_file, raw.keychain) {
            (Some(file), None) => StoreKey::File(place(file, "keyFile")?),
            (None, Some(keychain)) => StoreKey::Keychain { service: keychain.service },
            _ => {
                let problem = "has a `keyFile` or a `keychain`, and not both";
                return Err(DocumentError::new("credentialStore", problem));
            }
        };
        Ok(Some(StoreSettings { folder: place(raw.folder, "folder")?, key }))
    }

    /// How a gateway on this configuration is reached.
    ///
    /// # Errors
    /// What is wrong with the section; an address that is not on loopback.
    pub fn gateway(&self) -> Result<GatewaySettings, DocumentError> {
        let raw = self.section::<RawGateway>("credentialGateway")?.unwrap_or_default();
        let at = "credentialGateway.listen";
        let listen = match raw.listen.as_deref().map(str::parse::<SocketAddr>) {
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            Some(Ok(address)) if is_loopback(address.ip()) => address,
            Some(_) => {
                let problem = "is an address on loopback with a port, for example 127.0.0.1:8347";
                return Err(DocumentError::new(at, problem));
            }
        };
        let socket = raw.socket.unwrap_or_else(|| "credentials.sock".into());
        let audit = raw.audit.map(|path| self.place(path, "credentialGateway.audit"));
        let socket = self.place(socket, "credentialGateway.socket")?;
        Ok(GatewaySettings { socket, listen, audit: audit.transpose()? })
    }

    /// Which credentials go into the environment of whose child processes: the section
    /// `credentialBindings`. A binding grants nothing.
    ///
    /// # Errors
    /// What is wrong with the section; a name that is blocked.
    pub fn bindings(&self) -> Result<Bindings, DocumentError> {
        Ok(self.section("credentialBindings")?.unwrap_or_else(Bindings::none))
    }

    /// A path that begins beside the file.
    fn place(&self, path: PathBuf, at: impl Into<String>) -> Result<PathBuf, DocumentError> {
        if path.as_os_str().is_empty() {
            return Err(DocumentError::new(at, "is a path, not an empty text"));
        }
        Ok(self.folder().join(path))
    }

    fn section<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, DocumentError> {
        let Some(value) = self.value().get(name) else { return Ok(None) };
        let settings = Settings::from_deserializer(name, value.clone());
        let unreadable = |_| DocumentError::new(name, "cannot be read");
        let read = settings.map_err(unreadable)?.read().map(Some);
        read.map_err(|error| DocumentError::new(error.path(), error.problem()))
    }
}

const fn is_loopback(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_two_letters_wrong_is_like_ours_and_a_word_of_its_own_is_not() {
        for name in ["credentailProviders", "CredentialProviders", "credentialX", "redentialstore"]
        {
            assert!(is_like_ours(name), "{name}");
        }
        for name in ["providers", "gateway", "secrets", "models", "credits", ""] {
            assert!(!is_like_ours(name), "{name}");
        }
        assert_eq!((typos("abc", "acb"), typos("", "ab"), typos("abc", "abc")), (2, 2, 0));
    }
}
