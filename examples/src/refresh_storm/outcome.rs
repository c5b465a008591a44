//! What came of a storm, and whether it is as promised.

use std::fmt;

use super::issuer_log::Asked;
use super::options::Kills;
use super::tally::Counts;

/// A kill costs a grant only if it fell while that grant was on its way: this long before or after
/// the issuer's entry.
const AROUND: u64 = 1_000;
const INTERRUPTED: &str = "needs_reauth: renewal_interrupted";

/// Everything that was counted.
pub(super) struct Outcome {
    pub(super) asked: Asked,
    pub(super) counts: Counts,
    pub(super) wanted: usize,
    /// Processes that ended otherwise than told.
    pub(super) fallen: usize,
    pub(super) kills: Kills,
    /// When processes were killed, in milliseconds since 1970.
    pub(super) killed: Vec<u64>,
}

impl Outcome {
    /// What is not as promised.
    pub(super) fn broken(&self) -> Vec<String> {
        let (asked, mut broken) = (&self.asked, Vec::new());
        let mut expect = |holds: bool, what: String| {
            if !holds {
                broken.push(what);
            }
        };
        let (calls, rotations) = (asked.refresh_calls, asked.rotations);
        let lost = match self.kills {
            Kills::None => 0,
            Kills::AtRandom => asked.refused.len(),
        };
        expect(rotations >= self.wanted, format!("{} rotations were wanted", self.wanted));
        expect(calls == rotations + lost, format!("{calls} calls made {rotations} rotations"));
        expect(self.fallen == 0, format!("{} processes ended by themselves", self.fallen));
        for refused in &asked.refused {
            let owed = refused.first_taken.is_some_and(|at| {
                refused.error == "invalid_grant"
                    && self.killed.iter().any(|kill| kill.abs_diff(at) <= AROUND)
            });
            expect(owed, format!("{} that no kill explains", refused.error));
        }
        for (error, count) in &self.counts.failed {
            let owed = lost > 0 && error == INTERRUPTED;
            expect(owed, format!("{count} requests failed: {error}"));
        }
        broken
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: u64 = self.counts.failed.values().sum();
        writeln!(f, "refresh calls     {}", self.asked.refresh_calls)?;
        writeln!(f, "rotations         {}", self.asked.rotations)?;
        writeln!(f, "invalid_grant     {}", self.asked.invalid_grants())?;
        if self.kills == Kills::AtRandom {
            writeln!(f, "killed            {}", self.killed.len())?;
        }
        writeln!(f, "requests served   {}", self.counts.served)?;
        writeln!(f, "requests failed   {failed}")?;
        for (error, count) in &self.counts.failed {
            writeln!(f, "                  {count} {error}")?;
        }
        write!(f, "slowest           {:.1} ms", self.counts.slowest.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::super::issuer_log::Refused;
    use super::*;

    fn outcome(refused: Vec<Refused>, kills: Kills, failed: &[&str]) -> Outcome {
        let refresh_calls = 20 + refused.len();
        let failed = failed.iter().map(|error| ((*error).to_owned(), 1)).collect();
        Outcome {
            asked: Asked { refresh_calls, rotations: 20, refused },
            counts: Counts { failed, ..Counts::default() },
            wanted: 20,
            fallen: 0,
            kills,
            killed: vec![10_000],
        }
    }

    fn refused(first_taken: Option<u64>) -> Vec<Refused> {
        vec![Refused { error: "invalid_grant".to_owned(), first_taken }]
    }

    #[test]
    fn one_call_a_rotation_is_as_promised() {
        assert!(outcome(vec![], Kills::None, &[]).broken().is_empty());
        let mut twice = outcome(vec![], Kills::None, &[]);
        twice.asked.refresh_calls += 1;
        assert_eq!(twice.broken().len(), 1);
        assert_eq!(outcome(vec![], Kills::None, &["timeout"]).broken().len(), 1);
        assert_eq!(outcome(refused(Some(10_000)), Kills::None, &[]).broken().len(), 1);
    }

    #[test]
    fn a_kill_may_cost_the_grant_that_was_on_its_way_and_no_other() {
        let of = |first, failed| outcome(refused(first), Kills::AtRandom, failed).broken().len();
        assert_eq!(of(Some(10_500), &[INTERRUPTED]), 0);
        assert_eq!(of(Some(15_000), &[INTERRUPTED]), 1, "nobody was killed then");
        assert_eq!(of(None, &[INTERRUPTED]), 1, "it had never been taken");
        assert_eq!(of(Some(10_500), &["needs_reauth: grant_rejected"]), 1, "the wrong reason");
        let calm = outcome(vec![], Kills::AtRandom, &[INTERRUPTED]);
        assert_eq!(calm.broken().len(), 1, "no grant was lost");
    }
}
