//! Proof key for code exchange (RFC 7636), S256 always.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::Random;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// 256 random bits as text: a code verifier (RFC 7636 §4.1), a nonce.
pub(crate) fn unguessable(random: &dyn Random) -> SecretString {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(&mut *bytes);
    URL_SAFE_NO_PAD.encode(*bytes).into()
}

/// RFC 7636 §4.2.
pub(crate) fn challenge(verifier: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()))
}

#[cfg(test)]
mod tests {
    use credential_provider_api::SeededRandom;

    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_verifier_has_the_length_and_letters_of_rfc_7636() {
        let random = SeededRandom::new(1);
        let (one, other) = (unguessable(&random), unguessable(&random));
        let text = one.expose_secret();
        assert_eq!(text.len(), 43);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        assert_ne!(text, other.expose_secret());
    }
}
