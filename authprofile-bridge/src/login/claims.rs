//! What a JWT says of itself, **not verified**: nobody's right is decided by it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{SecretString, Timestamp};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Number;
use zeroize::Zeroizing;

/// Larger ones are not looked into.
const LARGEST: usize = 64 * 1024;
/// The last moment JavaScript's dates know, in seconds; an end beyond it is none.
const LAST_SECOND: f64 = 8.64e12;

/// Claims of interest (RFC 7519 §4.1). The issuer's signature was not checked.
#[derive(Default, Deserialize)]
pub(super) struct UnverifiedClaims {
    exp: Option<Number>,
    iat: Option<Number>,
    pub(super) sub: Option<String>,
    pub(super) email: Option<String>,
    #[serde(rename = "https://api.openai.com/auth")]
    pub(super) openai: Option<OpenAiClaims>,
}

/// What OpenAI's tokens say of the account.
#[derive(Default, Deserialize)]
pub(super) struct OpenAiClaims {
    pub(super) chatgpt_account_id: Option<String>,
}

impl UnverifiedClaims {
    /// The claims of a JWT; none of a text that is no JWT.
    pub(super) fn of(token: &SecretString) -> Self {
        Self::read(token.expose_secret()).unwrap_or_default()
    }

    fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || payload.len() > LARGEST {
            return None;
        }
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&Zeroizing::new(payload)).ok()
    }

    /// When it ends.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        moment(self.exp.as_ref()?)
    }

    /// When it was made.
    pub(super) fn issued(&self) -> Option<Timestamp> {
        moment(self.iat.as_ref()?)
    }
}

/// Seconds since the epoch (RFC 7519 §2, NumericDate), with or without a fraction.
fn moment(number: &Number) -> Option<Timestamp> {
    let seconds = number.as_f64().filter(|s| (0.0..=LAST_SECOND).contains(s))?;
    Some(Timestamp::from_millis((seconds * 1000.0) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: &str) -> UnverifiedClaims {
        UnverifiedClaims::of(&format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload)).into())
    }

    #[test]
    fn a_payload_is_read_as_it_is() {
        let read = claims(r#"{"exp":1800000000,"iat":1799999999.5,"sub":"s","email":"e@x"}"#);
        assert_eq!(read.ends(), Some(Timestamp::from_secs(1_800_000_000)));
        assert_eq!(read.issued(), Some(Timestamp::from_millis(1_799_999_999_500)));
        assert_eq!((read.sub.as_deref(), read.email.as_deref()), (Some("s"), Some("e@x")));
    }

    #[test]
    fn ends_out_of_range_are_none() {
        for exp in ["-1", "8.7e12", "1e300", "18446744073709551615"] {
            assert_eq!(claims(&format!(r#"{{"exp":{exp}}}"#)).ends(), None, "{exp}");
        }
    }

    #[test]
    fn what_is_no_jwt_says_nothing() {
        let large = format!("a.{}.c", "e".repeat(LARGEST + 1));
        for text in ["", "sk-1", "a.b", "a.b.c", "a.e30.c.d", "a.bm8.c", &large] {
            assert!(UnverifiedClaims::read(text).is_none(), "{text:.20}");
        }
    }
}
