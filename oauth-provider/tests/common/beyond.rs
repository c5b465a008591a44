//! What else an issuer may have: devices, pushed requests, questions about tokens, grants without a
//! person, proofs of possession.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{Clock as _, Timestamp};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::http::{Call, Reply};
use super::issuer::{Issuer, State};

/// What is remembered for these.
#[derive(Default)]
pub struct Beyond {
    pub devices: BTreeMap<String, Device>,
    /// Seconds between a device's polls; `None` does not say.
    pub interval: Option<u64>,
    pub pushed: BTreeMap<String, BTreeMap<String, String>>,
    /// Access tokens that are good.
    pub active: BTreeSet<String>,
    /// What the token endpoint was sent, in order.
    pub forms: Vec<BTreeMap<String, String>>,
    /// Tokens are bound to keys; a proof has to carry this nonce, if there is one.
    pub proofs: Option<Proofs>,
    /// The keys that refresh tokens are bound to.
    pub bound: BTreeMap<String, String>,
    /// `jti`s of proofs and assertions seen.
    pub seen: BTreeSet<String>,
    /// Subject tokens that are refused with `invalid_grant`.
    pub refused: BTreeSet<String>,
}

#[derive(Clone, Default)]
pub struct Proofs {
    pub nonce: Option<String>,
}

pub struct Device {
    pub verdict: Verdict,
    pub polled: Option<Timestamp>,
}

/// What a person did with a device's code.
#[derive(Clone, Debug)]
pub enum Verdict {
    Pending,
    Denied,
    Expired,
    Approved(&'static str),
}

/// The parts of a signed JWT, verified with `key`, or with the one in its header.
pub fn verified(jwt: &str, key: Option<&VerifyingKey>) -> Option<(Value, Value)> {
    let mut parts = jwt.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let read = |text: &str| serde_json::from_slice::<Value>(&bytes(text)?).ok();
    let parsed = read(header)?;
    assert_eq!(parsed["alg"], "ES256");
    let own = || {
        let part = |name: &str| bytes(parsed["jwk"][name].as_str()?);
        let point = [vec![4], part("x")?, part("y")?].concat();
        VerifyingKey::from_sec1_bytes(&point).ok()
    };
    let key = key.copied().or_else(own)?;
    let message = format!("{header}.{claims}");
    let signature = Signature::from_slice(&bytes(signature)?).ok()?;
    key.verify(message.as_bytes(), &signature).ok()?;
    Some((parsed, read(claims)?))
}

/// RFC 7638.
pub fn thumbprint(jwk: &Value) -> String {
    let text = format!(
        r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#,
        jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
    );
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

impl Issuer {
    /// Somebody enters the code of the newest device.
    pub fn decide(&self, verdict: Verdict) {
        let mut state = self.state();
        let newest = state.beyond.devices.last_entry().unwrap();
        newest.into_mut().verdict = verdict;
    }

    /// The key of the proof that came with `call`, as the token endpoint checks it.
    pub fn proven(&self, state: &mut State, call: &Call) -> Result<Option<String>, Reply> {
        let Some(proofs) = state.beyond.proofs.clone() else { return Ok(None) };
        let bad = || Reply::error(400, "invalid_dpop_proof");
        let (header, claims) =
            call.dpop.as_deref().and_then(|proof| verified(proof, None)).ok_or_else(bad)?;
        let jti = claims["jti"].as_str().unwrap().to_owned();
        if let Some(nonce) = &proofs.nonce
            && claims["nonce"] != **nonce
        {
            return Err(Reply::error(400, "use_dpop_nonce").with("DPoP-Nonce", nonce));
        }
        let right = header["typ"] == "dpop+jwt"
            && claims["htm"] == "POST"
            && claims["htu"] == format!("{}{}", self.url(), call.path)
            && claims["iat"].as_u64() == Some(self.now())
            && header["jwk"].get("d").is_none()
            && state.beyond.seen.insert(jti);
        if right { Ok(Some(thumbprint(&header["jwk"]))) } else { Err(bad()) }
    }

    pub fn now(&self) -> u64 {
        self.clock.now().as_millis() / 1000
    }

    /// An answer of one of the endpoints beyond the usual.
    pub(super) fn beyond(&self, state: &mut State, call: &Call) -> Option<Reply> {
        let url = self.url();
        let field = |name: &str| call.form.get(name).cloned().unwrap_or_default();
        Some(match &*call.path {
            "/device" => {
                let code = state.mint("dc");
                let device = Device { verdict: Verdict::Pending, polled: None };
                state.beyond.devices.insert(code.clone(), device);
                let mut answer = json!({
                    "device_code": code, "user_code": "WDJB-MJHT", "expires_in": 120,
                    "verification_uri": format!("{url}/code"),
                    "verification_uri_complete": format!("{url}/code?user_code=WDJB-MJHT"),
                });
                if let Some(interval) = state.beyond.interval {
                    answer["interval"] = json!(interval);
                }
                Reply::json(&answer)
            }
            "/par" => {
                let reference = format!("urn:ietf:params:oauth:request_uri:{}", state.mint("par"));
                state.beyond.pushed.insert(reference.clone(), call.form.clone());
                let body = json!({ "request_uri": reference, "expires_in": 60 }).to_string();
                Reply::of(201, &body)
            }
            "/introspect" => {
                let active = state.beyond.active.contains(&field("token"));
                Reply::json(&json!({ "active": active }))
            }
            _ => return None,
        })
    }

    /// A grant that no code or refresh token is part of. `Ok` is who the token is for.
    pub(super) fn without_person(
        &self,
        state: &mut State,
        call: &Call,
    ) -> Option<Result<String, Reply>> {
        let field = |name: &str| call.form.get(name).cloned().unwrap_or_default();
        Some(match &*field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => {
                let now = self.clock.now();
                let interval = Duration::from_secs(state.beyond.interval.unwrap_or(5));
                let Some(device) = state.beyond.devices.get_mut(&field("device_code")) else {
                    return Some(Err(Reply::error(400, "invalid_grant")));
                };
                let early = device.polled.is_some_and(|at| now < at.plus(interval));
                device.polled = Some(now);
                match &device.verdict {
                    _ if early => Err(Reply::error(400, "slow_down")),
                    Verdict::Pending => Err(Reply::error(400, "authorization_pending")),
                    Verdict::Denied => Err(Reply::error(400, "access_denied")),
                    Verdict::Expired => Err(Reply::error(400, "expired_token")),
                    Verdict::Approved(sub) => {
                        let sub = (*sub).to_owned();
                        state.beyond.devices.remove(&field("device_code"));
                        Ok(sub)
                    }
                }
            }
            "client_credentials" => Ok("client".to_owned()),
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                if state.beyond.refused.contains(&field("assertion")) {
                    return Some(Err(Reply::error(400, "invalid_grant")));
                }
                Ok("service".to_owned())
            }
            "urn:ietf:params:oauth:grant-type:token-exchange" => {
                if state.beyond.refused.contains(&field("subject_token")) {
                    return Some(Err(Reply::error(400, "invalid_grant")));
                }
                Ok("subject".to_owned())
            }
            _ => return None,
        })
    }
}
