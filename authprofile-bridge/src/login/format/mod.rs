//! What stands in the files: one module for each format.
//!
//! Refresh tokens are not among the fields read: they stay in the bytes of the file, which are wiped.

mod claude;
mod codex;
mod google;
mod openclaw;

use credential_provider_api::{
    AccountId, CredentialError, CredentialKind, ReauthReason, SecretString, Timestamp,
};
use serde::Deserialize;
use serde_json::Number;
use serde_json::error::Category;

use super::source::LoginSource;

/// A login as it was found.
pub(super) struct Found {
    pub(super) secret: SecretString,
    pub(super) kind: CredentialKind,
    pub(super) end: End,
    pub(super) issued_at: Option<Timestamp>,
    pub(super) account: Option<AccountId>,
    pub(super) email: Option<String>,
    pub(super) told_by: ToldBy,
    pub(super) scopes: Vec<String>,
}

/// When a login ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The source names no end.
    Unknown,
    /// Then.
    At(Timestamp),
    /// An hour after its file was written.
    HourAfterWritten,
}

/// Who says whose login it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToldBy {
    /// The tool, in a field of its own.
    File,
    /// A claim of an ID token whose signature nobody checked.
    UnverifiedToken,
}

/// Why there is no login.
#[derive(Debug)]
pub(super) enum Problem {
    /// It is not whole, as when it is being written.
    Torn,
    /// It is whole and not what it should be.
    Corrupt(&'static str),
    /// A person must sign in with the tool, because of this.
    SignIn(ReauthReason, &'static str),
    /// Another error.
    Is(CredentialError),
}

impl Found {
    fn new(secret: SecretString, kind: CredentialKind, end: End) -> Self {
        Self {
            secret,
            kind,
            end,
            issued_at: None,
            account: None,
            email: None,
            told_by: ToldBy::File,
            scopes: Vec::new(),
        }
    }

    /// Whose it is. A text that is no account id is none.
    fn of_account(mut self, account: Option<String>, told_by: ToldBy) -> Self {
        self.account = account.and_then(|account| AccountId::new(account).ok());
        self.told_by = told_by;
        self
    }

    /// An e-mail address that could be one.
    fn of_email(mut self, email: Option<String>) -> Self {
        self.email = email.filter(|email| AccountId::new(email).is_ok());
        self
    }
}

/// Reads the login of `source` out of a file's bytes.
pub(super) fn read(source: &LoginSource, bytes: &[u8], now: Timestamp) -> Result<Found, Problem> {
    match source {
        LoginSource::Codex => codex::tokens(bytes, now),
        LoginSource::CodexApiKey => codex::api_key(bytes),
        LoginSource::ClaudeCode => claude::read(bytes),
        LoginSource::Gemini => google::gemini(bytes),
        LoginSource::MiniMax => google::minimax(bytes),
        LoginSource::OpenClawAuth { provider, kind } => openclaw::auth(bytes, provider, *kind),
        LoginSource::OpenClawOAuth { provider } => openclaw::oauth(bytes, provider),
    }
}

/// Reads the login of `source` out of a keychain item's bytes: they have the form of the file, but
/// Gemini's.
pub(super) fn read_item(
    source: &LoginSource,
    bytes: &[u8],
    now: Timestamp,
) -> Result<Found, Problem> {
    match source {
        LoginSource::Gemini => google::gemini_item(bytes),
        source => read(source, bytes, now),
    }
}

fn parse<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    // The parser's own message may quote a secret: it goes no further.
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => Problem::Corrupt("a field in it is of another type than expected"),
        _ => Problem::Torn,
    })
}

/// The last moment JavaScript's dates know.
const LAST_MILLI: f64 = 8.64e15;
/// In milliseconds this is March 1973; no login ended then, so smaller numbers are seconds.
const FEWEST_MILLIS: f64 = 1e11;

/// When a login ends, in milliseconds by the tools' formats, or in seconds by mistake.
fn moment(number: &Number) -> Result<Timestamp, Problem> {
    let number = number.as_f64().filter(|n| (0.0..=LAST_MILLI).contains(n));
    let number = number.ok_or(Problem::Corrupt("its end is out of range"))?;
    let millis = if number < FEWEST_MILLIS { number * 1000.0 } else { number };
    Ok(Timestamp::from_millis(millis as u64))
}

fn end(number: Option<&Number>) -> Result<End, Problem> {
    number.map_or(Ok(End::Unknown), |number| moment(number).map(End::At))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Timestamp> {
        moment(&serde_json::from_str(json).unwrap()).ok()
    }

    #[test]
    fn an_end_is_in_milliseconds_and_small_numbers_are_seconds() {
        assert_eq!(read("1800000000123"), Some(Timestamp::from_millis(1_800_000_000_123)));
        assert_eq!(read("1800000000123.9"), Some(Timestamp::from_millis(1_800_000_000_123)));
        assert_eq!(read("1800000000"), Some(Timestamp::from_secs(1_800_000_000)));
        assert_eq!(read("0"), Some(Timestamp::EPOCH));
        for wrong in ["-1", "8.65e15", "18446744073709551615", "1e300"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
