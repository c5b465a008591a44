//! Whether an address has a credential written into it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::query::{SHORTEST, decode};

/// Decodings that are tried one on another.
const ROUNDS: u8 = 3;

/// Whether the address holds one of the secrets: plain, with `+` for a space, or in base64 of either
/// alphabet at any of its three alignments; percent-encoded or escaped as in JSON, up to three times
/// together. Case makes no difference: a host has none.
pub(super) fn holds(address: &str, secrets: &[&str]) -> bool {
    let long = secrets.iter().filter(|secret| secret.len() >= SHORTEST);
    let forms: Vec<_> = long.flat_map(|secret| forms(secret.as_bytes())).collect();
    !forms.is_empty() && is_found(address.as_bytes(), &forms, ROUNDS)
}

fn is_found(text: &[u8], forms: &[Zeroizing<Vec<u8>>], rounds: u8) -> bool {
    let folded = folded(text);
    let stands = |form: &Zeroizing<Vec<u8>>| folded.windows(form.len()).any(|at| at == **form);
    let within = |decoded: Zeroizing<Vec<u8>>| {
        *decoded != text && is_found(&decoded, forms, rounds.saturating_sub(1))
    };
    forms.iter().any(stands) || rounds > 0 && (within(decode(text)) || within(unescape(text)))
}

/// The secret, and what of it stands alone in the base64 of a text that has it at each alignment.
fn forms(secret: &[u8]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    let encoded = (0..3).filter_map(|shared| {
        let own = secret.get(shared..)?;
        let own = own.get(..own.len() / 3 * 3)?;
        let mut text = Zeroizing::new(vec![0; own.len() / 3 * 4]);
        URL_SAFE_NO_PAD.encode_slice(own, &mut text).ok()?;
        Some(folded(&text))
    });
    std::iter::once(folded(secret)).chain(encoded)
}

/// One form for letters in either case, for a form's `+` and the space it means, and for both
/// alphabets of base64. What differs in no more than these is taken for the same.
fn folded(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let fold = |byte: &u8| match byte.to_ascii_lowercase() {
        b'+' | b' ' => b'-',
        b'/' => b'_',
        other => other,
    };
    Zeroizing::new(text.iter().map(fold).collect())
}

/// JSON's escapes undone (RFC 8259 §7); what is no valid escape stays.
fn unescape(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = (*first == b'\\').then(|| named(after).or_else(|| numbered(after))).flatten();
        match escape {
            Some((c, after)) => {
                plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

fn named(text: &[u8]) -> Option<(char, &[u8])> {
    let (name, after) = text.split_first()?;
    let c = match name {
        b'"' | b'\\' | b'/' => char::from(*name),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    };
    Some((c, after))
}

/// `uXXXX`, or two of them that are one character (UTF-16).
fn numbered(text: &[u8]) -> Option<(char, &[u8])> {
    let unit = |text: &'_ [u8]| {
        let digits = std::str::from_utf8(text.strip_prefix(b"u")?.get(..4)?).ok()?;
        let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| hex)
    };
    let first = unit(text)?;
    let after = text.get(5..)?;
    let second = after.strip_prefix(b"\\").and_then(unit);
    let mut units = char::decode_utf16([Some(first), second].into_iter().flatten());
    let c = units.next()?.ok()?;
    let used = if c.len_utf16() == 2 { 6 } else { 0 };
    Some((c, after.get(used..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02x}")).collect()
    }

    fn escaped(text: &str) -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
    }

    proptest! {
        #[test]
        fn promise_6_a_secret_is_found_in_every_form(
            secret in "\\PC{8,40}", before in "[a-z]{0,3}", steps in "[pj]{0,3}",
        ) {
            for form in [
                secret.clone(),
                secret.to_ascii_uppercase(),
                secret.replace(' ', "+"),
                STANDARD.encode(format!("{before}{secret}!")),
                URL_SAFE_NO_PAD.encode(format!("{before}{secret}!")),
            ] {
                let told = steps.chars().fold(form, |text, step| match step {
                    'p' => percent(&text),
                    _ => escaped(&text),
                });
                prop_assert!(holds(&format!("https://a/?x=y{told}z"), &[&secret]), "{}", told);
            }
        }

        #[test]
        fn an_address_without_it_holds_none(address in "[ -~]{0,60}") {
            prop_assert!(!holds(&address, &["never-in-60-characters-drawn-at-random", "short", ""]));
        }
    }

    #[test]
    fn escapes_are_read_as_json_has_them() {
        let read = |text: &str| String::from_utf8(unescape(text.as_bytes()).to_vec()).unwrap();
        assert_eq!(read(r#"\"\\\/\b\f\n\r\t"#), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(read(r"\u0041\u00e9\ud83d\ude00\u0042"), "A\u{e9}\u{1f600}B");
        for not_one in [r"\", r"\x", r"\u", r"\u12", r"\u+123", r"\ud83d", r"\ude00", "\\u\u{e9}12"]
        {
            assert_eq!(read(not_one), not_one);
        }
    }
}
