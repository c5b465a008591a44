//! The texts under which a secret is looked for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use credential_provider_api::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::fingerprint::{Fingerprint, Keys, LONGEST, WINDOW};
use super::view::{Cursor, LINES, Text};

/// How often a pattern may repeat its own first window. Each time is one more place in it that
/// begins like the pattern, and is followed for as long as it does.
const REPEATS: usize = 64;
/// The last piece of a long pattern is at least this long.
const LAST: usize = 64;

/// A paragraph of a secret is looked for if it is this long: others are too common.
const PARAGRAPH: usize = 64;

/// Of the secret as it is and without blanks around it, and of what either alone decides of a base64
/// text that holds it; and of the secret without its line breaks, for readings that have none.
pub(super) fn fingerprints(keys: &Keys, secret: &str) -> Box<[Fingerprint]> {
    let mut prints: Vec<Fingerprint> = Vec::with_capacity(7);
    whole(keys, secret, &mut prints);
    let trimmed = secret.trim();
    if trimmed.len() < secret.len() && trimmed.len() >= WINDOW {
        whole(keys, trimmed, &mut prints);
    }
    if trimmed.bytes().any(is_break) {
        joined(trimmed, |text| take(keys, text, &mut prints));
    }
    prints.into_boxed_slice()
}

fn take(keys: &Keys, text: &[u8], prints: &mut Vec<Fingerprint>) {
    for piece in pieces(text) {
        let print = keys.fingerprint(piece);
        if !prints.iter().any(|known| known.strong == print.strong) {
            prints.push(print);
        }
    }
}

fn whole(keys: &Keys, secret: &str, prints: &mut Vec<Fingerprint>) {
    take(keys, secret.as_bytes(), prints);
    for before in 0..3 {
        let mut shifted = String::with_capacity(before + secret.len());
        shifted.extend(std::iter::repeat_n('\0', before));
        shifted.push_str(secret);
        let shifted = SecretString::from(shifted);
        for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let bytes = shifted.expose_secret().as_bytes();
            let mut encoded = vec![0; (bytes.len() * 8).div_ceil(6)];
            let written = alphabet.encode_slice(bytes, &mut encoded);
            let encoded = Zeroizing::new(encoded);
            let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
            debug_assert!(written.is_ok_and(|count| count == encoded.len()));
            take(keys, encoded.get(own).unwrap_or_default(), prints);
        }
    }
}

/// Gives `text` without its line breaks and the indentation after them, as a [`View`] shows it. What
/// ends there is a paragraph of its own: it is given if it is long enough, or all there is.
///
/// [`View`]: super::view::View
fn joined(text: &str, mut give: impl FnMut(&[u8])) {
    let (mut at, mut is_only) = (0, true);
    while at < text.len() {
        let rest = Text { bytes: text.as_bytes().get(at..).unwrap_or_default(), is_whole: true };
        let mut cursor = Cursor::new(0);
        // Of the size it may come to: a buffer that grows leaves copies behind.
        let mut paragraph = Zeroizing::new(Vec::with_capacity(rest.bytes.len()));
        let mut end = 0;
        while let Ok(byte) = cursor.next(rest, LINES) {
            paragraph.push(byte);
            end = cursor.at;
        }
        is_only &= end == rest.bytes.len();
        if paragraph.len() >= if is_only { WINDOW } else { PARAGRAPH } {
            give(&paragraph);
        }
        let blank = |byte: &u8| is_break(*byte) || matches!(byte, b' ' | b'\t');
        let blanks = rest.bytes.get(end..).unwrap_or_default().iter().take_while(|b| blank(b));
        at += (end + blanks.count()).max(1);
    }
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
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
