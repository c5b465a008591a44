//! Signatures of anybody whose keys are known.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

use super::Unverified;

/// The claims of `token` if one of `keys` signed it; its times are the caller's to check.
pub(crate) fn verified(token: &str, keys: &Value) -> Option<Value> {
    let said = Unverified::read(token)?;
    let (message, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let algorithm = said.header.get("alg")?.as_str()?;
    let keys = keys.get("keys")?.as_array()?;
    let wanted = said.key_id();
    keys.iter()
        .filter(|key| wanted.is_none() || key.get("kid").and_then(Value::as_str) == wanted)
        .any(|key| signs(key, algorithm, message.as_bytes(), &signature))
        .then_some(said.claims)
}

fn signs(key: &Value, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
    let part = |name: &str| {
        key.get(name).and_then(Value::as_str).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
    };
    let rsa: Option<&signature::RsaParameters> = match algorithm {
        "RS256" => Some(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Some(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Some(&RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Some(&RSA_PSS_2048_8192_SHA256),
        "PS384" => Some(&RSA_PSS_2048_8192_SHA384),
        "PS512" => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    };
    if let Some(parameters) = rsa {
        let (Some(n), Some(e)) = (part("n"), part("e")) else { return false };
        return RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok();
    }
    let curve: &'static dyn signature::VerificationAlgorithm = match algorithm {
        "ES256" => &ECDSA_P256_SHA256_FIXED,
        "ES384" => &ECDSA_P384_SHA384_FIXED,
        _ => return false,
    };
    let (Some(x), Some(y)) = (part("x"), part("y")) else { return false };
    let point = [vec![4], x, y].concat();
    UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::SigningKey;
    use super::*;
    use crate::emulator::State;

    #[test]
    fn a_token_counts_only_with_the_signature_of_a_known_key() {
        let state = State::from_json(include_str!("../example.json")).unwrap();
        let key = SigningKey::read(&state.signing_key).unwrap();
        let token = key.sign(&json!({ "sub": "alice" })).unwrap();
        assert_eq!(verified(&token, &key.jwks()).unwrap()["sub"], "alice");
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(json!({ "sub": "bob" }).to_string());
        assert!(verified(&format!("{header}.{other}.{signature}"), &key.jwks()).is_none());
        let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
        assert!(verified(&format!("{none}.{other}."), &key.jwks()).is_none());
        assert!(verified(&token, &json!({ "keys": [] })).is_none());
    }
}
