//! The emulator's own key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

use crate::emulator::EmulatorError;
use crate::emulator::secret::Secret;

/// An RSA key that signs with RS256.
pub(crate) struct SigningKey {
    pair: KeyPair,
    id: String,
}

impl SigningKey {
    /// Reads PKCS#8 PEM.
    pub(crate) fn read(pem: &Secret) -> Result<Self, EmulatorError> {
        let unusable = || EmulatorError::State("SigningKey is no PKCS#8 PEM of an RSA key".into());
        let text: String = pem.expose().lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(text.trim()).map_err(|_| unusable())?;
        let pair = KeyPair::from_pkcs8(&der).map_err(|_| unusable())?;
        let public = ring::digest::digest(&ring::digest::SHA256, pair.public().as_ref());
        let id = URL_SAFE_NO_PAD.encode(public.as_ref()).chars().take(16).collect();
        Ok(Self { pair, id })
    }

    /// `claims`, signed.
    pub(crate) fn sign(&self, claims: &Value) -> Option<String> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.id });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The key set with this key (RFC 7517).
    pub(crate) fn jwks(&self) -> Value {
        let parts = PublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(parts.n), "e": URL_SAFE_NO_PAD.encode(parts.e),
        }] })
    }
}
