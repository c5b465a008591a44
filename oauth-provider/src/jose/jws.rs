//! Compact serialization (RFC 7515 §3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{CredentialError, ErrorCode, Random};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::claims::Claims;
use super::key::SigningKey;

/// A signed JWT. `header` lacks `alg`, which is the key's.
pub(crate) fn sign(
    key: &SigningKey,
    header: Claims,
    claims: Claims,
) -> Result<SecretString, CredentialError> {
    let header = header.with("alg", key.algorithm().as_str());
    let mut text = URL_SAFE_NO_PAD.encode(header.text());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.text(), &mut text);
    let signature = key.signature(text.as_bytes()).ok_or_else(|| {
        CredentialError::new(ErrorCode::Internal, "the system gave no randomness to sign with")
    })?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text.into())
}

/// 128 random bits as text: a `jti` (RFC 7519 §4.1.7).
pub(crate) fn random_id(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The public part of a P-256 key (RFC 7517, RFC 7518 §6.2), members in the order of RFC 7638 §3.
pub(crate) fn p256_jwk(key: &p256::ecdsa::SigningKey) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let part = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.unwrap_or_default());
    let (x, y) = (part(point.x().map(|x| &x[..])), part(point.y().map(|y| &y[..])));
    json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y })
}
