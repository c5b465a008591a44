//! Checks signing vectors: `cargo run -p volcengine-provider --example sign_vectors -- FILE`.
//!
//! The file is `{"vectors": [{method, path, host, query, extra_headers, body, region, service, x_date,
//! session_token, access_key_id, secret_access_key, signed_with, expected}]}`; of `expected` every
//! member that is there is compared, and one that is not known is a mismatch. `signing_key_hex` has to
//! be the key by which `string_to_sign` has the signature. Exits with 1 at a mismatch, with 2 for a file that cannot be read
//! or has nothing to check in it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::process::ExitCode;

use chrono::NaiveDateTime;
use credential_provider_api::{AccessKey, ExposeSecret as _, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use volcengine_provider::sign::{Covered, Signed, SigningScope, Unsigned, sign};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: sign_vectors FILE");
        return ExitCode::from(2);
    };
    let checked = std::fs::read_to_string(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| check_file(&text));
    match checked {
        Ok(report) => {
            for line in &report.mismatches {
                println!("{line}");
            }
            println!("{} vectors, {} mismatches", report.vectors, report.mismatches.len());
            if report.mismatches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("{path}: {problem}");
            ExitCode::from(2)
        }
    }
}

/// What came of a file.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) vectors: usize,
    pub(crate) mismatches: Vec<String>,
}

pub(crate) fn check_file(text: &str) -> Result<Report, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let vectors = file.get("vectors").and_then(Value::as_array).ok_or("has no `vectors`")?;
    if vectors.is_empty() {
        return Err("has no vector in it".to_owned());
    }
    let mut mismatches = Vec::new();
    for (number, vector) in vectors.iter().enumerate() {
        let id = vector.get("id").and_then(Value::as_str);
        let id = id.map_or_else(|| format!("#{number}"), str::to_owned);
        let found = check(vector).unwrap_or_else(|problem| vec![problem]);
        mismatches.extend(found.into_iter().map(|line| format!("{id}: {line}")));
    }
    Ok(Report { vectors: vectors.len(), mismatches })
}

fn check(vector: &Value) -> Result<Vec<String>, String> {
    let text = |name: &str| {
        let value = vector.get(name).and_then(Value::as_str);
        value.ok_or_else(|| format!("`{name}` is not a text"))
    };
    let expected =
        vector.get("expected").and_then(Value::as_object).ok_or("`expected` is missing")?;
    let wanted = |name: &str| expected.get(name).and_then(Value::as_str);
    let style = if text("signed_with").unwrap_or_default().contains("openapi") {
        Covered::AllButTransport
    } else {
        Covered::Standard
    };
    let host = text("host")?;
    let mut headers: Vec<(String, String)> = Vec::new();
    // The signer for Node covers `Host` only where its caller sets it.
    let covers_host =
        wanted("signed_headers").is_none_or(|names| names.split(';').any(|name| name == "host"));
    if style == Covered::Standard || covers_host {
        headers.push(("Host".to_owned(), host.to_owned()));
    }
    let extra = vector.get("extra_headers").and_then(Value::as_object);
    for (name, value) in extra.into_iter().flatten() {
        if !name.eq_ignore_ascii_case("host") {
            headers.push((name.clone(), plain(value)));
        }
    }
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let query = pairs(vector.get("query"))?;
    let date = NaiveDateTime::parse_from_str(text("x_date")?, "%Y%m%dT%H%M%SZ")
        .map_err(|_| "`x_date` is no date")?;
    let seconds = u64::try_from(date.and_utc().timestamp()).map_err(|_| "`x_date` is too early")?;
    let token = vector.get("session_token").and_then(Value::as_str).filter(|t| !t.is_empty());
    let key = AccessKey::new(
        text("access_key_id")?.to_owned(),
        text("secret_access_key")?.into(),
        token.map(Into::into),
    );
    let request = Unsigned {
        method: text("method")?,
        path: text("path")?,
        query: &query,
        headers: &headers,
        body: vector.get("body").and_then(Value::as_str).unwrap_or_default().as_bytes(),
    };
    let scope = SigningScope { service: text("service")?, region: text("region")? };
    let now = Timestamp::from_secs(seconds);
    let signed = sign(&request, &key, scope, style, now).map_err(|error| error.to_string())?;
    if expected.values().all(Value::is_null) {
        return Err("`expected` has nothing to compare".to_owned());
    }
    let compared = compared(&signed);
    let mut mismatches = Vec::new();
    for (name, wanted) in expected.iter().filter(|(_, wanted)| !wanted.is_null()) {
        let wanted = wanted.as_str().ok_or_else(|| format!("`expected.{name}` is not a text"))?;
        if name == "signing_key_hex" {
            if mac(wanted, &signed.string_to_sign).as_deref() != Some(&*signed.signature) {
                mismatches.push(format!("{name} {wanted:?} does not give the signature"));
            }
            continue;
        }
        let found = compared.iter().find(|(known, _)| known == name);
        let found = found.map(|(_, found)| found);
        let found = found.ok_or_else(|| format!("`expected.{name}` is not known"))?;
        if wanted != found {
            mismatches.push(format!("{name}\n  wanted {wanted:?}\n  found  {found:?}"));
        }
    }
    Ok(mismatches)
}

/// The HMAC-SHA256 of a text by a key in hexadecimal; `None` if that is no key.
fn mac(key: &str, text: &str) -> Option<String> {
    let digits = key.as_bytes().chunks(2);
    let bytes = digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
    let mut mac = Hmac::<Sha256>::new_from_slice(&bytes.collect::<Option<Vec<u8>>>()?).ok()?;
    mac.update(text.as_bytes());
    Some(hex(&mac.finalize().into_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn compared(signed: &Signed) -> Vec<(&'static str, String)> {
    let header = |name: &str| {
        let found = signed.headers.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value.expose_secret().to_owned()).unwrap_or_default()
    };
    vec![
        ("x_date", header("X-Date")),
        ("x_content_sha256", header("X-Content-Sha256")),
        ("x_security_token", header("X-Security-Token")),
        ("signed_headers", signed.signed_headers.clone()),
        ("canonical_request", signed.canonical_request.expose_secret().to_owned()),
        (
            "canonical_request_sha256",
            hex(&Sha256::digest(signed.canonical_request.expose_secret())),
        ),
        ("credential_scope", signed.scope.clone()),
        ("string_to_sign", signed.string_to_sign.clone()),
        ("signature", signed.signature.clone()),
        ("authorization", header("Authorization")),
    ]
}

/// An object of texts, numbers or lists, or a list of pairs.
fn pairs(query: Option<&Value>) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut add = |name: &str, value: &Value| match value {
        Value::Array(values) => {
            pairs.extend(values.iter().map(|value| (name.to_owned(), plain(value))));
        }
        Value::Null => {}
        value => pairs.push((name.to_owned(), plain(value))),
    };
    match query {
        None | Some(Value::Null) => {}
        Some(Value::Object(query)) => query.iter().for_each(|(name, value)| add(name, value)),
        Some(Value::Array(query)) => {
            for pair in query {
                let name = pair.get(0).and_then(Value::as_str);
                match (name, pair.get(1)) {
                    (Some(name), Some(value)) => add(name, value),
                    _ => return Err("`query` is no list of pairs".to_owned()),
                }
            }
        }
        Some(_) => return Err("`query` is no object".to_owned()),
    }
    Ok(pairs)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
