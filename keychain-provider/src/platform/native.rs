//! A store of `keyring-core`: what macOS and Windows have in common.
//!
//! Its errors are matched and never formatted: two of them carry the secret in their `Debug`.

use std::collections::HashMap;
use std::sync::Arc;

use credential_provider_api::{CredentialError, ExposeSecret as _};
use keyring_core::{CredentialStore, Entry, Error};
use secrecy::SecretSlice;

use crate::error::{ambiguous, garbled, interaction, unavailable, unsupported};
use crate::item::{Item, OwnItem};
use crate::keychain::{Call, Condition, Keychain};

/// How a platform names items of other programs, and how it searches.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// The modifier by which an item can be named in place of service and account.
    pub(super) target: Option<&'static str>,
    /// Whether a search can name the service; else all are looked through.
    pub(super) searches_by_service: bool,
}

pub(super) struct Native {
    store: Arc<CredentialStore>,
    dialect: Dialect,
}

impl Native {
    pub(super) fn new(store: Arc<CredentialStore>, dialect: Dialect) -> Self {
        Self { store, dialect }
    }

    fn entry(&self, item: &Item) -> Result<Entry, CredentialError> {
        let built = match item {
            Item::Own(own) => self.store.build(own.service(), own.account(), None),
            Item::Foreign(foreign) => {
                let target = self.dialect.target.filter(|_| foreign.attributes().len() == 1);
                let target = target.and_then(|name| Some((name, foreign.attributes().get(name)?)));
                match (foreign.service_and_account(), target) {
                    (Some((service, account)), _) => self.store.build(service, account, None),
                    (None, Some((name, value))) => {
                        let modifiers = HashMap::from([(name, value.as_str())]);
                        self.store.build("", "", Some(&modifiers))
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

    /// Service and account of what is there.
    fn names(&self, service: &str) -> Result<Vec<(String, String)>, CredentialError> {
        let by_service = HashMap::from([("service", service)]);
        let spec = if self.dialect.searches_by_service { by_service } else { HashMap::new() };
        let found = self.store.search(&spec).map_err(|error| meaning(&error))?;
        let names = found.iter().filter_map(Entry::get_specifiers);
        Ok(names.filter(|(of, _)| of == service).collect())
    }
}

impl Keychain for Native {
    fn read(&mut self, item: &Item, _: &Call) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        match self.entry(item)?.get_secret() {
            Ok(secret) => Ok(Some(secret.into())),
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

    fn holds(&mut self, item: &Item, call: &Call) -> Result<bool, CredentialError> {
        let pair = match item {
            Item::Own(own) => Some((own.service(), own.account())),
            Item::Foreign(foreign) => foreign.service_and_account(),
        };
        match pair {
            Some((service, account)) => {
                Ok(self.names(service)?.iter().any(|(_, found)| found == account))
            }
            // Such an item can only be looked for by reading it.
            None => self.read(item, call).map(|found| found.is_some()),
        }
    }

    fn accounts(&mut self, service: &str, _: &Call) -> Result<Vec<String>, CredentialError> {
        Ok(self.names(service)?.into_iter().map(|(_, account)| account).collect())
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
