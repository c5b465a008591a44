//! Queries: percent-encoding, and what must not stay in one.

use std::borrow::Cow;

use zeroize::Zeroizing;

/// Shorter secrets would be found by chance.
pub(super) const SHORTEST: usize = 8;

/// Appends `text` with everything but RFC 3986's unreserved characters percent-encoded.
pub(super) fn encode(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for digit in [byte >> 4, byte & 15] {
                into.push(HEX.get(usize::from(digit)).map_or('0', |hex| char::from(*hex)));
            }
        }
    }
}

/// Percent-decoded; what is no valid escape stays.
pub(super) fn decode(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = after.split_at_checked(2).and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let byte = u8::from_str_radix(digits, 16).ok()?;
            (*first == b'%' && hex).then_some((byte, after))
        });
        let (byte, after) = escape.unwrap_or((*first, after));
        decoded.push(byte);
        rest = after;
    }
    decoded
}

/// A part of a query as a form reads it: `+` is a space.
fn decode_form(text: &str) -> Zeroizing<Vec<u8>> {
    decode(Zeroizing::new(text.replace('+', " ")).as_bytes())
}

/// Whether the query has a parameter of this name.
pub(super) fn names(query: &str, name: &str) -> bool {
    query.split('&').any(|pair| is_named(pair, name))
}

fn is_named(pair: &str, name: &str) -> bool {
    *decode_form(pair.split('=').next().unwrap_or_default()) == *name.as_bytes()
}

fn is_valued(pair: &str, secret: &str) -> bool {
    let value = pair.split_once('=').map_or("", |(_, value)| value);
    secret.len() >= SHORTEST
        && (*decode(value.as_bytes()) == *secret.as_bytes()
            || *decode_form(value) == *secret.as_bytes())
}

/// The query without the parameters of these names, and without those of these values.
pub(super) fn without<'q>(query: &'q str, names: &[String], secrets: &[&str]) -> Cow<'q, str> {
    let goes = |pair: &str| {
        names.iter().any(|name| is_named(pair, name))
            || secrets.iter().any(|secret| is_valued(pair, secret))
    };
    if !query.split('&').any(goes) {
        return Cow::Borrowed(query);
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !goes(pair)).collect();
    Cow::Owned(kept.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_and_found(text in "\\PC{8,40}") {
            let mut once = String::new();
            encode(&text, &mut once);
            prop_assert_eq!(&**decode(once.as_bytes()), text.as_bytes());
            let query = format!("x={once}&y=1");
            let left = without(&query, &[], &[&text]);
            prop_assert_eq!(left.as_ref(), "y=1");
        }
    }

    #[test]
    fn a_parameter_is_known_by_its_name_however_it_is_encoded() {
        let names = ["api key".to_owned()];
        let query = "a=1&api%20key=x&%61pi+key=y&b=api key&api key";
        assert_eq!(without(query, &names, &[]), "a=1&b=api key");
        assert_eq!(without("api+key=1", &names, &[]), "");
        assert_eq!(without("a=%zz&&b", &names, &[]), "a=%zz&&b");
        assert_eq!(without("page=1", &[], &["1"]), "page=1", "too short to tell");
        assert_eq!(without("a=sec+rets&b=1", &[], &["sec rets"]), "b=1");
        assert_eq!(without("a=sec+rets&b=1", &[], &["sec+rets"]), "b=1");
    }
}
