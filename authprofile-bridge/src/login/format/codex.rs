//! Codex: `auth.json`, and the same object in its keychain item.

use std::time::Duration;

use chrono::DateTime;
use credential_provider_api::{
    CredentialError, CredentialKind, ErrorCode, ReauthReason, SecretString, Timestamp,
};
use serde::Deserialize;

use super::super::claims::UnverifiedClaims;
use super::super::value::Said;
use super::{End, Found, Problem, ToldBy, parse};

#[derive(Deserialize)]
struct AuthFile {
    auth_mode: Option<String>,
    #[serde(rename = "OPENAI_API_KEY", default)]
    api_key: Said,
    tokens: Option<Tokens>,
    last_refresh: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    access_token: Said,
    #[serde(default)]
    id_token: Said,
    account_id: Option<String>,
}

/// What Codex itself uses.
enum Mode {
    ApiKey,
    ChatGpt,
}

impl AuthFile {
    fn mode(&self) -> Result<Mode, Problem> {
        match self.auth_mode.as_deref() {
            Some("apikey") => Ok(Mode::ApiKey),
            Some("chatgpt" | "chatgptAuthTokens") => Ok(Mode::ChatGpt),
            None if self.tokens.is_some() => Ok(Mode::ChatGpt),
            None => Ok(Mode::ApiKey),
            Some(_) => {
                let detail = "Codex is signed in in a way that is not read here";
                Err(Problem::Is(CredentialError::new(ErrorCode::Unsupported, detail)))
            }
        }
    }
}

/// The tokens of a ChatGPT login.
pub(super) fn tokens(bytes: &[u8], now: Timestamp) -> Result<Found, Problem> {
    let file: AuthFile = parse(bytes)?;
    if matches!(file.mode()?, Mode::ApiKey) {
        if file.api_key.secret()?.is_some() {
            let detail = "Codex is signed in with an API key: that is the login `codex-api-key`";
            return Err(Problem::Is(CredentialError::new(ErrorCode::NotConfigured, detail)));
        }
        return Err(signed_out());
    }
    let Some(tokens) = file.tokens else { return Err(signed_out()) };
    let Some(access) = tokens.access_token.secret()? else { return Err(signed_out()) };
    let claims = UnverifiedClaims::of(&access);
    let end = claims.ends().or_else(|| refreshed(file.last_refresh.as_deref()?, now));
    let mut found =
        Found::new(access, CredentialKind::OAuth2, end.map_or(End::HourAfterWritten, End::At));
    found.issued_at = claims.issued();
    // Nobody is shut out for an ID token that cannot be read: it only says whose login it is.
    let of = match tokens.id_token {
        Said::Text(token) => UnverifiedClaims::of(&token),
        _ => UnverifiedClaims::default(),
    };
    let named = tokens.account_id.filter(|account| !account.is_empty());
    let found = match named {
        Some(account) => found.of_account(Some(account), ToldBy::File),
        None => {
            let account = of.openai.and_then(|openai| openai.chatgpt_account_id).or(of.sub);
            found.of_account(account, ToldBy::UnverifiedToken)
        }
    };
    Ok(found.of_email(of.email))
}

/// The API key, where Codex is signed in with one.
pub(super) fn api_key(bytes: &[u8]) -> Result<Found, Problem> {
    let file: AuthFile = parse(bytes)?;
    if matches!(file.mode()?, Mode::ChatGpt) {
        let detail = "Codex is signed in with ChatGPT: that is the login `codex`";
        return Err(Problem::Is(CredentialError::new(ErrorCode::NotConfigured, detail)));
    }
    let key: SecretString = file.api_key.secret()?.ok_or_else(signed_out)?;
    Ok(Found::new(key, CredentialKind::ApiKey, End::Unknown))
}

fn signed_out() -> Problem {
    Problem::SignIn(ReauthReason::NotSignedIn, "it is not signed in")
}

/// An hour after the last renewal; a moment that has not come yet says nothing.
fn refreshed(text: &str, now: Timestamp) -> Option<Timestamp> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis();
    let at = Timestamp::from_millis(u64::try_from(at).ok()?);
    (at <= now).then(|| at.plus(Duration::from_secs(3600)))
}
