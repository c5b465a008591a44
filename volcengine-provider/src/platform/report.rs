//! [`ChainReport`]: which source won, and why the others did not.

use std::fmt;

use super::source::KeySource;

/// Which source won, and why those before it did not. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChainReport {
    /// The source of the keys; `None` if there are none.
    pub(crate) won: Option<KeySource>,
    /// The sources asked before it, in order.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// A source without keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassedOver {
    /// The source.
    pub(crate) source: KeySource,
    /// Why it has none.
    pub(crate) why: &'static str,
}

impl ChainReport {
    pub(super) fn pass(&mut self, source: KeySource, why: &'static str) {
        self.passed_over.push(PassedOver { source, why });
    }

    /// Why those before the winner did not win: `configuration: …; environment: …`.
    pub(crate) fn reasons(&self) -> String {
        let reasons: Vec<String> = self
            .passed_over
            .iter()
            .map(|PassedOver { source, why }| format!("{source}: {why}"))
            .collect();
        reasons.join("; ")
    }
}

impl fmt::Display for ChainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.won {
            Some(source) => write!(f, "keys from the {source}")?,
            None => f.write_str("no source has keys")?,
        }
        if !self.passed_over.is_empty() {
            write!(f, "; {}", self.reasons())?;
        }
        Ok(())
    }
}
