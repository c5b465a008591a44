//! Everything the example prints goes through here, so that no secret does.

use std::collections::hash_map::RandomState;
use std::fmt::Display;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use credential_provider_api::{Credential, ExposeSecret as _, SecretString};

/// Stands in every secret that the example makes up. Nothing with it in may be printed.
pub const MARK: &str = "made-up-secret";

/// Every JSON Web Token begins so.
const JWT: &str = "eyJ";

/// Prints lines with the time and who acts, and withholds one that holds a secret: of those that the
/// example makes up, any JSON Web Token, or any credential that was ever masked.
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
    secrets: Vec<SecretString>,
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
        if let Some(secret) = secret {
            self.told().secrets.push(secret.into());
        }
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
        let mut known = told.secrets.iter().map(|secret| secret.expose_secret());
        if line.contains(MARK) || line.contains(JWT) || known.any(|secret| line.contains(secret)) {
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
    fn promise_6_a_masked_credential_shows_no_secret_and_is_withheld_from_then_on() {
        let (narrator, credential) = (Narrator::new(), Credential::token("canary-1".into()));
        assert!(!narrator.mask(&credential).contains("canary"));
        narrator.say("test", "the token is canary-1");
        narrator.say("test", format!("another is {JWT}hbGciOiJFUzI1NiJ9"));
        assert_eq!((narrator.withheld(), narrator.lines().len()), (2, 0));
    }
}
