//! ID tokens: who signed in (OpenID Connect Core §3.1.3.7), by the strict reading.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use credential_provider_api::{AccountId, CredentialError, ErrorCode, Timestamp};
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm,
};
use openidconnect::{ClaimsVerificationError, ClientId, IssuerUrl, SignatureVerificationError};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::callback::same;
use crate::issuer::{Issuer, Keys};

/// How far two clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(30);
/// The longest ID token that is looked at.
const LONGEST: usize = 64 * 1024;

/// An algorithm that may sign ID tokens (RFC 7518 §3.1). None with a shared secret, and not `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub enum IdTokenAlgorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    RS256,
    /// RSA, PKCS #1 v1.5, SHA-384.
    RS384,
    /// RSA, PKCS #1 v1.5, SHA-512.
    RS512,
    /// RSA, PSS, SHA-256.
    PS256,
    /// RSA, PSS, SHA-384.
    PS384,
    /// RSA, PSS, SHA-512.
    PS512,
    /// ECDSA, P-256, SHA-256.
    ES256,
    /// ECDSA, P-384, SHA-384.
    ES384,
}

impl From<IdTokenAlgorithm> for CoreJwsSigningAlgorithm {
    fn from(algorithm: IdTokenAlgorithm) -> Self {
        match algorithm {
            IdTokenAlgorithm::RS256 => Self::RsaSsaPkcs1V15Sha256,
            IdTokenAlgorithm::RS384 => Self::RsaSsaPkcs1V15Sha384,
            IdTokenAlgorithm::RS512 => Self::RsaSsaPkcs1V15Sha512,
            IdTokenAlgorithm::PS256 => Self::RsaSsaPssSha256,
            IdTokenAlgorithm::PS384 => Self::RsaSsaPssSha384,
            IdTokenAlgorithm::PS512 => Self::RsaSsaPssSha512,
            IdTokenAlgorithm::ES256 => Self::EcdsaP256Sha256,
            IdTokenAlgorithm::ES384 => Self::EcdsaP384Sha384,
        }
    }
}

/// What is demanded of an ID token.
pub(crate) struct IdTokenRules {
    pub(crate) client_id: String,
    pub(crate) algorithms: Vec<IdTokenAlgorithm>,
    /// Audiences accepted beside the client.
    pub(crate) trusted_audiences: Vec<String>,
    /// The claim that names the account.
    pub(crate) account_claim: String,
}

/// Who signed in.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) sub: String,
    pub(crate) account: AccountId,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What `nonce` must be.
#[derive(Clone, Copy)]
pub(crate) enum Nonce<'a> {
    /// This one: the token belongs to a sign-in.
    Expected(&'a SecretString),
    /// Anything: the token came with a renewal (OpenID Connect Core §12.2).
    Free,
}

impl IdTokenRules {
    /// Believes `token`, or says why not. Keys are fetched again if it names one that is not known.
    pub(crate) async fn verify(
        &self,
        issuer: &Issuer,
        token: &SecretString,
        nonce: Nonce<'_>,
        now: Timestamp,
    ) -> Result<Identity, CredentialError> {
        let text = token.expose_secret();
        if text.len() > LONGEST {
            return Err(wrong("the ID token is too long"));
        }
        let keys = issuer.keys().await?;
        let claims = match self.claims(issuer, text, &keys, now) {
            Err(Doubt::UnknownKey) => {
                let later = issuer.later_keys(&keys).await?;
                self.claims(issuer, text, &later, now)
            }
            judged => judged,
        };
        let claims = claims.map_err(|doubt| match doubt {
            Doubt::UnknownKey => {
                wrong("the ID token is signed with a key the issuer does not list")
            }
            Doubt::Wrong(error) => error,
        })?;
        self.check_rest(&claims, nonce)?;
        let account = account(text, &self.account_claim)?;
        let time = |time: DateTime<Utc>| Timestamp::from(SystemTime::from(time));
        Ok(Identity {
            sub: claims.subject().to_string(),
            account,
            issued_at: time(claims.issue_time()),
            expires_at: time(claims.expiration()),
        })
    }

    /// Signature, issuer, audience, end and issue.
    fn claims(
        &self,
        issuer: &Issuer,
        text: &str,
        keys: &Arc<Keys>,
        now: Timestamp,
    ) -> Result<CoreIdTokenClaims, Doubt> {
        let unreadable = || Doubt::Wrong(wrong("the ID token cannot be read"));
        let token: CoreIdToken = text.parse().map_err(|_| unreadable())?;
        let iss = IssuerUrl::new(issuer.id.as_str().to_owned()).map_err(|_| unreadable())?;
        let client = ClientId::new(self.client_id.clone());
        let allowed = self.algorithms.iter().copied().map(CoreJwsSigningAlgorithm::from);
        let ends_after = DateTime::<Utc>::from(SystemTime::from(now.minus(LEEWAY)));
        let issued_before = DateTime::<Utc>::from(SystemTime::from(now.plus(LEEWAY)));
        let trusted = self.trusted_audiences.clone();
        let verifier = CoreIdTokenVerifier::new_public_client(client, iss, keys.0.clone())
            .set_allowed_algs(allowed)
            .set_time_fn(move || ends_after)
            .set_issue_time_verifier_fn(move |at| {
                if at <= issued_before { Ok(()) } else { Err(String::new()) }
            })
            .set_other_audience_verifier_fn(move |other| trusted.contains(other));
        // The nonce is compared below: in constant time, and by our own rule on renewals.
        token.into_claims(&verifier, |_: Option<&openidconnect::Nonce>| Ok(())).map_err(doubt)
    }

    /// What the crate leaves to its user: `azp`, the order of times, the nonce.
    fn check_rest(
        &self,
        claims: &CoreIdTokenClaims,
        nonce: Nonce<'_>,
    ) -> Result<(), CredentialError> {
        if claims.subject().is_empty() || claims.expiration() <= claims.issue_time() {
            return Err(wrong("the ID token has no subject, or ends before it begins"));
        }
        let audiences = claims.audiences();
        match claims.authorized_party() {
            None if audiences.len() > 1 => {
                return Err(wrong("the ID token has several audiences and no authorized party"));
            }
            Some(party) => {
                let known = **party == self.client_id || self.trusted_audiences.contains(party);
                if !known || !audiences.iter().any(|audience| **audience == **party) {
                    return Err(wrong("the ID token was issued to another client"));
                }
            }
            None => {}
        }
        if let Nonce::Expected(expected) = nonce {
            let found = claims.nonce().map(|nonce| nonce.secret().as_str()).unwrap_or_default();
            if !same(found, expected.expose_secret()) {
                return Err(wrong("the ID token belongs to another sign-in"));
            }
        }
        Ok(())
    }
}

enum Doubt {
    /// Newer keys may help.
    UnknownKey,
    Wrong(CredentialError),
}

/// The crate's own words quote claims; ours do not.
fn doubt(error: ClaimsVerificationError) -> Doubt {
    Doubt::Wrong(wrong(match error {
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey,
        ) => return Doubt::UnknownKey,
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::DisallowedAlg(_)
            | SignatureVerificationError::UnsupportedAlg(_),
        ) => "the ID token is signed with an algorithm that is not allowed",
        ClaimsVerificationError::SignatureVerification(_) => "the ID token's signature is wrong",
        ClaimsVerificationError::InvalidIssuer(_) => "the ID token is of another issuer",
        ClaimsVerificationError::InvalidAudience(_) => "the ID token is for another audience",
        ClaimsVerificationError::Expired(_) => {
            "the ID token has ended or is not yet issued; compare the clocks"
        }
        _ => "the ID token cannot be accepted",
    }))
}

/// The claim that names the account, read from a token that is believed already.
fn account(token: &str, claim: &str) -> Result<AccountId, CredentialError> {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let payload: Option<Value> = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let name = payload.as_ref().and_then(|payload| payload.get(claim)).and_then(Value::as_str);
    let name = name.ok_or_else(|| wrong("the ID token lacks the claim that names the account"))?;
    AccountId::new(name).map_err(|_| wrong("the ID token's account is no account id"))
}

/// When a token says that it ends, believed or not; `None` if it does not say so.
pub(super) fn end(token: &SecretString) -> Option<Timestamp> {
    let part = token.expose_secret().split('.').nth(1)?;
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    let seconds = payload.get("exp")?.as_f64().filter(|seconds| *seconds >= 0.0)?;
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    Some(Timestamp::from_secs(since.as_secs()))
}

fn wrong(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::InvalidResponse, detail)
}
