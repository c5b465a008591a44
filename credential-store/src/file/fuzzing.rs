//! The parsers of the folder's files, for [`crate::fuzzing`].

use credential_provider_api::{Key, Record, Revision};

use super::header::{Header, Home};
use super::holder::Holder;
use super::journal::{Entry, entries};
use super::name::Name;
use super::seal::{self, Sealed};
use crate::key::KeyRing;

const NAME: Name = Name([7; 16]);

pub(crate) fn sealed(ring: &KeyRing, bytes: &[u8]) -> bool {
    let _ = seal::sealed_with(bytes);
    seal::open(ring, NAME, bytes).map_err(|sealed| assert!(!sealed.words().is_empty())).is_ok()
}

pub(crate) fn seal(ring: &KeyRing, key: &Key, record: Option<&Record>) -> Vec<u8> {
    seal::seal(ring.active(), NAME, key, Revision::FIRST, record).unwrap_or_default()
}

pub(crate) fn inside(bytes: &[u8]) -> bool {
    match seal::inside(bytes) {
        Ok(_) => true,
        Err(Sealed::Altered | Sealed::Inside(_)) => false,
        Err(other) => unreachable!("what was decrypted cannot be {other:?}"),
    }
}

pub(crate) fn journal(bytes: &[u8]) -> bool {
    let found = entries(bytes);
    let again: Vec<u8> = found.iter().flat_map(|entry| entry.bytes()).collect();
    assert_eq!(entries(&again), found, "an entry changed");
    !found.is_empty()
}

pub(crate) fn journal_of(many: u8) -> Vec<u8> {
    let entry = |number| Entry { name: Name([number; 16]), revision: Revision::FIRST.next() };
    (0..many).flat_map(|number| entry(number).bytes()).collect()
}

pub(crate) fn header(bytes: &[u8]) -> bool {
    let Ok(header) = Header::parse(bytes) else {
        return false;
    };
    assert_eq!(Header::parse(&header.bytes()).as_ref(), Ok(&header), "a header changed");
    true
}

pub(crate) fn header_of(id: &str) -> Vec<u8> {
    Header::of(id.to_owned(), Home::sample()).bytes()
}

pub(crate) fn holder(bytes: &[u8]) -> bool {
    let Some(holder) = Holder::parse(&String::from_utf8_lossy(bytes)) else {
        return false;
    };
    assert_eq!(Holder::parse(&holder.line()).as_ref(), Some(&holder), "a holder changed");
    let _ = holder.life();
    true
}

pub(crate) fn holder_of(host: &str) -> Vec<u8> {
    format!("{}..", Holder::named(host).line()).into_bytes()
}
