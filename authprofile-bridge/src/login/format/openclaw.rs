//! OpenClaw's files from before its auth profiles: a login for each provider.

use std::collections::BTreeMap;

use credential_provider_api::{CredentialError, CredentialKind, Detail, ErrorCode, ReauthReason};
use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

use super::super::value::Said;
use super::{Found, Problem, end, parse};

/// Entries of other providers are not looked into, so a bad one is no hindrance.
type Entries<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    r#type: Option<String>,
    mode: Option<String>,
    #[serde(default)]
    key: Said,
    #[serde(default)]
    api_key: Said,
    #[serde(default)]
    key_ref: Said,
    #[serde(default)]
    token: Said,
    #[serde(default)]
    token_ref: Said,
    #[serde(default)]
    access: Said,
    expires: Option<Number>,
    account_id: Option<String>,
    email: Option<String>,
}

/// An entry of `auth.json`, of this kind.
pub(super) fn auth(bytes: &[u8], provider: &str, kind: CredentialKind) -> Result<Found, Problem> {
    let entry = entry(bytes, provider)?;
    // An older name of the same field.
    let named = entry.r#type.as_deref().or(entry.mode.as_deref());
    let is = match named {
        Some("api_key") => CredentialKind::ApiKey,
        Some("token") => CredentialKind::Token,
        Some("oauth") => CredentialKind::OAuth2,
        _ => return Err(Problem::Corrupt("the entry of this provider is of no known type")),
    };
    if is != kind {
        let detail = format!("OpenClaw keeps this login as {is}: name that as its kind");
        let detail = Detail::composed(detail);
        return Err(Problem::Is(CredentialError::new(ErrorCode::ConfigurationInvalid, detail)));
    }
    found(entry, kind)
}

/// An entry of `oauth.json`.
pub(super) fn oauth(bytes: &[u8], provider: &str) -> Result<Found, Problem> {
    found(entry(bytes, provider)?, CredentialKind::OAuth2)
}

fn entry(bytes: &[u8], provider: &str) -> Result<Entry, Problem> {
    let entries: Entries<'_> = parse(bytes)?;
    let entry = entries.get(provider).ok_or_else(signed_out)?;
    parse(entry.get().as_bytes())
}

fn found(entry: Entry, kind: CredentialKind) -> Result<Found, Problem> {
    let (inline, older, reference) = match kind {
        CredentialKind::ApiKey => (entry.key, entry.api_key, entry.key_ref),
        CredentialKind::Token => (entry.token, Said::Nothing, entry.token_ref),
        _ => (entry.access, Said::Nothing, Said::Nothing),
    };
    // A reference of its own field wins over a value beside it, and is not followed here.
    if !matches!(reference, Said::Nothing) {
        Said::Object.secret()?;
    }
    let secret = match inline.secret()? {
        Some(secret) => Some(secret),
        None => older.secret()?,
    };
    let secret = secret.ok_or_else(signed_out)?;
    let end = match kind {
        CredentialKind::ApiKey => super::End::Unknown,
        _ => end(entry.expires.as_ref())?,
    };
    let found = Found::new(secret, kind, end);
    Ok(found.of_account(entry.account_id, super::ToldBy::File).of_email(entry.email))
}

fn signed_out() -> Problem {
    let detail = "its file has no login for this provider";
    Problem::SignIn(ReauthReason::NotSignedIn, detail)
}
