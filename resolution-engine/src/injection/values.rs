//! What a value must be like to leave for a tool.

use credential_provider_api::{Credential, ExposeSecret as _, SecretString};

/// What becomes of values under 8 characters. A redactor cannot mask so short a text in what a tool
/// prints without masking innocent text too, so by default they are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ShortValues {
    /// An error.
    #[default]
    Refuse,
    /// Given, with a warning in the log and in the result.
    Warn,
}

/// Values of fewer characters are short.
const SHORT: usize = 8;
/// OpenClaw's limit on the value of an environment variable, in characters.
const LONGEST: usize = 32_768;

/// A value that may leave.
pub(crate) enum Judged {
    Fine(SecretString),
    Short(SecretString),
}

/// Picks one secret of `credential` and judges it; the problem is words without the value.
pub(crate) fn judge(
    credential: &Credential,
    field: Option<&str>,
    short: ShortValues,
) -> Result<Judged, &'static str> {
    let secret = match field {
        Some(name) => credential.field(name).ok_or("its credential has no field of the name given"),
        None => credential.secret().ok_or("its credential has several fields: name one"),
    }?;
    let text = secret.expose_secret();
    if text.contains('\0') {
        return Err("its value contains a NUL character");
    }
    if text.chars().nth(LONGEST).is_some() {
        return Err("its value has more than 32768 characters");
    }
    if text.chars().nth(SHORT - 1).is_some() {
        return Ok(Judged::Fine(secret.clone()));
    }
    match short {
        ShortValues::Refuse => Err("its value has fewer than 8 characters"),
        ShortValues::Warn => Ok(Judged::Short(secret.clone())),
    }
}
