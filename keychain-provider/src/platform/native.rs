//! A store of `keyring-core`: what macOS and Windows have in common.
//!
//! Its errors are matched and never formatted: two of them carry the secret in their `Debug`.

use std::collections::HashMap;
use std::sync::Arc;

use credential_provider_api::{CredentialError, ExposeSecret as _};
use keyring_core::{CredentialStore, Entry, Error};
use secrecy::SecretSlice;
use zeroize::Zeroizing;

use crate::error::{ambiguous, garbled, interaction, unavailable, unsupported};
use crate::item::{Item, OwnItem};
use crate::keychain::{Call, Condition, Keychain};
use crate::secret::exact;

/// How a platform differs from others.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each platform makes one of them")]
pub(super) enum Dialect {
    /// macOS: a search by service reads no secret; an item's secret is its bytes.
    Apple,
    /// Windows: all items are looked through; other programs' are UTF-16 text, and may be named by
    /// their `target`.
    Windows,
}

pub(super) struct Native {
    own: Arc<CredentialStore>,
    foreign: Arc<CredentialStore>,
    dialect: Dialect,
}

impl Native {
    /// Items of ours in one store, other programs' in the other: the names may be built differently.
    pub(super) fn new(
        own: Arc<CredentialStore>,
        foreign: Arc<CredentialStore>,
        dialect: Dialect,
    ) -> Self {
        Self { own, foreign, dialect }
    }

    fn entry(&self, item: &Item) -> Result<Entry, CredentialError> {
        let built = match item {
            Item::Own(own) => self.own.build(own.service(), own.account(), None),
            Item::Foreign(foreign) => {
                let target = foreign.attributes().get("target");
                let target = target.filter(|_| {
                    self.dialect == Dialect::Windows && foreign.attributes().len() == 1
                });
                match (foreign.service_and_account(), target) {
                    (Some((service, account)), _) => self.foreign.build(service, account, None),
                    (None, Some(target)) => {
                        let modifiers = HashMap::from([("target", target.as_str())]);
                        self.foreign.build("", "", Some(&modifiers))
                    }
                    (None, None) => {
                        let detail = "an item of this platform is named by service and account";
                        return Err(unsupported(detail));
                    }
                }
            }
        };
        built.map_err(|error| meaning(&error))
    }

    /// Service and account of what is in a store.
    fn names(
        &self,
        store: &Arc<CredentialStore>,
        service: &str,
    ) -> Result<Vec<(String, String)>, CredentialError> {
        let spec = match self.dialect {
            Dialect::Apple => HashMap::from([("service", service)]),
            Dialect::Windows => HashMap::new(),
        };
        let found = store.search(&spec).map_err(|error| meaning(&error))?;
        let names = found.iter().filter_map(Entry::get_specifiers);
        Ok(names.filter(|(of, _)| of == service).collect())
    }
}

impl Keychain for Native {
    fn read(&mut self, item: &Item, _: &Call) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        let entry = self.entry(item)?;
        let text = matches!(item, Item::Foreign(_)) && self.dialect == Dialect::Windows;
        let secret =
            if text { entry.get_password().map(String::into_bytes) } else { entry.get_secret() };
        match secret {
            Ok(secret) => Ok(Some(exact(&Zeroizing::new(secret)))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(meaning(&error)),
        }
    }

    fn write(
        &mut self,
        item: &OwnItem,
        _: &str,
        secret: &SecretSlice<u8>,
        _: &Call,
    ) -> Result<(), CredentialError> {
        let entry = self.entry(&Item::Own(item.clone()))?;
        entry.set_secret(secret.expose_secret()).map_err(|error| meaning(&error))
    }

    fn delete(&mut self, item: &OwnItem, _: &Call) -> Result<bool, CredentialError> {
        match self.entry(&Item::Own(item.clone()))?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(meaning(&error)),
        }
    }

    fn holds(&mut self, item: &Item, _: &Call) -> Result<bool, CredentialError> {
        let entry = self.entry(item)?;
        let (store, pair) = match item {
            Item::Own(own) => (&self.own, Some((own.service(), own.account()))),
            Item::Foreign(foreign) => (&self.foreign, foreign.service_and_account()),
        };
        // On macOS attributes come with the secret, and perhaps with a question to a person.
        if let (Dialect::Apple, Some((service, account))) = (self.dialect, pair) {
            return Ok(self.names(store, service)?.iter().any(|(_, found)| found == account));
        }
        match entry.get_attributes() {
            Ok(_) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(meaning(&error)),
        }
    }

    fn accounts(&mut self, service: &str, _: &Call) -> Result<Vec<String>, CredentialError> {
        Ok(self.names(&self.own, service)?.into_iter().map(|(_, account)| account).collect())
    }

    fn condition(&mut self, _: &Call) -> Result<Condition, CredentialError> {
        Ok(Condition::Ready)
    }

    fn unlock(&mut self, _: &Item, _: &Call) -> Result<(), CredentialError> {
        Err(unsupported("this platform raises its prompts by itself"))
    }
}

/// What an error means. Nothing in it is shown.
fn meaning(error: &Error) -> CredentialError {
    match error {
        Error::NoStorageAccess(_) => {
            interaction("the keychain is locked or denies this program: allow it there")
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) => {
            garbled("the item holds something that is not text")
        }
        Error::TooLong(_, _) => unsupported("the secret or its name is too long for this platform"),
        Error::Invalid(_, _) => unsupported("this platform has no item of such a name"),
        Error::Ambiguous(found) => ambiguous(found.len()),
        Error::NotSupportedByStore(_) => unsupported("this platform's store does not do that"),
        _ => unavailable("the platform's keychain failed"),
    }
}

#[cfg(test)]
mod tests;
