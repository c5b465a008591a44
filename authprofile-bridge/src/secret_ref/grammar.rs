//! How references are written: aliases, ids and the forms of a whole reference.

use credential_provider_api::{SecretRef, SecretSource};
use serde_json::{Map, Value};

use super::configuration::Defaults;
use super::error::{SecretRefError, SecretRefProblem};

/// Whether `text` is an alias of a source: `[a-z][a-z0-9_-]{0,63}`.
#[must_use]
pub fn check_alias(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && text.len() <= 64
        && bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// Whether `text` is an id of `source`; the [module's page](super#forms) has the grammars.
#[must_use]
pub fn check_id(source: SecretSource, text: &str) -> bool {
    match source {
        SecretSource::Env | SecretSource::Store => is_name(text),
        SecretSource::File => text == "value" || is_pointer(text),
        SecretSource::Exec => is_program_id(text),
        _ => false,
    }
}

/// Whether `text` is `[A-Z][A-Z0-9_]{0,127}`.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && text.len() <= 128
        && bytes.all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

/// Whether `text` is a JSON pointer that starts with `/` (RFC 6901 §3).
pub(crate) fn is_pointer(text: &str) -> bool {
    text.starts_with('/')
        && text.split('~').skip(1).all(|after| after.starts_with('0') || after.starts_with('1'))
}

fn is_program_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.len() <= 256
        && bytes.all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'/' | b'#' | b'-')
        })
        && !text.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The reference that `value` is; `None` if it has the shape of none, and is a value of its own.
///
/// # Errors
/// If it has the shape of a reference and its alias or id does not keep the grammar.
pub fn read_reference(
    value: &Value,
    defaults: &Defaults,
) -> Result<Option<SecretRef>, SecretRefError> {
    let found = match value {
        Value::String(text) => template(text)
            .map(|name| SecretRef::new(SecretSource::Env, defaults.alias(SecretSource::Env), name)),
        Value::Object(map) => object(map, defaults),
        _ => None,
    };
    let Some(reference) = found else {
        return Ok(None);
    };
    if check_alias(&reference.provider) && check_id(reference.source, &reference.id) {
        return Ok(Some(reference));
    }
    Err(SecretRefError::new(&reference, SecretRefProblem::InvalidReference))
}

/// The name of the variable that the whole of `text` stands for.
fn template(text: &str) -> Option<&str> {
    let text = text.trim();
    let braced = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let marked = || text.strip_prefix("secretref-env:").or_else(|| text.strip_prefix("__env__:"));
    braced.or_else(|| text.strip_prefix('$')).or_else(marked).filter(|name| is_name(name))
}

fn object(map: &Map<String, Value>, defaults: &Defaults) -> Option<SecretRef> {
    let text = |name: &str| map.get(name).and_then(Value::as_str);
    let source = match text("source")? {
        "env" => SecretSource::Env,
        "file" => SecretSource::File,
        "exec" => SecretSource::Exec,
        "store" => SecretSource::Store,
        _ => return None,
    };
    let id = text("id")?;
    match (map.len(), text("provider")) {
        (3, Some(alias)) => Some(SecretRef::new(source, alias, id)),
        (2, None) => Some(SecretRef::new(source, defaults.alias(source), id)),
        _ => None,
    }
}
