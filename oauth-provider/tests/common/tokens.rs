//! ID tokens, signed as a test wants them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use serde_json::{Value, json};

/// Keys made for these tests; they open nothing.
const ONE: &str = include_str!("one.pem");
const OTHER: &str = include_str!("other.pem");

/// Which key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    One,
    Other,
}

fn key(signer: Signer, kid: &str) -> CoreRsaPrivateSigningKey {
    let pem = if signer == Signer::One { ONE } else { OTHER };
    CoreRsaPrivateSigningKey::from_pem(pem, Some(JsonWebKeyId::new(kid.to_owned()))).unwrap()
}

/// A key set of these keys.
pub fn jwks(keys: &[(Signer, &str)]) -> Value {
    let keys = keys.iter().map(|(signer, kid)| {
        serde_json::to_value(key(*signer, kid).as_verification_key()).unwrap()
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}

pub fn sign(header: &Value, claims: &Value, signer: Signer) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = match header["alg"].as_str().unwrap() {
        "none" => Vec::new(),
        "RS384" => sign_with(&message, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384, signer),
        _ => sign_with(&message, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, signer),
    };
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Whether a JWT is signed by the first key, with the algorithm of this name.
pub fn is_signed(jwt: &str, name: &str) -> bool {
    use openidconnect::JsonWebKey as _;
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.decode(message.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let algorithm = match name {
        "PS256" => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        _ => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = key(Signer::One, "any").as_verification_key();
    let verified = public.verify_signature(&algorithm, message.as_bytes(), &signature);
    header["alg"] == name && verified.is_ok()
}

fn sign_with(message: &str, algorithm: CoreJwsSigningAlgorithm, signer: Signer) -> Vec<u8> {
    key(signer, "any").sign(&algorithm, message.as_bytes()).unwrap()
}
