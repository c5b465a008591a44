//! Everything the example prints goes through here, so that no secret does.

use std::collections::hash_map::RandomState;
use std::fmt::Display;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use credential_provider_api::{Credential, ExposeSecret as _};

use super::issuer::MARK;

/// Prints lines with the time and who acts, and refuses one that holds a secret of the issuer.
pub struct Narrator {
    started: Instant,
    /// Keyed anew in each run, so that a printed fingerprint says nothing about the secret.
    fingerprints: RandomState,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    withheld: usize,
}

impl Narrator {
    /// A narrator whose clock starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now(), fingerprints: RandomState::new(), told: Mutex::default() }
    }

    /// A heading.
    pub fn chapter(&self, title: &str) {
        self.print(String::new());
        self.print(format!("── {title} ──"));
    }

    /// Who does or sees what.
    pub fn say(&self, who: &str, what: impl Display) {
        let elapsed = self.started.elapsed().as_secs_f64();
        self.print(format!("[{elapsed:6.3}s] {who:<16} {what}"));
    }

    /// A line of a table.
    pub fn row(&self, text: impl Display) {
        self.print(format!("  {text}"));
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.told().lines.clone()
    }

    /// How many lines held a secret and were not printed.
    #[must_use]
    pub fn withheld(&self) -> usize {
        self.told().withheld
    }

    /// A credential as a person may see it: kind, revision, and a fingerprint to tell two apart.
    #[must_use]
    pub fn mask(&self, credential: &Credential) -> String {
        let revision = credential.revision().map(|r| r.to_string());
        let secret = credential.secret().map(|s| s.expose_secret());
        format!(
            "{} ••••#{:04x} {}",
            credential.kind(),
            self.fingerprints.hash_one(secret) & 0xffff,
            revision.unwrap_or_default(),
        )
    }

    #[allow(
        clippy::print_stdout,
        reason = "a program that talks to a person; the only place that prints"
    )]
    fn print(&self, line: String) {
        let mut told = self.told();
        if line.contains(MARK) {
            told.withheld += 1;
            return;
        }
        println!("{line}");
        told.lines.push(line);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Narrator {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_a_line_with_a_secret_is_withheld() {
        let narrator = Narrator::new();
        narrator.say("test", format!("the token is {MARK}-1"));
        narrator.say("test", "nothing secret");
        assert_eq!((narrator.withheld(), narrator.lines().len()), (1, 1));
    }

    #[test]
    fn promise_6_a_masked_credential_shows_no_secret() {
        let credential = Credential::token(format!("{MARK}-1").into());
        assert!(!Narrator::new().mask(&credential).contains(MARK));
    }
}
