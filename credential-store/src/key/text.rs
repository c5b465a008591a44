//! Keys as text: what stands in a key file, or in an item of a keychain.

use std::fmt::Write as _;

use secrecy::SecretBox;
use zeroize::Zeroizing;

use super::data_key::DataKey;
use super::ring::KeyRing;

const FIRST_LINE: &str = "credential-store keys 1";

pub(super) fn text(ring: &KeyRing) -> Zeroizing<String> {
    let room = FIRST_LINE.len() + 1 + ring.keys().count() * 65;
    // Sized at once: a buffer that grows leaves copies of keys behind.
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(FIRST_LINE);
    text.push('\n');
    for key in ring.keys() {
        for byte in key.expose() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

pub(super) fn parse(bytes: &[u8]) -> Result<KeyRing, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not a key file")?;
    // Without its last line's end it may be torn.
    let text = text.strip_suffix('\n').ok_or("is torn")?;
    let mut lines = text.split('\n');
    match lines.next() {
        Some(FIRST_LINE) => {}
        Some(line) if line.starts_with("credential-store keys ") => {
            return Err("was written by a newer version of this library");
        }
        _ => return Err("is not a key file"),
    }
    let mut keys = lines.map(|line| key(line).ok_or("holds a line that is not a key"));
    let active = keys.next().ok_or("holds no key")??;
    keys.try_fold(KeyRing::new(active), |ring, key| Ok(ring.with_old(key?)))
}

fn key(line: &str) -> Option<DataKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    if line.len() != 64 || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(line.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(DataKey::new(SecretBox::init_with_mut(|key: &mut [u8; 32]| *key = *bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_comes_back_with_its_active_key_first() {
        let keys = [(); 3].map(|()| DataKey::generate().unwrap());
        let [a, b, c] = &keys;
        let ring = KeyRing::new(a.clone()).with_old(b.clone()).with_old(c.clone());
        let back = parse(text(&ring).as_bytes()).unwrap();
        let ids: Vec<_> = back.keys().map(DataKey::id).collect();
        assert_eq!(ids, [a.id(), b.id(), c.id()]);
    }

    #[test]
    fn a_damaged_file_is_an_error_that_shows_nothing() {
        let ring = KeyRing::new(DataKey::generate().unwrap());
        let whole = text(&ring);
        for end in 0..whole.len() {
            parse(&whole.as_bytes()[..end]).unwrap_err();
        }
        let newer = whole.replace("keys 1", "keys 2");
        assert!(parse(newer.as_bytes()).unwrap_err().contains("newer"));
        let longer = format!("{}00", whole.as_str());
        parse(longer.as_bytes()).unwrap_err();
    }
}
