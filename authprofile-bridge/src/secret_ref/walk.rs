//! [`Place`]: a value of the configuration that knows its path.

use credential_provider_api::ConfigError;
use serde_json::{Map, Value};

/// A value, and where it stands. Problems name the path and never repeat the value.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Place<'a> {
    pub(crate) fn new(path: &str, value: &'a Value) -> Self {
        Self { path: path.to_owned(), value }
    }

    pub(crate) fn error(&self, problem: &str) -> ConfigError {
        ConfigError::new(&self.path, problem)
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(crate) fn object(&self) -> Result<&'a Map<String, Value>, ConfigError> {
        self.value.as_object().ok_or_else(|| self.error("is not an object"))
    }

    /// The member `name`, if it is there. `null` counts as absent.
    pub(crate) fn member(&self, name: &str) -> Result<Option<Self>, ConfigError> {
        let found = self.object()?.get(name).filter(|value| !value.is_null());
        Ok(found.map(|value| Self { path: self.at(name), value }))
    }

    pub(crate) fn members(&self) -> Result<Vec<(&'a str, Self)>, ConfigError> {
        let member = |(name, value)| (String::as_str(name), Self { path: self.at(name), value });
        Ok(self.object()?.iter().map(member).collect())
    }

    pub(crate) fn text(&self) -> Result<&'a str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.error("is not text"))
    }

    pub(crate) fn texts(&self) -> Result<Vec<&'a str>, ConfigError> {
        let items = self.value.as_array().ok_or_else(|| self.error("is not a list"))?;
        let item = |(index, value)| Self { path: format!("{}[{index}]", self.path), value }.text();
        items.iter().enumerate().map(item).collect()
    }

    pub(crate) fn flag(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.error("is neither true nor false"))
    }

    /// A whole number from 1 to `most`.
    pub(crate) fn number(&self, most: u64) -> Result<u64, ConfigError> {
        let number = self.value.as_u64().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| self.error(&format!("is not a whole number from 1 to {most}")))
    }
}
