//! `oauth_creds.json`, as Gemini CLI and MiniMax's CLI write it, and Gemini's keychain item.

use credential_provider_api::{CredentialKind, ReauthReason};
use serde::Deserialize;
use serde_json::Number;

use super::super::claims::UnverifiedClaims;
use super::super::value::Said;
use super::{Found, Problem, ToldBy, end, parse};

#[derive(Deserialize)]
struct OAuthFile {
    #[serde(default)]
    access_token: Said,
    #[serde(default)]
    id_token: Said,
    expiry_date: Option<Number>,
    scope: Option<String>,
}

pub(super) fn gemini(bytes: &[u8]) -> Result<Found, Problem> {
    let file: OAuthFile = parse(bytes)?;
    let Some(access) = file.access_token.secret()? else { return Err(gemini_signed_out()) };
    let mut found = Found::new(access, CredentialKind::OAuth2, end(file.expiry_date.as_ref())?);
    found.scopes = split(file.scope.as_deref());
    // Nobody is shut out for an ID token that cannot be read: it only says whose login it is.
    let Said::Text(token) = file.id_token else { return Ok(found) };
    let of = UnverifiedClaims::of(&token);
    Ok(found.of_account(of.sub, ToldBy::UnverifiedToken).of_email(of.email))
}

#[derive(Deserialize)]
struct Item {
    token: Option<ItemToken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemToken {
    #[serde(default)]
    access_token: Said,
    expires_at: Option<Number>,
    scope: Option<String>,
}

pub(super) fn gemini_item(bytes: &[u8]) -> Result<Found, Problem> {
    let item: Item = parse(bytes)?;
    let Some(token) = item.token else { return Err(gemini_signed_out()) };
    let Some(access) = token.access_token.secret()? else { return Err(gemini_signed_out()) };
    let mut found = Found::new(access, CredentialKind::OAuth2, end(token.expires_at.as_ref())?);
    found.scopes = split(token.scope.as_deref());
    Ok(found)
}

pub(super) fn minimax(bytes: &[u8]) -> Result<Found, Problem> {
    let file: OAuthFile = parse(bytes)?;
    let Some(access) = file.access_token.secret()? else {
        return Err(Problem::SignIn(ReauthReason::NotSignedIn, "it is not signed in"));
    };
    Ok(Found::new(access, CredentialKind::OAuth2, end(file.expiry_date.as_ref())?))
}

fn gemini_signed_out() -> Problem {
    Problem::SignIn(ReauthReason::NotSignedIn, "it is not signed in")
}

fn split(scope: Option<&str>) -> Vec<String> {
    scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}
