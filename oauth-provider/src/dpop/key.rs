//! [`ProofKey`]: the key a token is bound to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{CredentialError, ErrorCode, Random};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::jose::{SigningKey, p256_jwk};

/// A P-256 key. It is made for one login, kept with that login's grant, and goes nowhere else.
pub(crate) struct ProofKey {
    scalar: SecretString,
    key: SigningKey,
    jwk: Value,
}

impl ProofKey {
    pub(crate) fn generate(random: &dyn Random) -> Result<Self, CredentialError> {
        let mut bytes = Zeroizing::new([0; 32]);
        // All but one in 2³² draws are keys.
        for _ in 0..4 {
            random.fill(&mut *bytes);
            if let Some(key) = Self::of(&*bytes) {
                return Ok(key);
            }
        }
        Err(CredentialError::new(ErrorCode::Internal, "the randomness makes no key"))
    }

    /// From what [`scalar`](Self::scalar) gave.
    pub(crate) fn from_scalar(text: &SecretString) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.expose_secret()).ok()?);
        Self::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let key = p256::ecdsa::SigningKey::from_slice(bytes).ok()?;
        let jwk = p256_jwk(&key);
        let scalar = URL_SAFE_NO_PAD.encode(bytes).into();
        Some(Self { scalar, key: SigningKey::p256(key), jwk })
    }

    /// The private part, for the grant.
    pub(crate) const fn scalar(&self) -> &SecretString {
        &self.scalar
    }

    pub(super) const fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// The public part.
    pub(super) const fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// `jkt`: RFC 7638 with SHA-256 (RFC 9449 §10).
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.jwk.to_string()))
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use credential_provider_api::SeededRandom;

    use super::*;

    #[test]
    fn it_comes_back_from_the_grant_as_it_was_and_shows_nothing() {
        let key = ProofKey::generate(&SeededRandom::new(1)).unwrap();
        let back = ProofKey::from_scalar(key.scalar()).unwrap();
        assert_eq!(back.thumbprint(), key.thumbprint());
        assert!(!format!("{key:?} {:?}", key.signing_key()).contains(key.scalar().expose_secret()));
        for wrong in ["", "AAAA", "!"] {
            assert!(ProofKey::from_scalar(&wrong.into()).is_none(), "{wrong}");
        }
    }

    /// The members of RFC 7638 §3.2, sorted, without spaces: what is hashed must be exactly that.
    #[test]
    fn a_thumbprint_is_that_of_rfc_7638() {
        let key = ProofKey::generate(&SeededRandom::new(1)).unwrap();
        let (x, y) = (key.jwk()["x"].as_str().unwrap(), key.jwk()["y"].as_str().unwrap());
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        assert_eq!(key.thumbprint(), URL_SAFE_NO_PAD.encode(Sha256::digest(text)));
        assert_eq!((x.len(), y.len()), (43, 43));
    }
}
