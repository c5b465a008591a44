//! One line per promise: `name value unit limit pass|fail`.

use std::fmt;

use serde::Serialize;

/// What was measured, and whether it keeps its limit.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// `theme/subject`, without spaces.
    pub name: String,
    /// What came out; `None` if it could not be measured, which fails.
    pub value: Option<f64>,
    /// Of what.
    pub unit: &'static str,
    /// What it must keep.
    pub limit: Limit,
    /// Whether it does.
    pub verdict: Verdict,
}

/// What a value must keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Nothing: printed for comparison.
    None,
    /// No more than this.
    AtMost(f64),
    /// This and nothing else.
    Exactly(f64),
    /// A ratio of times: it should keep this, and fails above [`TOLERANCE`] times it, because a
    /// shared machine's times are not worth more than that.
    Time(f64),
}

/// Whether a limit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Pass,
    /// It is not.
    Fail,
}

/// How many times its limit a ratio of times may reach before it fails.
pub const TOLERANCE: f64 = 2.0;

impl Line {
    /// A value and its limit.
    #[must_use]
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str, limit: Limit) -> Self {
        Self::maybe(name, Some(value), unit, limit)
    }

    /// A value that may be missing, and its limit.
    #[must_use]
    pub fn maybe(
        name: impl Into<String>,
        value: Option<f64>,
        unit: &'static str,
        limit: Limit,
    ) -> Self {
        let name = name.into();
        let verdict = limit.judge(value);
        Self { name, value, unit, limit, verdict }
    }
}

impl Limit {
    fn judge(self, value: Option<f64>) -> Verdict {
        let kept = value.is_some_and(|value| match self {
            Self::None => true,
            Self::AtMost(limit) => value <= limit,
            Self::Exactly(limit) => value == limit,
            Self::Time(limit) => value <= limit * TOLERANCE,
        });
        if kept { Verdict::Pass } else { Verdict::Fail }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.map_or_else(|| "?".into(), number);
        let (limit, verdict) = (self.limit.to_string(), self.verdict);
        let (name, unit) = (&self.name, self.unit);
        write!(f, "{name:<46} {value:>9} {unit:<12} {limit:>8} {verdict}")
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("-"),
            Self::AtMost(limit) => write!(f, "<={}", number(*limit)),
            Self::Exactly(limit) => write!(f, "={}", number(*limit)),
            // The tilde says that this limit is a target: see `TOLERANCE`.
            Self::Time(limit) => write!(f, "~{}", number(*limit)),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        })
    }
}

/// Whole numbers whole, others with as many decimals as they are worth.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_five_words() {
        let line = Line::new("hit/handle", 1.25, "ratio", Limit::Time(1.5)).to_string();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["hit/handle", "1.25", "ratio", "~1.50", "pass"]);
    }

    #[test]
    fn times_fail_only_above_twice_their_limit() {
        let verdict = |limit: Limit, value| Line::new("x", value, "y", limit).verdict;
        assert_eq!(verdict(Limit::Time(1.5), 2.9), Verdict::Pass);
        assert_eq!(verdict(Limit::Time(1.5), 3.1), Verdict::Fail);
        assert_eq!(verdict(Limit::AtMost(200.0), 200.5), Verdict::Fail);
        assert_eq!(verdict(Limit::Exactly(1.0), 2.0), Verdict::Fail);
    }

    #[test]
    fn what_could_not_be_measured_fails() {
        let line = Line::maybe("x", None, "y", Limit::None);
        assert_eq!(line.verdict, Verdict::Fail);
    }
}
