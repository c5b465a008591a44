//! The kernel's key retention service: user keys in the session keyring.
//!
//! Keys live in kernel memory, are never swapped, and go with the session or the machine. An item of
//! ours is a key described `service:account`; another program's is named by its `description`, or by
//! service and account joined in the same way.

use std::collections::BTreeSet;

use credential_provider_api::CredentialError;
use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier, KeySerialId, KeyType};
use secrecy::SecretSlice;
use zeroize::Zeroizing;

use crate::error::{absent, garbled, unavailable, unsupported};
use crate::item::{Item, OwnItem};
use crate::keychain::{Call, Condition, Keychain};

/// The most a user key holds (keyrings(7)).
const LONGEST: usize = 32_767;
/// The special id of the session keyring (keyctl(2)).
const SESSION: i32 = -3;
/// Most keys looked at in a list.
const MOST: usize = 16_384;
/// Keyrings within each other that the kernel's search looks through (KEYRING_SEARCH_MAX_DEPTH).
const DEEPEST: usize = 6;

pub(super) struct Keyutils {
    ring: KeyRing,
}

impl Keyutils {
    pub(super) fn open() -> Result<Self, CredentialError> {
        let ring = KeyRing::from_special_id(KeyRingIdentifier::Session, false)
            .map_err(|error| missing(&error))?;
        // A sandbox may name the keyring and deny what is in it.
        links(KeySerialId::new(SESSION))?;
        Ok(Self { ring })
    }

    fn find(&self, description: &str) -> Result<Option<Key>, CredentialError> {
        match self.ring.search(description) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => {
                Ok(None)
            }
            Err(error) => Err(meaning(&error)),
        }
    }
}

fn description(item: &Item) -> Result<String, CredentialError> {
    match item {
        Item::Own(own) => Ok(own.joined()),
        Item::Foreign(foreign) => {
            let attributes = foreign.attributes();
            let named = attributes.get("description").filter(|_| attributes.len() == 1).cloned();
            let joined = || foreign.service_and_account().map(|(s, a)| format!("{s}:{a}"));
            named.or_else(joined).ok_or_else(|| {
                unsupported("a kernel key is named by its description, or by service and account")
            })
        }
    }
}

/// The kernel's own answer to a longer one says nothing of it.
fn fits(length: usize) -> Result<(), CredentialError> {
    if length > LONGEST {
        return Err(unsupported("a kernel key holds at most 32,767 bytes"));
    }
    Ok(())
}

/// The ids of what is in a keyring. Read as a key, into a buffer whose size is compared.
fn links(ring: KeySerialId) -> Result<Vec<KeySerialId>, CredentialError> {
    let mut buffer = vec![0_u8; 4 * MOST];
    let length = Key::from_id(ring).read(&mut buffer).map_err(|error| missing(&error))?;
    let ids = buffer.get(..length).ok_or_else(|| unavailable("the session keyring is too long"))?;
    let ids = ids.chunks_exact(4).filter_map(|id| <[u8; 4]>::try_from(id).ok());
    Ok(ids.map(|id| KeySerialId::new(i32::from_ne_bytes(id))).collect())
}

/// The descriptions of the user keys in the session keyring, and in the keyrings within it, which the
/// kernel's search looks through, too.
fn descriptions() -> Result<BTreeSet<String>, CredentialError> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut rings = vec![links(KeySerialId::new(SESSION))?];
    for _ in 0..DEEPEST {
        let mut within = Vec::new();
        for id in rings.into_iter().flatten() {
            if !seen.insert(id.as_raw_id()) {
                continue;
            }
            // A key may go while the list is read, or belong to somebody else.
            let Ok(about) = Key::from_id(id).metadata() else { continue };
            match about.get_type() {
                KeyType::User => drop(found.insert(about.get_description().to_owned())),
                KeyType::KeyRing => within.extend(links(id)),
                _ => {}
            }
        }
        rings = within;
    }
    Ok(found)
}

impl Keychain for Keyutils {
    fn read(&mut self, item: &Item, _: &Call) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        let Some(key) = self.find(&description(item)?)? else {
            return Ok(None);
        };
        let mut buffer = Zeroizing::new(vec![0_u8; LONGEST]);
        match key.read(&mut *buffer) {
            Ok(length) => {
                let secret = buffer.get(..length);
                let secret =
                    secret.ok_or_else(|| garbled("a kernel key is longer than one can be"))?;
                Ok(Some(secret.to_vec().into()))
            }
            Err(KeyError::KeyDoesNotExist | KeyError::KeyRevoked | KeyError::KeyExpired) => {
                Ok(None)
            }
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
        use credential_provider_api::ExposeSecret as _;
        let secret = secret.expose_secret();
        fits(secret.len())?;
        self.ring.add_key(&item.joined(), secret).map(drop).map_err(|error| meaning(&error))
    }

    fn delete(&mut self, item: &OwnItem, _: &Call) -> Result<bool, CredentialError> {
        let description = item.joined();
        let mut there = false;
        // There may be another of that name, in a keyring within the session's.
        for _ in 0..MOST {
            let Some(key) = self.find(&description)? else {
                return Ok(there);
            };
            // Unlinked it could live on in another keyring; invalidated it is gone from all.
            key.invalidate().map_err(|error| meaning(&error))?;
            there = true;
        }
        Err(unavailable("the kernel still has the key after it was deleted"))
    }

    fn holds(&mut self, item: &Item, _: &Call) -> Result<bool, CredentialError> {
        Ok(self.find(&description(item)?)?.is_some())
    }

    fn accounts(&mut self, service: &str, _: &Call) -> Result<Vec<String>, CredentialError> {
        let descriptions = descriptions()?;
        let of = |joined: &String| {
            let (of, account) = joined.split_once(':')?;
            (of == service).then(|| account.to_owned())
        };
        Ok(descriptions.iter().filter_map(of).collect())
    }

    fn condition(&mut self, _: &Call) -> Result<Condition, CredentialError> {
        links(KeySerialId::new(SESSION)).map(|_| Condition::Ready)
    }

    fn unlock(&mut self, _: &Item, _: &Call) -> Result<(), CredentialError> {
        Err(unsupported("the kernel's keys are never locked"))
    }
}

/// Why there is none here.
fn missing(error: &KeyError) -> CredentialError {
    match error {
        KeyError::AccessDenied | KeyError::PermissionDenied => {
            absent("the kernel or a sandbox denies this process its session keyring")
        }
        KeyError::OperationNotSupported => absent("this kernel has no key retention service"),
        KeyError::KeyringDoesNotExist | KeyError::KeyDoesNotExist => {
            absent("this process has no session keyring: run it under keyctl session")
        }
        _ => absent("the kernel's key retention service cannot be used here"),
    }
}

fn meaning(error: &KeyError) -> CredentialError {
    match error {
        KeyError::AccessDenied | KeyError::PermissionDenied => {
            unsupported("the kernel denies this process the key")
        }
        KeyError::QuotaExceeded => unavailable("the kernel's quota of keys is used up"),
        _ => unavailable("the kernel's key retention service failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::ForeignItem;
    use credential_provider_api::{ErrorClass, ErrorCode};

    #[test]
    fn a_keyring_that_is_denied_is_no_keychain_and_not_an_outage() {
        for error in [
            KeyError::AccessDenied,
            KeyError::PermissionDenied,
            KeyError::OperationNotSupported,
            KeyError::KeyDoesNotExist,
            KeyError::Unknown(38),
        ] {
            let error = missing(&error);
            assert_eq!(error.code(), ErrorCode::NotConfigured, "{error}");
            assert_eq!(error.class(), ErrorClass::FixConfiguration);
        }
        assert_eq!(meaning(&KeyError::QuotaExceeded).code(), ErrorCode::Unavailable);
        assert_eq!(meaning(&KeyError::AccessDenied).code(), ErrorCode::Unsupported);
    }

    #[test]
    fn a_secret_that_no_key_holds_is_refused() {
        fits(32_767).unwrap();
        assert_eq!(fits(32_768).unwrap_err().code(), ErrorCode::Unsupported);
    }

    #[test]
    fn another_programs_key_is_named_by_its_description_or_service_and_account() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            description(&Item::Foreign(ForeignItem::with_attributes(pairs).unwrap()))
        };
        assert_eq!(of(&[("description", "x")]).unwrap(), "x");
        assert_eq!(of(&[("service", "s"), ("account", "a")]).unwrap(), "s:a");
        for other in [&[("server", "x")][..], &[("description", "x"), ("server", "y")]] {
            assert_eq!(of(other).unwrap_err().code(), ErrorCode::Unsupported);
        }
    }
}
