//! The signature.

use std::fmt::{self, Write as _};

use chrono::{DateTime, Utc};
use credential_provider_api::{AccessKey, CredentialError, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::time::SystemTime;
use zeroize::Zeroizing;

use super::canonical::{Covered, Unsigned, canonical};

/// What a signing key is good for: one service in one region, for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a scope has these two parts")]
pub struct SigningScope<'a> {
    /// The service's code: `id`, `sts`.
    pub service: &'a str,
    /// The region: `cn-beijing`.
    pub region: &'a str,
}

/// A signature and what it was made of. `Debug` shows the scope and the names of the headers only.
#[non_exhaustive]
pub struct Signed {
    /// The headers to add: `X-Date`, `X-Content-Sha256`, `X-Security-Token`, `Authorization`.
    pub headers: Vec<(&'static str, SecretString)>,
    /// The names of the headers covered, joined by `;`.
    pub signed_headers: String,
    /// `date/region/service/request`.
    pub scope: String,
    /// The canonical request; the session token is in it.
    pub canonical_request: SecretString,
    /// What was signed: a date, a scope and a hash.
    pub string_to_sign: String,
    /// Lower-case hexadecimal digits.
    pub signature: String,
}

impl Signed {
    /// The value of the `Authorization` header.
    #[must_use]
    pub fn authorization(&self) -> Option<&SecretString> {
        self.headers.iter().find(|(name, _)| *name == "Authorization").map(|(_, value)| value)
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("scope", &self.scope)
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

/// Signs `request` with `key` at `now`. The session token is added before, and covered.
///
/// # Errors
/// `unsupported` if a header to sign is there twice.
pub fn sign(
    request: &Unsigned<'_>,
    key: &AccessKey,
    scope: SigningScope<'_>,
    covered: Covered,
    now: Timestamp,
) -> Result<Signed, CredentialError> {
    let date = x_date(now);
    let day = date.get(..8).unwrap_or_default();
    let body_hash = hex(&Sha256::digest(request.body));
    let mut headers: Vec<(&'static str, SecretString)> = vec![("X-Date", date.as_str().into())];
    if covered == Covered::Standard || !request.body.is_empty() {
        headers.push(("X-Content-Sha256", body_hash.as_str().into()));
    }
    headers.extend(key.session_token.iter().map(|token| ("X-Security-Token", token.clone())));
    let added: Vec<(&str, &SecretString)> = headers.iter().map(|(n, v)| (*n, v)).collect();
    let canonical = canonical(request, &added, covered, &body_hash)?;
    let SigningScope { service, region } = scope;
    let scope = format!("{day}/{region}/{service}/request");
    let hashed = hex(&Sha256::digest(canonical.text.expose_secret()));
    let string_to_sign = format!("HMAC-SHA256\n{date}\n{scope}\n{hashed}");
    // The secret is used as it is: no prefix, and not decoded where it looks like Base64.
    let secret = key.secret_access_key.expose_secret().as_bytes();
    let mut derived = Zeroizing::new(secret.to_vec());
    for part in [day, region, service, "request"] {
        derived = Zeroizing::new(mac(&derived, part));
    }
    let signature = hex(&mac(&derived, &string_to_sign));
    let authorization = format!(
        "HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
        key.access_key_id, canonical.signed_headers,
    );
    headers.push(("Authorization", authorization.into()));
    Ok(Signed {
        headers,
        signed_headers: canonical.signed_headers,
        scope,
        canonical_request: canonical.text,
        string_to_sign,
        signature,
    })
}

/// `YYYYMMDDTHHMMSSZ`.
fn x_date(now: Timestamp) -> String {
    DateTime::<Utc>::from(SystemTime::from(now)).format("%Y%m%dT%H%M%SZ").to_string()
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC takes a key of any length (RFC 2104 §2), so there is no error to pass on.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_debug_shows_no_secret() {
        let key = AccessKey::new("AKLT".into(), "canary".into(), Some("canary".into()));
        let request = Unsigned { method: "GET", path: "", query: &[], headers: &[], body: b"" };
        let scope = SigningScope { service: "id", region: "cn-beijing" };
        let now = Timestamp::from_secs(1_767_225_600);
        let signed = sign(&request, &key, scope, Covered::Standard, now).unwrap();
        let shown = format!("{signed:?} {signed:#?}");
        assert!(shown.contains("20260101/cn-beijing/id/request"), "{shown}");
        assert!(!shown.contains("canary") && !shown.contains(&signed.signature), "{shown}");
    }
}
