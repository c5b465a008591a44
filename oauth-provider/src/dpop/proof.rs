//! [`Proof`]: the header of one request (RFC 9449 §4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{CredentialError, Random, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::key::ProofKey;
use crate::jose::{Claims, random_id, sign};

/// What a proof says.
pub(crate) struct Proof<'a> {
    /// The method.
    pub(crate) htm: &'a str,
    /// The address without query and fragment.
    pub(crate) htu: &'a str,
    /// The token it goes with, if it does.
    pub(crate) token: Option<&'a SecretString>,
    /// What the server wants to find in it.
    pub(crate) nonce: Option<&'a str>,
}

impl Proof<'_> {
    pub(crate) fn sign(
        &self,
        key: &ProofKey,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<SecretString, CredentialError> {
        let header = Claims::default().with("typ", "dpop+jwt").with("jwk", key.jwk().clone());
        let hash = self
            .token
            .map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose_secret().as_bytes())));
        let claims = Claims::default()
            .with("jti", random_id(random))
            .with("htm", self.htm)
            .with("htu", self.htu)
            .with("iat", now.as_millis() / 1000)
            .optional("ath", hash)
            .optional("nonce", self.nonce);
        sign(key.signing_key(), header, claims)
    }
}
