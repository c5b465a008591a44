//! [`Nonces`]: what servers want to find in the next proof (RFC 9449 §8, §9).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More servers than one provider talks to; beyond that the first by name gives way.
const MOST: usize = 64;
/// The longest nonce that is kept.
const LONGEST: usize = 1024;

/// The last nonce of each server, by origin. A nonce is no secret.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<BTreeMap<String, String>>);

impl Nonces {
    pub(crate) fn of(&self, origin: &str) -> Option<String> {
        self.map().get(origin).cloned()
    }

    /// Keeps `nonce`; whether it is another than was known.
    pub(crate) fn learn(&self, origin: &str, nonce: &str) -> bool {
        // RFC 9449 §8.1: NQCHAR.
        let valid = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if nonce.is_empty() || nonce.len() > LONGEST || !nonce.bytes().all(valid) {
            return false;
        }
        let mut map = self.map();
        let before = map.insert(origin.to_owned(), nonce.to_owned());
        if map.len() > MOST {
            map.pop_first();
        }
        before.as_deref() != Some(nonce)
    }

    fn map(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_of_each_server_is_kept() {
        let nonces = Nonces::default();
        assert!(nonces.learn("https://a.example", "1"));
        assert!(!nonces.learn("https://a.example", "1"), "known");
        assert!(nonces.learn("https://a.example", "2"));
        assert_eq!(nonces.of("https://a.example").as_deref(), Some("2"));
        assert_eq!(nonces.of("https://b.example"), None);
        for wrong in ["", "a b", "a\"b", &"x".repeat(LONGEST + 1)] {
            assert!(!nonces.learn("https://a.example", wrong));
        }
        for server in 0..2 * MOST {
            nonces.learn(&format!("https://{server}.example"), "n");
        }
        assert_eq!(nonces.map().len(), MOST);
    }
}
