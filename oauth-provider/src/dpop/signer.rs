//! [`ProofSigner`]: authorizes requests with a token and the proof that goes with it.

use std::sync::Arc;

use credential_provider_api::{
    Advice, Authorization, CredentialError, ErrorCode, Material, Origin, OutgoingRequest, Random,
    SecretString, SignRequest, Timestamp,
};
use secrecy::ExposeSecret as _;

use super::key::ProofKey;
use super::nonces::Nonces;
use super::proof::Proof;

/// Rides on a credential; the key never leaves it.
pub(crate) struct ProofSigner {
    pub(crate) key: ProofKey,
    pub(crate) nonces: Arc<Nonces>,
    pub(crate) random: Arc<dyn Random>,
}

impl SignRequest for ProofSigner {
    fn sign(
        &self,
        material: &Material,
        request: &OutgoingRequest<'_>,
        now: Timestamp,
    ) -> Result<Authorization, CredentialError> {
        let Material::OAuth2(token) = material else {
            let detail = "only an access token is bound to a key";
            return Err(CredentialError::new(ErrorCode::Unsupported, detail));
        };
        let origin = request.origin.to_string();
        let (htu, nonce) = (format!("{origin}{}", request.path), self.nonces.of(&origin));
        let proof =
            Proof { htm: request.method, htu: &htu, token: Some(token), nonce: nonce.as_deref() };
        let proof = proof.sign(&self.key, &*self.random, now)?;
        let mut value = String::with_capacity(5 + token.expose_secret().len());
        value.push_str("DPoP ");
        value.push_str(token.expose_secret());
        let mut authorization = Authorization::default();
        authorization.headers.push(("Authorization".to_owned(), SecretString::from(value)));
        authorization.headers.push(("DPoP".to_owned(), proof));
        Ok(authorization)
    }

    fn answered(&self, origin: &Origin, status: u16, headers: &[(&str, &str)]) -> Advice {
        let all = |name: &'static str| {
            let found = headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
            found.map(|(_, value)| *value)
        };
        let Some(nonce) = all("dpop-nonce").next() else { return Advice::Done };
        self.nonces.learn(&origin.to_string(), nonce);
        // RFC 9449 §9: the proof lacked the nonce. Whether this one is news here says nothing: another
        // request may have brought it while this one was on its way.
        let wanted = all("www-authenticate").any(|told| told.contains("use_dpop_nonce"));
        if status == 401 && wanted { Advice::SendAgain } else { Advice::Done }
    }
}
