//! The canonical request: one spelling, whatever way the request is written on the wire.

use std::fmt::Write as _;

use credential_provider_api::{CredentialError, ErrorCode};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Which headers a signature covers. A server checks those that the signature names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Covered {
    /// `Content-Type`, `Content-Md5`, `Host` and all `X-…`, as the SDKs for Python and Go do.
    #[default]
    Standard,
    /// All but those a proxy may change, and `Content-Type`, as the SDK for Node does: white space
    /// within a value counts as one space, and a request without body has no `X-Content-Sha256`.
    AllButTransport,
}

/// Not covered by [`Covered::AllButTransport`].
const TRANSPORT: &[&str] = &[
    "authorization",
    "content-type",
    "content-length",
    "user-agent",
    "presigned-expires",
    "expect",
];

/// A request before it is signed.
#[derive(Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "a signature covers each of them")]
pub struct Unsigned<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path as sent; an empty one is `/`.
    pub path: &'a str,
    /// Names and values, not encoded; a name may be there several times.
    pub query: &'a [(String, String)],
    /// Headers by any spelling of their names; with `Host` if it is to be signed.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body's bytes as sent.
    pub body: &'a [u8],
}

/// Text of a canonical request, and what of it stands in the `Authorization` header.
pub(super) struct Canonical {
    /// Holds the session token.
    pub(super) text: SecretString,
    pub(super) signed_headers: String,
}

pub(super) fn canonical(
    request: &Unsigned<'_>,
    added: &[(&str, &SecretString)],
    covered: Covered,
    body_hash: &str,
) -> Result<Canonical, CredentialError> {
    let mut headers: Vec<(String, Zeroizing<String>)> = Vec::new();
    let given = request.headers.iter().map(|(name, value)| (*name, *value));
    let ours = added.iter().map(|(name, value)| (*name, value.expose_secret()));
    for (name, value) in given.chain(ours) {
        let name = name.to_ascii_lowercase();
        if is_covered(&name, covered) {
            let value = Zeroizing::new(header_value(&name, value, covered));
            headers.push((name, value));
        }
    }
    headers.sort_by(|(a, _), (b, _)| a.cmp(b));
    // Two of a name would be joined by one reader and dropped by another.
    let twice = headers.iter().zip(headers.iter().skip(1)).any(|((a, _), (b, _))| a == b);
    if twice {
        return Err(CredentialError::new(
            ErrorCode::Unsupported,
            "a header to sign is there twice",
        ));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed_headers = names.join(";");
    let path = if request.path.is_empty() { "/" } else { request.path };
    let query = canonical_query(request.query);
    let room = headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>()
        + request.method.len()
        + path.len()
        + query.len()
        + signed_headers.len()
        + body_hash.len()
        + 8;
    let mut text = Zeroizing::new(String::with_capacity(room));
    for part in [request.method, path, &query] {
        text.push_str(part);
        text.push('\n');
    }
    for (name, value) in &headers {
        text.push_str(name);
        text.push(':');
        text.push_str(value);
        text.push('\n');
    }
    for part in ["\n", &signed_headers, "\n", body_hash] {
        text.push_str(part);
    }
    Ok(Canonical { text: std::mem::take(&mut *text).into(), signed_headers })
}

/// Pairs by the byte order of their encoded names, then values.
fn canonical_query(query: &[(String, String)]) -> String {
    let mut pairs: Vec<(String, String)> =
        query.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent-encodes all but the unreserved (RFC 3986 §2.3), with upper-case digits.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn is_covered(name: &str, covered: Covered) -> bool {
    match covered {
        Covered::Standard => {
            matches!(name, "content-type" | "content-md5" | "host") || name.starts_with("x-")
        }
        Covered::AllButTransport => !TRANSPORT.contains(&name),
    }
}

fn header_value(name: &str, value: &str, covered: Covered) -> String {
    let value = value.trim();
    if name == "host" && covered == Covered::Standard {
        let bare = value.strip_suffix(":443").or_else(|| value.strip_suffix(":80"));
        return bare.unwrap_or(value).to_owned();
    }
    match covered {
        Covered::Standard => value.to_owned(),
        Covered::AllButTransport => value.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_there_twice_is_not_signed() {
        let headers = [("X-A", "1"), ("x-a", "2")];
        let request =
            Unsigned { method: "GET", path: "/", query: &[], headers: &headers, body: b"" };
        let error = canonical(&request, &[], Covered::Standard, "").err().unwrap();
        assert_eq!(error.code(), ErrorCode::Unsupported);
    }

    #[test]
    fn what_is_not_unreserved_is_encoded() {
        assert_eq!(encode("aZ09-_.~ /é*"), "aZ09-_.~%20%2F%C3%A9%2A");
    }
}
