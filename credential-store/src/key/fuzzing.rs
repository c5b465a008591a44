//! The parser of the key file, for [`crate::fuzzing`].

use super::text;
use super::{DataKey, KeyRing};

pub(crate) fn keys(bytes: &[u8]) -> bool {
    let Ok(ring) = text::parse(bytes) else {
        return false;
    };
    let again = text::parse(text::text(&ring).as_bytes());
    assert_eq!(again.as_ref().map(ids), Ok(ids(&ring)), "a key file changed");
    true
}

pub(crate) fn text(ring: &KeyRing) -> Vec<u8> {
    text::text(ring).as_bytes().to_vec()
}

fn ids(ring: &KeyRing) -> Vec<super::KeyId> {
    ring.keys().map(DataKey::id).collect()
}
