//! The texts under which a secret is looked for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use credential_provider_api::{ExposeSecret as _, SecretString};

use super::fingerprint::{Fingerprint, Keys, LONGEST, WINDOW};

/// How often a pattern may repeat its own first window. Each time is one more place in it that
/// begins like the pattern, and is followed for as long as it does.
const REPEATS: usize = 64;
/// The last piece of a long pattern is at least this long.
const LAST: usize = 64;

/// Of the secret as it is, and of what it alone decides of a base64 text that holds it.
pub(super) fn fingerprints(keys: &Keys, secret: &str) -> Box<[Fingerprint]> {
    let mut prints: Vec<Fingerprint> = Vec::with_capacity(7);
    let mut take = |text: &str| {
        for piece in pieces(text.as_bytes()) {
            let print = keys.fingerprint(piece);
            if !prints.iter().any(|known| known.strong == print.strong) {
                prints.push(print);
            }
        }
    };
    take(secret);
    for before in 0..3 {
        let mut shifted = String::with_capacity(before + secret.len());
        shifted.extend(std::iter::repeat_n('\0', before));
        shifted.push_str(secret);
        let shifted = SecretString::from(shifted);
        for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let bytes = shifted.expose_secret().as_bytes();
            let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
            alphabet.encode_string(bytes, &mut encoded);
            let encoded = SecretString::from(encoded);
            let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
            take(encoded.expose_secret().get(own).unwrap_or_default());
        }
    }
    prints.into_boxed_slice()
}

/// `text` whole, or cut where it is too long or repeats its beginning too often.
fn pieces(text: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        if start > 0 && text.len() - start < LAST {
            // Not too short to be told from other text.
            start = text.len().saturating_sub(LAST);
            while start > 0 && text.get(start).is_some_and(|byte| is_inner(*byte)) {
                start -= 1;
            }
        }
        let rest = text.get(start..).unwrap_or_default();
        let piece = rest.get(..piece(rest)).unwrap_or(rest);
        pieces.push(piece);
        start += piece.len();
    }
    pieces
}

/// How much of `text` is one piece.
fn piece(text: &[u8]) -> usize {
    let first = text.get(..WINDOW).unwrap_or(text);
    let windows = text.windows(WINDOW).enumerate().skip(1);
    let mut repeats = windows.filter(|(_, window)| *window == first);
    let end = repeats.nth(REPEATS).map_or(text.len(), |(at, _)| at + WINDOW - 1);
    let mut end = end.min(LONGEST);
    // Between characters, so that what is masked is whole ones.
    while end > LAST && text.get(end).is_some_and(|byte| is_inner(*byte)) {
        end -= 1;
    }
    end
}

/// Whether it is a byte of a character after its first, in UTF-8.
const fn is_inner(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use credential_provider_api::SeededRandom;

    #[test]
    fn a_secret_has_seven_patterns_and_equal_ones_are_one() {
        let keys = Keys::new(&SeededRandom::new(1));
        assert_eq!(fingerprints(&keys, "~~~???>>>~~~???>>>").len(), 7);
        // Without a character in which the alphabets differ.
        assert_eq!(fingerprints(&keys, "aaaaaaaa").len(), 4);
    }

    #[test]
    fn pieces_cover_the_text_and_are_bounded() {
        let long: Vec<u8> =
            (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for text in [&b"a".repeat(1000)[..], &long, &b"ab".repeat(70), b"12345678"] {
            let pieces = pieces(text);
            let mut covered = 0;
            for piece in &pieces {
                assert!(piece.len() <= LONGEST && piece.len() >= WINDOW);
                let at = piece.as_ptr().addr() - text.as_ptr().addr();
                assert!(at <= covered);
                covered = at + piece.len();
            }
            assert_eq!(covered, text.len());
        }
    }
}
