//! JSON Web Tokens: signed with the emulator's key, verified with anybody's (RFC 7515, RFC 7518).

mod sign;
mod verify;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

pub(crate) use self::sign::SigningKey;
pub(crate) use self::verify::verified;

/// What a token says of itself, not verified.
pub(crate) struct Unverified {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Unverified {
    /// `None` if `token` is no signed JSON Web Token.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (header, claims) = (parts.next()?, parts.next()?);
        (parts.count() == 1).then_some(())?;
        Some(Self { header: decoded(header)?, claims: decoded(claims)? })
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
