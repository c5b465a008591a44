//! [`ExecRequest`]: what a program is asked.

use serde::Serialize;
use serde_json::Value;

/// The only version there is.
pub(crate) const VERSION: u64 = 1;

/// A request of the exec protocol. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExecRequest {
    /// The protocol's version; `None` if it is no whole number.
    pub protocol_version: Option<u64>,
    /// The asker's name for the program.
    pub provider: String,
    /// What is asked for.
    pub ids: Vec<String>,
}

/// Why a text is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MalformedRequest {
    /// It is not JSON in UTF-8.
    NotJson,
    /// It is not an object.
    NotObject,
    /// `ids` is not a list of texts.
    NoIds,
}

impl ExecRequest {
    /// A request of version 1.
    #[must_use]
    pub fn new(provider: &str, ids: &[String]) -> Self {
        Self { protocol_version: Some(VERSION), provider: provider.to_owned(), ids: ids.to_vec() }
    }

    /// Reads a request. The version is read, not judged; unknown fields are allowed.
    ///
    /// # Errors
    /// [`MalformedRequest`] if there are no ids to answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedRequest> {
        let whole: Value = serde_json::from_slice(bytes).map_err(|_| MalformedRequest::NotJson)?;
        let whole = whole.as_object().ok_or(MalformedRequest::NotObject)?;
        let ids = whole.get("ids").and_then(Value::as_array).ok_or(MalformedRequest::NoIds)?;
        let text = |id: &Value| id.as_str().map(str::to_owned);
        let ids = ids.iter().map(text).collect::<Option<_>>().ok_or(MalformedRequest::NoIds)?;
        let provider = whole.get("provider").and_then(Value::as_str).unwrap_or_default();
        Ok(Self {
            protocol_version: whole.get("protocolVersion").and_then(whole_number),
            provider: provider.to_owned(),
            ids,
        })
    }

    /// The request as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Numbers and texts: there is nothing in it that serialization can fail at.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// As JavaScript writes numbers: `1.0` is 1.
fn whole_number(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|number| *number == 1.0).map(|_| VERSION);
    value.as_u64().or_else(float)
}
