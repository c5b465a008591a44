//! [`FilledParameters`]: parameters with secrets in them.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialError, ErrorCode, ExposeSecret as _, SecretString,
};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::path::{Path, Segment};

/// A tool's parameters with their placeholders filled. `Debug` shows which were filled and no value;
/// it cannot be cloned, and is serialized only by name. Its texts are wiped when it is dropped.
/// Until then a redactor masks the secrets in it, past their expiry too.
///
/// ```compile_fail
/// use resolution_engine::placeholder::FilledParameters;
/// fn leak(filled: &FilledParameters) -> String {
///     serde_json::to_string(filled).unwrap()
/// }
/// ```
#[must_use = "filled parameters are for the tool's call"]
pub struct FilledParameters {
    value: Zeroizing<Texts>,
    filled: Vec<String>,
    /// A redactor masks what is held.
    held: Vec<Arc<Credential>>,
}

impl FilledParameters {
    pub(super) fn new<'a>(
        parameters: &Value,
        values: impl Iterator<Item = (&'a Path<'a>, &'a SecretString)>,
    ) -> Result<Self, CredentialError> {
        let value = Zeroizing::new(Texts(parameters.clone()));
        let mut all = Self { value, filled: Vec::new(), held: Vec::new() };
        for (path, secret) in values {
            let place = place(&mut all.value.0, path).ok_or_else(|| {
                CredentialError::new(ErrorCode::Internal, "a parameter that was read is gone")
            })?;
            *place = Value::String(secret.expose_secret().to_owned());
            all.filled.push(path.to_string());
        }
        Ok(all)
    }

    pub(super) fn holding(mut self, credentials: Vec<Arc<Credential>>) -> Self {
        self.held = credentials;
        self
    }

    /// A sink: the parameters with the secrets in plain text.
    #[must_use]
    pub fn expose_parameters(&self) -> &Value {
        &self.value.0
    }

    /// A sink: the same as JSON. The text wipes itself.
    ///
    /// # Errors
    /// `internal`, if they cannot be written as JSON.
    pub fn expose_json(&self) -> Result<SecretString, CredentialError> {
        // Its size is counted first: a buffer that grows leaves copies behind.
        let mut size = Counted(0);
        let failed = |_| CredentialError::new(ErrorCode::Internal, "parameters are not JSON");
        serde_json::to_writer(&mut size, &self.value.0).map_err(failed)?;
        let mut text = zeroize::Zeroizing::new(Vec::with_capacity(size.0));
        serde_json::to_writer(&mut *text, &self.value.0).map_err(failed)?;
        match std::str::from_utf8(&text) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(CredentialError::new(ErrorCode::Internal, "JSON is not UTF-8")),
        }
    }

    /// The JSON pointers of the parameters that were filled.
    #[must_use]
    pub fn filled(&self) -> &[String] {
        &self.filled
    }
}

struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn place<'v>(value: &'v mut Value, path: &Path<'_>) -> Option<&'v mut Value> {
    path.0.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.as_object_mut()?.get_mut(*key),
        Segment::Index(index) => value.as_array_mut()?.get_mut(*index),
    })
}

/// Wipes every text below; parameters are at most 128 deep, so this ends.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Texts(Value);

impl Zeroize for Texts {
    fn zeroize(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for FilledParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilledParameters").field("filled", &self.filled).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_texts_are_wiped_and_debug_shows_none() {
        let parameters = serde_json::json!({ "a": [{ "b": "x" }], "c": "innocent" });
        let path = Path(vec![Segment::Key("a"), Segment::Index(0), Segment::Key("b")]);
        let secret = SecretString::from("canary-value");
        let mut filled =
            FilledParameters::new(&parameters, [(&path, &secret)].into_iter()).unwrap();
        assert!(!format!("{filled:?} {filled:#?}").contains("canary"));
        assert_eq!(filled.filled(), ["/a/0/b"]);
        let json = filled.expose_json().unwrap();
        assert!(json.expose_secret().contains("canary-value"));
        assert!(!format!("{json:?}").contains("canary"));
        // Memory that is freed cannot be looked at: that dropping wipes is said by the type.
        fn wiped_when_dropped(_: &impl zeroize::ZeroizeOnDrop) {}
        wiped_when_dropped(&filled.value);
        filled.value.zeroize();
        assert_eq!(filled.expose_parameters()["a"][0]["b"], "");
        assert_eq!(filled.expose_parameters()["c"], "");
    }
}
