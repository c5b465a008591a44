//! What the story expects of itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::narrator::Narrator;

/// Collects expectations while the story is told.
#[derive(Default)]
pub struct Checks(Mutex<Vec<(String, Verdict)>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Failed,
}

impl Checks {
    /// `promise` should hold. A number that went wrong belongs into its words.
    pub fn expect(&self, holds: bool, promise: impl Into<String>) {
        let verdict = if holds { Verdict::Ok } else { Verdict::Failed };
        self.list().push((promise.into(), verdict));
    }

    /// Prints them all; whether each held.
    #[must_use]
    pub fn conclude(&self, narrator: &Narrator) -> bool {
        let list = self.list();
        for (promise, verdict) in &*list {
            let word = match verdict {
                Verdict::Ok => "ok    ",
                Verdict::Failed => "FAILED",
            };
            narrator.row(format!("{word}  {promise}"));
        }
        list.iter().all(|(_, verdict)| *verdict == Verdict::Ok)
    }

    fn list(&self) -> MutexGuard<'_, Vec<(String, Verdict)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
