//! Every format we read, for a fuzzer. Not a public API: it changes without notice.
//!
//! The first byte of an input chooses the [`Format`], the rest is what would lie on the disk. What
//! is understood is written again and must come back the same.
#![cfg(unix)]

use credential_provider_api::{Key, Record};
use secrecy::{ExposeSecret as _, SecretBox};

use crate::file::fuzzing as file;
use crate::key::{DataKey, KeyRing, fuzzing as key};

/// What an input is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A file of a record.
    Sealed,
    /// What is encrypted in it.
    Inside,
    /// A record by itself.
    Record,
    /// The journal.
    Journal,
    /// `store.json`.
    Header,
    /// The key file.
    Keys,
    /// The file of a lease.
    Holder,
    /// A key's text.
    Key,
}

impl Format {
    /// All of them, at the index that chooses them.
    pub const ALL: [Self; 8] = [
        Self::Sealed,
        Self::Inside,
        Self::Record,
        Self::Journal,
        Self::Header,
        Self::Keys,
        Self::Holder,
        Self::Key,
    ];
}

/// Reads `input` as the format that its first byte chooses; whether it was understood.
///
/// # Panics
/// If what was understood does not come back the same, which is a finding.
#[must_use]
pub fn read(input: &[u8]) -> bool {
    let Some((choice, bytes)) = input.split_first() else {
        return false;
    };
    match Format::ALL.get(usize::from(*choice) % Format::ALL.len()) {
        Some(Format::Sealed) => file::sealed(&ring(), bytes),
        Some(Format::Inside) => file::inside(bytes),
        Some(Format::Record) => record(bytes),
        Some(Format::Journal) => file::journal(bytes),
        Some(Format::Header) => file::header(bytes),
        Some(Format::Keys) => key::keys(bytes),
        Some(Format::Holder) => file::holder(bytes),
        Some(Format::Key) => text(bytes),
        None => false,
    }
}

/// A sound input of each format, with nothing secret in it.
#[must_use]
pub fn samples(key: &Key, record: &Record) -> Vec<(Format, Vec<u8>)> {
    let encoded = record.encode().map(|bytes| bytes.expose_secret().to_vec()).unwrap_or_default();
    let inside = |kept: bool| {
        let key = key.encoded();
        let length = u32::try_from(key.len()).unwrap_or_default().to_be_bytes();
        let body = if kept { &encoded[..] } else { &[] };
        [&length[..], key.as_bytes(), &[u8::from(kept)], body].concat()
    };
    let found = vec![
        (Format::Sealed, file::seal(&ring(), key, Some(record))),
        (Format::Sealed, file::seal(&ring(), key, None)),
        (Format::Inside, inside(true)),
        (Format::Inside, inside(false)),
        (Format::Record, encoded.clone()),
        (Format::Journal, file::journal_of(3)),
        (Format::Header, file::header_of("00112233445566778899aabbccddeeff")),
        (Format::Keys, key::text(&ring())),
        (Format::Holder, file::holder_of("host")),
        (Format::Key, key.encoded().into_bytes()),
    ];
    let chosen = |(format, bytes): (Format, Vec<u8>)| {
        let choice = Format::ALL.iter().position(|other| *other == format).unwrap_or_default();
        (format, [&[u8::try_from(choice).unwrap_or_default()], &bytes[..]].concat())
    };
    found.into_iter().map(chosen).collect()
}

/// Keys that everybody knows.
fn ring() -> KeyRing {
    let key = |byte| DataKey::new(SecretBox::new(Box::new([byte; 32])));
    KeyRing::new(key(1)).with_old(key(2))
}

fn record(bytes: &[u8]) -> bool {
    let Ok(record) = Record::decode(bytes) else {
        return false;
    };
    // Its own second form is the measure: a record's fields may come in any order.
    let once = encoded(&record);
    let again = once.as_ref().and_then(|bytes| Record::decode(bytes).ok());
    assert_eq!(again.and_then(|record| encoded(&record)), once, "a record changed");
    true
}

fn encoded(record: &Record) -> Option<Vec<u8>> {
    record.encode().ok().map(|bytes| bytes.expose_secret().to_vec())
}

fn text(bytes: &[u8]) -> bool {
    let Some((text, key)) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| Some((text, Key::from_encoded(text).ok()?)))
    else {
        return false;
    };
    assert_eq!(key.encoded(), text, "a key changed");
    true
}
