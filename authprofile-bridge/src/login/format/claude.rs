//! Claude Code: `.credentials.json`, and the same object in its keychain item.

use credential_provider_api::{CredentialKind, ReauthReason};
use serde::Deserialize;
use serde_json::Number;

use super::super::value::Said;
use super::{Found, Problem, end, parse};

#[derive(Deserialize)]
struct CredentialsFile {
    #[serde(rename = "claudeAiOauth")]
    login: Option<Login>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    #[serde(default)]
    access_token: Said,
    expires_at: Option<Number>,
    scopes: Option<Vec<String>>,
}

/// Without it Claude Code itself says that nobody is signed in.
const NEEDED: &str = "user:inference";

pub(super) fn read(bytes: &[u8]) -> Result<Found, Problem> {
    let file: CredentialsFile = parse(bytes)?;
    let Some(login) = file.login else {
        return Err(Problem::SignIn(ReauthReason::NotSignedIn, "it is not signed in"));
    };
    let Some(access) = login.access_token.secret()? else {
        // It empties the tokens when its issuer no longer takes them.
        return Err(Problem::SignIn(ReauthReason::SignedOut, "it was signed out"));
    };
    let scopes = login.scopes.unwrap_or_default();
    if !scopes.iter().any(|scope| scope == NEEDED) {
        let detail = "its login lacks the scope user:inference";
        return Err(Problem::SignIn(ReauthReason::ConsentRequired, detail));
    }
    let mut found = Found::new(access, CredentialKind::OAuth2, end(login.expires_at.as_ref())?);
    found.scopes = scopes;
    Ok(found)
}
