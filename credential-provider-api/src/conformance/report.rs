//! [`Report`]: what a suite found.

use std::fmt;
use std::future::Future;
use std::io::Write as _;

use crate::id::InvalidId;

/// What a suite found, rule by rule. `Display` writes one line for each rule.
#[derive(Clone, Debug)]
#[must_use = "a report that nobody asserts proves nothing"]
pub struct Report {
    subject: String,
    rules: Vec<(&'static str, Verdict)>,
}

/// What became of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It is broken, in this way.
    Failed(String),
    /// It was not tested, for this reason.
    Skipped(String),
}

impl Report {
    /// The rules in the order they were tested.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.rules.iter().map(|(rule, verdict)| (*rule, verdict))
    }

    /// What became of `rule`; `None` if there is no such rule.
    #[must_use]
    pub fn verdict(&self, rule: &str) -> Option<&Verdict> {
        self.rules().find(|(name, _)| *name == rule).map(|(_, verdict)| verdict)
    }

    /// The names of the rules that failed.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        self.named(|verdict| matches!(verdict, Verdict::Failed(_)))
    }

    /// The names of the rules that were skipped.
    #[must_use]
    pub fn skipped(&self) -> Vec<&'static str> {
        self.named(|verdict| matches!(verdict, Verdict::Skipped(_)))
    }

    /// Prints what was skipped.
    ///
    /// # Panics
    /// If a rule failed. The message is the report, failed rules first.
    #[track_caller]
    pub fn assert(&self) {
        let failed: String = self.lines(|v| matches!(v, Verdict::Failed(_))).collect();
        assert!(
            failed.is_empty(),
            "{}: {} of {} rules broken\n{failed}\nall rules:\n{self}",
            self.subject,
            self.failed().len(),
            self.rules.len(),
        );
        let skipped: String = self
            .lines(|v| matches!(v, Verdict::Skipped(_)))
            .map(|line| format!("{}: {line}", self.subject))
            .collect();
        if !skipped.is_empty() {
            // Written to the stream itself: the test harness hides what a passing test prints.
            let _ = std::io::stderr().write_all(skipped.as_bytes());
        }
    }

    /// An empty report of `subject`.
    pub(super) fn of(subject: &str) -> Self {
        Self { subject: subject.to_owned(), rules: Vec::new() }
    }

    /// Tests `rule`, unless one of those it `needs` is broken already: a subject that breaks one
    /// rule is told of that one, not of all that follows from it.
    pub(super) async fn check(
        &mut self,
        rule: &'static str,
        needs: &[&'static str],
        test: impl Future<Output = Checked>,
    ) {
        let lacking = needs.iter().find_map(|need| match self.verdict(need) {
            Some(Verdict::Passed) => None,
            Some(Verdict::Skipped(why)) => Some(why.clone()),
            Some(Verdict::Failed(_)) | None => Some(format!("it needs `{need}`, which is broken")),
        });
        let verdict = match lacking {
            Some(why) => Verdict::Skipped(why),
            None => test.await.into(),
        };
        self.rules.push((rule, verdict));
    }

    fn named(&self, wanted: impl Fn(&Verdict) -> bool) -> Vec<&'static str> {
        self.rules().filter(|(_, verdict)| wanted(verdict)).map(|(rule, _)| rule).collect()
    }

    fn lines(&self, wanted: impl Fn(&Verdict) -> bool) -> impl Iterator<Item = String> {
        self.rules()
            .filter(move |(_, verdict)| wanted(verdict))
            .map(|(rule, verdict)| format!("{}\n", Line(rule, verdict)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rules().try_for_each(|(rule, verdict)| writeln!(f, "{}", Line(rule, verdict)))
    }
}

struct Line<'a>(&'static str, &'a Verdict);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Verdict::Passed => write!(f, "passed  {}", self.0),
            Verdict::Failed(message) => write!(f, "FAILED  {}: {message}", self.0),
            Verdict::Skipped(why) => write!(f, "skipped {}: {why}", self.0),
        }
    }
}

/// How a test of a rule ends early.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(String),
    Skipped(String),
}

/// The result of a test of a rule, or of a step in one.
pub(super) type Checked<T = ()> = Result<T, Stop>;

/// The rule is broken.
pub(super) fn fail<T>(message: impl Into<String>) -> Checked<T> {
    Err(Stop::Failed(message.into()))
}

/// The rule cannot be tested here.
pub(super) fn skip<T>(why: impl Into<String>) -> Checked<T> {
    Err(Stop::Skipped(why.into()))
}

impl From<Checked> for Verdict {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(()) => Self::Passed,
            Err(Stop::Failed(message)) => Self::Failed(message),
            Err(Stop::Skipped(why)) => Self::Skipped(why),
        }
    }
}

impl From<InvalidId> for Stop {
    fn from(error: InvalidId) -> Self {
        Self::Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            subject: "vault".to_owned(),
            rules: vec![
                ("one", Verdict::Passed),
                ("two", Verdict::Failed("it differs".to_owned())),
                ("three", Verdict::Skipped("no clock was given".to_owned())),
            ],
        }
    }

    #[test]
    fn a_line_says_rule_and_verdict() {
        assert_eq!(
            report().to_string(),
            "passed  one\nFAILED  two: it differs\nskipped three: no clock was given\n"
        );
    }

    #[test]
    #[should_panic(expected = "vault: 1 of 3 rules broken\nFAILED  two: it differs")]
    fn a_broken_rule_panics_by_name() {
        report().assert();
    }
}
