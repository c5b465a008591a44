//! [`Wiped`]: JSON that may hold secrets anywhere.

use secrecy::SecretString;
use serde_json::Value;
use zeroize::Zeroize as _;

use super::error::SecretRefProblem;
use credential_provider_api::is_mark;

/// A JSON value whose texts are wiped when it is dropped.
pub(crate) struct Wiped(Value);

impl Wiped {
    /// Parses `bytes`; `None` if they are not JSON in UTF-8.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

/// The secret at `place`. A copy: the same place may be wanted again under another id.
pub(crate) fn secret(place: &Value) -> Result<SecretString, SecretRefProblem> {
    place.as_str().ok_or(SecretRefProblem::NotText).and_then(accept)
}

/// `text` as a value, unless it is none.
pub(crate) fn accept(text: &str) -> Result<SecretString, SecretRefProblem> {
    if text.trim().is_empty() {
        return Err(SecretRefProblem::NotText);
    }
    if is_mark(text) {
        return Err(SecretRefProblem::Mark);
    }
    Ok(SecretString::from(text))
}
