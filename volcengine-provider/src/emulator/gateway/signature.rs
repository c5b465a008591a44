//! Checks a request's signature over the headers that it says it signed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::NaiveDateTime;
use ring::{digest, hmac};

use super::error::ApiError;
use crate::emulator::http::Call;

/// What `Authorization` says.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) access_key_id: String,
    /// Date, region and service, as signed.
    date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed: Vec<String>,
    signature: Vec<u8>,
}

const ALGORITHM: &str = "HMAC-SHA256";

impl Claim {
    /// Reads `Authorization`.
    pub(crate) fn read(call: &Call) -> Result<Self, ApiError> {
        let Some(header) = call.header("authorization") else {
            let message = "the request has no Authorization header";
            return Err(ApiError::gateway("MissingAuthenticationToken", message));
        };
        let wrong = |message: &'static str| ApiError::gateway("InvalidAuthorization", message);
        let rest = header.strip_prefix(ALGORITHM).ok_or_else(|| wrong("unknown algorithm"))?;
        let mut parts: BTreeMap<&str, &str> =
            rest.split(',').filter_map(|part| part.trim().split_once('=')).collect();
        let credential = parts.remove("Credential").ok_or_else(|| wrong("no Credential"))?;
        let signed = parts.remove("SignedHeaders").ok_or_else(|| wrong("no SignedHeaders"))?;
        let Some(signature) = parts.remove("Signature").and_then(unhex) else {
            return Err(ApiError::gateway("MissingSignature", "no Signature, or not hex"));
        };
        let scope: Vec<&str> = credential.split('/').collect();
        let [key, date, region, service, "request"] = *scope.as_slice() else {
            return Err(ApiError::gateway("InvalidCredential", "the credential has another form"));
        };
        Ok(Self {
            access_key_id: key.into(),
            date: date.into(),
            region: region.into(),
            service: service.into(),
            signed: signed.split(';').map(str::to_ascii_lowercase).collect(),
            signature,
        })
    }

    /// Whether `secret` signed `call` at a time within `tolerance` seconds of `now`.
    pub(crate) fn check(
        &self,
        call: &Call,
        secret: &str,
        now: i64,
        tolerance: u64,
    ) -> Result<(), ApiError> {
        let differs = |message: &'static str| ApiError::gateway("SignatureDoesNotMatch", message);
        let Some(stamp) = call.header("x-date") else {
            return Err(ApiError::gateway("InvalidTimestamp", "the request has no X-Date"));
        };
        let Ok(time) = NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ") else {
            return Err(ApiError::gateway("InvalidTimestamp", "X-Date has another form"));
        };
        if time.and_utc().timestamp().abs_diff(now) > tolerance {
            return Err(ApiError::gateway("InvalidTimestamp", "X-Date is too far from the time"));
        }
        if stamp.get(..8) != Some(&self.date) {
            return Err(ApiError::gateway("InvalidCredential", "X-Date is of another day"));
        }
        if !self.signed.iter().any(|name| name == "x-date") {
            return Err(differs("X-Date is not signed"));
        }
        let token_signed = self.signed.iter().any(|name| name == "x-security-token");
        if call.header("x-security-token").is_some() && !token_signed {
            return Err(differs("X-Security-Token is not signed"));
        }
        let body = hex(digest::digest(&digest::SHA256, &call.body).as_ref());
        if call.header("x-content-sha256").is_some_and(|said| said != body) {
            return Err(differs("X-Content-Sha256 is not the body's"));
        }
        let request = self.canonical(call, &body)?;
        let scope = format!("{}/{}/{}/request", self.date, self.region, self.service);
        let hash = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
        let text = format!("{ALGORITHM}\n{stamp}\n{scope}\n{hash}");
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        for part in [&*self.date, &self.region, &self.service, "request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        hmac::verify(&key, text.as_bytes(), &self.signature)
            .map_err(|_| differs("the signature is another one"))
    }

    fn canonical(&self, call: &Call, body: &str) -> Result<String, ApiError> {
        let mut names = self.signed.clone();
        names.sort();
        let mut headers = String::new();
        for name in &names {
            let Some(value) = call.header(name) else {
                let message = format!("the signed header {name} is not there");
                return Err(ApiError::gateway("SignatureDoesNotMatch", message));
            };
            let value = if name == "host" { plain_host(value) } else { value.trim() };
            let _ = writeln!(headers, "{name}:{value}");
        }
        let path = if call.path.is_empty() { "/" } else { &call.path };
        let query = canonical_query(&call.query);
        Ok(format!("{}\n{path}\n{query}\n{headers}\n{}\n{body}", call.method, names.join(";")))
    }
}

/// Without the port that goes without saying.
fn plain_host(host: &str) -> &str {
    let host = host.trim();
    host.strip_suffix(":80").or_else(|| host.strip_suffix(":443")).unwrap_or(host)
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// RFC 3986 §2.3, everything else as `%XX`.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(pair.iter().fold(0, |n, d| n * 16 + d)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::{HeaderName, HeaderValue};
    use serde_json::Value;

    use super::*;

    /// Requests that the official Python client (volcenginesdk-core 5.0.54) signed.
    fn signed() -> Vec<Value> {
        serde_json::from_str(include_str!("signed.json")).unwrap()
    }

    fn call(request: &Value) -> Call {
        let mut headers = HeaderMap::new();
        let mut put = |name: &str, value: &Value| {
            if let Some(value) = value.as_str() {
                let value = HeaderValue::from_str(value).unwrap();
                headers.insert(name.parse::<HeaderName>().unwrap(), value);
            }
        };
        put("host", &request["host"]);
        for name in ["x_date", "x_content_sha256", "x_security_token", "authorization"] {
            put(&name.replace('_', "-"), &request[name]);
        }
        for (name, value) in request["headers"].as_object().unwrap() {
            put(name, value);
        }
        let url = url::Url::parse(request["url"].as_str().unwrap()).unwrap();
        Call {
            method: request["method"].as_str().unwrap().into(),
            path: request["path"].as_str().unwrap().into(),
            query: url.query().unwrap_or_default().into(),
            headers,
            body: request["body"].as_str().unwrap().to_owned().into(),
        }
    }

    fn checked(call: &Call, request: &Value, off: i64) -> Result<(), ApiError> {
        let stamp = request["x_date"].as_str().unwrap();
        let time = NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").unwrap();
        let secret = request["secret_access_key"].as_str().unwrap();
        Claim::read(call)?.check(call, secret, time.and_utc().timestamp() + off, 300)
    }

    #[test]
    fn what_the_official_client_signed_is_right() {
        let all = signed();
        assert_eq!(all.len(), 12);
        for request in all {
            let right = checked(&call(&request), &request, 0);
            assert!(right.is_ok(), "{}: {right:?}", request["id"]);
        }
    }

    #[test]
    fn whatever_is_changed_is_found() {
        for request in signed() {
            let code = |change: &dyn Fn(&mut Call)| {
                let mut call = call(&request);
                change(&mut call);
                checked(&call, &request, 0).unwrap_err().code.into_owned()
            };
            let wrong = "SignatureDoesNotMatch";
            assert_eq!(code(&|call| call.method = "PUT".into()), wrong);
            assert_eq!(code(&|call| call.query += "&x=1"), wrong);
            assert_eq!(code(&|call| call.body = "other".into()), wrong);
            assert_eq!(code(&|call| call.path = "/other".into()), wrong);
            let host = HeaderValue::from_static("elsewhere");
            assert_eq!(code(&|call| drop(call.headers.insert("host", host.clone()))), wrong);
            let token = HeaderValue::from_static("another");
            let change =
                |call: &mut Call| drop(call.headers.insert("x-security-token", token.clone()));
            assert_eq!(code(&change), wrong);
            let missing = |call: &mut Call| drop(call.headers.remove("authorization"));
            assert_eq!(code(&missing), "MissingAuthenticationToken");
        }
    }

    #[test]
    fn a_time_too_far_away_is_refused() {
        for request in signed() {
            assert!(checked(&call(&request), &request, 300).is_ok());
            assert!(checked(&call(&request), &request, -300).is_ok());
            for off in [301, -301] {
                let refused = checked(&call(&request), &request, off).unwrap_err();
                assert_eq!((refused.status, &*refused.code), (400, "InvalidTimestamp"));
            }
        }
    }
}
