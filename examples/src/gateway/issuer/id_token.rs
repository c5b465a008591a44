//! ID tokens (OpenID Connect Core §2), signed with a key of this run.

use std::io::{Error, Result};
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// Signs with ES256 (RFC 7518 §3.4).
pub(super) struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    pub(super) fn new() -> Result<Self> {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random);
        let made = made.map_err(|_| Error::other("the system gives no random numbers"))?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random);
        Ok(Self { pair: pair.map_err(|_| Error::other("the key made is none"))?, random })
    }

    /// The keys that verify (RFC 7517, RFC 7518 §6.2).
    pub(super) fn jwks(&self) -> Value {
        // Both coordinates, after a byte that says so.
        let public = self.pair.public_key().as_ref().get(1..).unwrap_or_default();
        let (x, y) = public.split_at(public.len() / 2);
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
            "x": BASE64_URL_SAFE_NO_PAD.encode(x), "y": BASE64_URL_SAFE_NO_PAD.encode(y),
        }] })
    }

    /// Says that `user` has signed in to the client.
    pub(super) fn id_token(
        &self,
        issuer: &str,
        client: &str,
        user: &str,
        nonce: Option<&str>,
    ) -> Option<String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let header = json!({ "alg": "ES256", "kid": "1" });
        let claims = json!({
            "iss": issuer, "aud": client, "sub": user, "nonce": nonce,
            "iat": now, "exp": now + 300,
        });
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let said = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&self.random, said.as_bytes()).ok()?;
        Some(format!("{said}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}
