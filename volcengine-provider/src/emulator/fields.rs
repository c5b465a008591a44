//! Fields of JSON objects.

use serde_json::Value;

/// `object` with more fields; those that are null stay away.
pub(crate) fn with<const N: usize>(mut object: Value, more: [(&str, Value); N]) -> Value {
    if let Some(fields) = object.as_object_mut() {
        let more = more.into_iter().filter(|(_, value)| !value.is_null());
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    object
}
