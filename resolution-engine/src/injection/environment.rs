//! [`Injection`]: what one child process gets.

use std::fmt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use credential_provider_api::{
    Credential, CredentialError, EnvName, ExposeSecret as _, SecretString,
};

/// The environment variables of one tool call. Keep it until the call ends, then drop it: our copies
/// of the values are wiped. Until then a redactor masks them, past their expiry too. `Debug` shows names only; it cannot be cloned or serialized.
///
/// ```compile_fail
/// use resolution_engine::injection::Injection;
/// fn copied(injection: &Injection) -> Injection {
///     injection.clone()
/// }
/// ```
#[must_use = "an injection does nothing until it is applied"]
pub struct Injection {
    pub(super) values: Vec<(EnvName, SecretString)>,
    pub(super) left_out: Vec<(EnvName, CredentialError)>,
    pub(super) short: Vec<EnvName>,
    /// A redactor masks what is held.
    pub(super) held: Vec<Arc<Credential>>,
    pub(super) _live: Live,
}

impl Injection {
    /// Sets the variables for the child that `command` starts, and removes those that were left out.
    /// Call it last: what is set, removed or cleared afterwards counts. With tokio's `Command`, pass
    /// `command.as_std_mut()`.
    ///
    /// `command` keeps a copy of the values until it is dropped.
    pub fn apply(&self, command: &mut Command) {
        for (name, value) in &self.values {
            command.env(name.as_str(), value.expose_secret());
        }
        for name in self.removed() {
            command.env_remove(name.as_str());
        }
    }

    /// A sink: the names with their values in plain text, for a host that builds an environment
    /// itself. It must also take out what [`removed`](Self::removed) names.
    pub fn expose_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.expose_secret()))
    }

    /// The names that have a value.
    pub fn names(&self) -> impl Iterator<Item = &EnvName> {
        self.values.iter().map(|(name, _)| name)
    }

    /// The names that the child must not have, not even from the host's own environment: those of
    /// optional credentials that could not be had.
    pub fn removed(&self) -> impl Iterator<Item = &EnvName> {
        self.left_out.iter().map(|(name, _)| name)
    }

    /// What optional credentials were not had for.
    pub fn left_out(&self) -> impl Iterator<Item = (&EnvName, &CredentialError)> {
        self.left_out.iter().map(|(name, error)| (name, error))
    }

    /// The names whose value is too short to be masked in what the tool prints.
    #[must_use]
    pub fn short_values(&self) -> &[EnvName] {
        &self.short
    }
}

impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injection")
            .field("names", &self.names().collect::<Vec<_>>())
            .field("removed", &self.removed().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// One of the injections that are alive; counted down when dropped.
pub(super) struct Live(Arc<AtomicUsize>);

impl Live {
    pub(super) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_our_copies_are_wiped_when_dropped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &[(EnvName, T)]) {}
        let injection = Injection {
            values: vec![(EnvName::new("A").unwrap(), "canary-value".into())],
            left_out: Vec::new(),
            short: Vec::new(),
            held: Vec::new(),
            _live: Live::new(&Arc::default()),
        };
        wiped(&injection.values);
        assert!(!format!("{injection:?} {injection:#?}").contains("canary"));
    }
}
