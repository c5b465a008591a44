//! [`Environment`]: the variables of the process, as a parameter.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// Tells environment variables. A value may be a secret.
pub trait Environment: Send + Sync {
    /// The variable `name`; `None` if it is not set or no text.
    fn variable(&self, name: &str) -> Option<SecretString>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn variable(&self, name: &str) -> Option<SecretString> {
        std::env::var(name).ok().map(SecretString::from)
    }
}

/// Variables that a host read itself.
impl Environment for BTreeMap<String, SecretString> {
    fn variable(&self, name: &str) -> Option<SecretString> {
        self.get(name).cloned()
    }
}
