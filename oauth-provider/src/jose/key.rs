//! [`SigningKey`]: a private key that signs assertions.

use std::fmt;

use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::DecodePrivateKey as _;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// An algorithm that signs a client's assertions (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    RS256,
    /// RSA, PSS, SHA-256.
    PS256,
    /// ECDSA, P-256, SHA-256.
    ES256,
}

impl SigningAlgorithm {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
        }
    }
}

/// RSA is ring's, which signs in constant time; the `rsa` crate does not (RUSTSEC-2023-0071).
enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(Box<p256::ecdsa::SigningKey>),
}

pub(crate) struct SigningKey {
    pair: Pair,
    algorithm: SigningAlgorithm,
}

impl SigningKey {
    /// A private key in PEM: PKCS #8 (`BEGIN PRIVATE KEY`) of RSA or P-256, or PKCS #1
    /// (`BEGIN RSA PRIVATE KEY`). Without `algorithm`: RS256 or ES256. The error says what is wrong
    /// and repeats nothing.
    pub(crate) fn from_pem(
        pem: &SecretString,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<Self, &'static str> {
        let text = pem.expose_secret().trim();
        let pair = match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(key)) => {
                let bytes = key.secret_pkcs8_der();
                match p256::ecdsa::SigningKey::from_pkcs8_der(bytes) {
                    Ok(key) => Pair::P256(Box::new(key)),
                    Err(_) => Pair::Rsa(Box::new(
                        RsaKeyPair::from_pkcs8(bytes)
                            .map_err(|_| "is neither an RSA key of 2048 bits or more nor P-256")?,
                    )),
                }
            }
            Ok(PrivateKeyDer::Pkcs1(key)) => Pair::Rsa(Box::new(
                RsaKeyPair::from_der(key.secret_pkcs1_der())
                    .map_err(|_| "is not an RSA key of 2048 bits or more")?,
            )),
            Ok(_) => {
                return Err("is not in PKCS #8; convert it with `openssl pkcs8 -topk8 -nocrypt`");
            }
            Err(_) => return Err("is not a private key in PEM"),
        };
        let algorithm = match (&pair, algorithm) {
            (Pair::Rsa(_), None) => SigningAlgorithm::RS256,
            (Pair::P256(_), None) => SigningAlgorithm::ES256,
            (Pair::Rsa(_), Some(SigningAlgorithm::ES256))
            | (Pair::P256(_), Some(SigningAlgorithm::RS256 | SigningAlgorithm::PS256)) => {
                return Err("is not a key of the algorithm asked for");
            }
            (_, Some(algorithm)) => algorithm,
        };
        Ok(Self { pair, algorithm })
    }

    /// A P-256 key of its own bytes.
    pub(crate) fn p256(key: p256::ecdsa::SigningKey) -> Self {
        Self { pair: Pair::P256(Box::new(key)), algorithm: SigningAlgorithm::ES256 }
    }

    pub(crate) const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The signature as JWS has it (RFC 7518 §3). `None` if the system has no randomness.
    pub(super) fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().to_vec())
            }
            Pair::Rsa(key) => {
                let padding: &dyn ring::signature::RsaEncoding = match self.algorithm {
                    SigningAlgorithm::PS256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(padding, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
