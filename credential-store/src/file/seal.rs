//! A record as it lies on the disk: sealed with AES-256-GCM, bound to its key and revision.
//!
//! ```text
//! "CREDREC" version(1) | data key id(8) | revision(8) | nonce(12) | ciphertext and tag
//! ```
//! The associated data is everything before the nonce and the record's [`Name`], which is made of
//! provider, id, session and variant. The plaintext begins with that key in full; a record is
//! believed only under the key it was sealed for.

use aes_gcm::aead::{AeadInOut as _, Nonce, Tag};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use credential_provider_api::{CredentialError, ErrorCode, Key, Record, Revision};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::name::Name;
use crate::key::{DataKey, KeyId, KeyRing, random};

const MAGIC: &[u8; 7] = b"CREDREC";
const VERSION: u8 = 1;
const HEAD: usize = 24;
const NONCE: usize = 12;
const TAG: usize = 16;
const REMOVED: u8 = 0;
const KEPT: u8 = 1;

/// A record read back.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) key: Key,
    pub(crate) revision: Revision,
    /// `None` for a tombstone.
    pub(crate) record: Option<Record>,
}

/// Why sealed bytes cannot be read.
#[derive(Debug)]
pub(crate) enum Sealed {
    /// Not made by us.
    Foreign,
    /// Shorter than it should be.
    Torn,
    /// Made by a newer version.
    Newer(u8),
    /// Sealed with a key that is not in the ring.
    UnknownKey(KeyId),
    /// Changed, or moved here from another key or revision.
    Altered,
    /// Ours, and what is inside cannot be read.
    Inside(CredentialError),
}

impl Sealed {
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Foreign => "is not a record of this library".to_owned(),
            Self::Torn => "is torn".to_owned(),
            Self::Newer(version) => {
                format!("was written by a newer version of this library (format {version})")
            }
            Self::UnknownKey(key) => format!("is encrypted with the unknown key {key}"),
            Self::Altered => "was altered, or belongs to another key or revision".to_owned(),
            Self::Inside(error) => format!("cannot be understood: {}", error.detail()),
        }
    }
}

/// Seals a record, or a tombstone, of `key` at `revision`.
pub(crate) fn seal(
    with: &DataKey,
    name: Name,
    key: &Key,
    revision: Revision,
    record: Option<&Record>,
) -> Result<Vec<u8>, CredentialError> {
    let encoded = key.encoded();
    let record = record.map(Record::encode).transpose()?;
    let body = record.as_ref().map_or(&[][..], |record| record.expose_secret());
    let length = u32::try_from(encoded.len()).map_err(|_| unsealable())?;

    let mut bytes =
        Zeroizing::new(Vec::with_capacity(HEAD + NONCE + 5 + encoded.len() + body.len() + TAG));
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&with.id().0);
    bytes.extend_from_slice(&revision.get().to_be_bytes());
    let associated = associated(&bytes, name);
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(encoded.as_bytes());
    bytes.push(if record.is_some() { KEPT } else { REMOVED });
    bytes.extend_from_slice(body);
    let plain = bytes.get_mut(HEAD + NONCE..).ok_or_else(unsealable)?;
    let tag = cipher(with)
        .encrypt_inout_detached(&Nonce::<Aes256Gcm>::from(nonce), &associated, plain.into())
        .map_err(|_| unsealable())?;
    bytes.extend_from_slice(&tag);
    Ok(std::mem::take(&mut *bytes))
}

/// Reads what [`seal`] wrote.
pub(crate) fn open(ring: &KeyRing, name: Name, bytes: &[u8]) -> Result<Opened, Sealed> {
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or_else(|| short(bytes))?;
    let (magic, rest_of_head) = head.split_first_chunk::<7>().ok_or(Sealed::Torn)?;
    let (version, rest_of_head) = rest_of_head.split_first().ok_or(Sealed::Torn)?;
    if magic != MAGIC || *version == 0 {
        return Err(Sealed::Foreign);
    }
    if *version > VERSION {
        return Err(Sealed::Newer(*version));
    }
    let (id, revision) = rest_of_head.split_first_chunk::<8>().ok_or(Sealed::Torn)?;
    let with = ring.find(KeyId(*id)).ok_or(Sealed::UnknownKey(KeyId(*id)))?;
    let revision = revision.first_chunk::<8>().ok_or(Sealed::Torn)?;
    let revision = Revision::new(u64::from_be_bytes(*revision)).ok_or(Sealed::Altered)?;

    let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Sealed::Torn)?;
    let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(Sealed::Torn)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    cipher(with)
        .decrypt_inout_detached(
            &Nonce::<Aes256Gcm>::from(*nonce),
            &associated(head, name),
            plain.as_mut_slice().into(),
            &Tag::<Aes256Gcm>::from(*tag),
        )
        .map_err(|_| Sealed::Altered)?;
    let (key, record) = inside(&plain)?;
    Ok(Opened { key, revision, record })
}

/// Reads what was encrypted.
pub(crate) fn inside(plain: &[u8]) -> Result<(Key, Option<Record>), Sealed> {
    let (length, rest) = plain.split_first_chunk::<4>().ok_or(Sealed::Altered)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Sealed::Altered)?;
    let (key, rest) = rest.split_at_checked(length).ok_or(Sealed::Altered)?;
    let key = std::str::from_utf8(key).map_err(|_| Sealed::Altered)?;
    let key = Key::from_encoded(key).map_err(|_| Sealed::Altered)?;
    let record = match rest.split_first() {
        Some((&KEPT, body)) => Some(Record::decode(body).map_err(Sealed::Inside)?),
        Some((&REMOVED, [])) => None,
        _ => return Err(Sealed::Altered),
    };
    Ok((key, record))
}

/// The id of the key that sealed `bytes`, unchecked.
pub(crate) fn sealed_with(bytes: &[u8]) -> Option<KeyId> {
    let id = bytes.strip_prefix(MAGIC)?.get(1..)?.first_chunk::<8>()?;
    Some(KeyId(*id))
}

fn short(bytes: &[u8]) -> Sealed {
    let begun = bytes.len().min(MAGIC.len());
    if bytes.get(..begun) == MAGIC.get(..begun) { Sealed::Torn } else { Sealed::Foreign }
}

fn associated(head: &[u8], name: Name) -> Vec<u8> {
    [head, &name.0].concat()
}

fn cipher(key: &DataKey) -> Aes256Gcm {
    Aes256Gcm::new(key.expose().into())
}

fn unsealable() -> CredentialError {
    CredentialError::new(ErrorCode::Internal, "a record was not sealed")
}
