//! [`Claims`]: the members of a header or a payload.

use serde_json::{Map, Value};

#[derive(Clone, Default)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// With a member, in place of one of the same name.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn optional(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}

impl FromIterator<(String, Value)> for Claims {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}
