//! Instructions per operation, counted by callgrind and held against a stored budget.

use crate::budget::Budget;
use crate::callgrind::{Count, Problem};
use crate::report::{Limit, Line};
use crate::scale::{Crowd, growth};
use crate::subject::Warm;

/// The name under which this binary runs one subject for callgrind to watch.
pub const COMMAND: &str = "measure";

/// How far above its budget a subject may go.
const TOLERANCE: f64 = 1.05;

/// Among how many credentials: to fetch a million under callgrind would take ten times as long again.
/// What a million costs in allocations and time is among the lines of [`scale`](crate::scale).
const SIZES: [usize; 3] = [100, 10_000, 100_000];

/// What was counted.
pub struct Counted {
    counts: Vec<(String, Result<f64, Problem>)>,
}

/// Counts all subjects. Takes minutes.
#[must_use]
pub fn count() -> Counted {
    let subjects = subjects();
    let counts = subjects.into_iter().map(|subject| {
        let count = Count::of(COMMAND, &subject, "benches::instructions::collected");
        (subject, count.map(|count| count.per_operation()))
    });
    Counted { counts: counts.collect() }
}

impl Counted {
    /// The lines of this theme.
    #[must_use]
    pub fn lines(&self, budget: &Budget) -> Vec<Line> {
        let line = |(subject, count): &(String, Result<f64, Problem>)| {
            let budget = budget.of(subject);
            let limit = Limit::AtMost(budget.unwrap_or(0.0) * TOLERANCE);
            let name = format!("instructions/{subject}");
            Line::maybe(name, count.as_ref().ok().copied(), "instructions", limit)
        };
        let mut lines: Vec<Line> = self.counts.iter().map(line).collect();
        for what in ["request", "renewal"] {
            let of_what = self.counts.iter().filter(|(name, _)| name.starts_with(what));
            let costs: Result<Vec<f64>, _> =
                of_what.map(|(_, count)| count.as_ref().copied()).collect();
            lines.push(growth(&format!("{what}_instructions"), &costs.unwrap_or_default()));
        }
        lines
    }

    /// What could not be counted, and why.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.counts.iter().filter_map(|(_, count)| count.as_ref().err())
    }

    /// What was counted, as the budget to keep from now on.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let counted = self.counts.iter();
        Budget::new(counted.filter_map(|(name, count)| Some((name.clone(), *count.as_ref().ok()?))))
    }
}

/// Runs one subject, for callgrind to watch; how many operations it was.
///
/// # Panics
/// If there is no such subject.
#[must_use]
pub fn measure(subject: &str) -> u64 {
    const TIMES: usize = 20_000;
    if let Some((what, size)) = subject.split_once("_among_") {
        let crowd = Crowd::new(size.parse().expect("a number"));
        if what == "renewal" {
            return crowd.renew(collected);
        }
        collected(&mut || crowd.request(TIMES));
        return TIMES as u64;
    }
    let (warm, times) = (Warm::new(), TIMES as u64);
    match subject {
        "handle_read" => collected(&mut || warm.handle_read(times)),
        "handle_get_owned" => collected(&mut || warm.handle_get(times)),
        "by_name" => collected(&mut || warm.by_name(times)),
        _ => panic!("no subject is called {subject}"),
    }
    times
}

/// The function callgrind collects in; a symbol of its own.
#[inline(never)]
fn collected(work: &mut dyn FnMut()) {
    work();
    // Something to come back for: a jump out of here would not end the collection.
    std::hint::black_box(());
}

fn subjects() -> Vec<String> {
    let single = ["handle_read", "handle_get_owned", "by_name"];
    let mut subjects: Vec<String> = single.map(String::from).into();
    for what in ["request", "renewal"] {
        subjects.extend(SIZES.map(|size| format!("{what}_among_{size}")));
    }
    subjects
}
