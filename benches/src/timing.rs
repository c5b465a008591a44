//! Times, as ratios: subjects take turns, so that a noisy neighbour slows all of them.

use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Does something this many times.
pub type Work<'a> = dyn Fn(u64) + Sync + 'a;

/// Nanoseconds per operation of each subject, turn by turn.
pub struct Race {
    turns: Vec<Vec<f64>>,
}

/// Length of a batch: short enough that most are not interrupted.
const BATCH: Duration = Duration::from_micros(200);
/// Batches in a turn.
const BATCHES: usize = 8;
/// Turns of each subject.
const TURNS: usize = 200;
/// Turns of each subject, however slow they are.
const LEAST_TURNS: usize = 5;

/// Lets `subjects` take turns on `threads` threads, all threads on the same subject at once.
#[must_use]
pub fn race(threads: usize, subjects: &[&Work<'_>]) -> Race {
    let sizes: Vec<u64> = subjects.iter().map(|work| calibrated(*work, 64)).collect();
    let barrier = Barrier::new(threads);
    let run = || {
        let mut turns = vec![Vec::with_capacity(TURNS); subjects.len()];
        for _ in 0..TURNS {
            for ((work, size), turns) in subjects.iter().zip(&sizes).zip(&mut turns) {
                barrier.wait();
                turns.push(turn(*work, *size, BATCHES));
            }
        }
        turns
    };
    let of_threads: Vec<Vec<Vec<f64>>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        let others = others.into_iter().map(|other| other.join().expect("raced"));
        std::iter::once(own).chain(others).collect()
    });
    let joined = (0..subjects.len()).map(|subject| {
        let turns = of_threads.iter().map(|of_thread| &of_thread[subject]);
        turns.flatten().copied().collect()
    });
    Race { turns: joined.collect() }
}

/// As [`race`] on one thread, for subjects that may be slow: of so many `batches` a turn, and over
/// when `budget` is spent.
#[must_use]
pub fn race_within(budget: Duration, batches: usize, subjects: &[&Work<'_>]) -> Race {
    let sizes: Vec<u64> = subjects.iter().map(|work| calibrated(*work, 1)).collect();
    let mut turns = vec![Vec::with_capacity(TURNS); subjects.len()];
    let start = Instant::now();
    for nth in 0..TURNS {
        if nth >= LEAST_TURNS && start.elapsed() > budget {
            break;
        }
        for ((work, size), turns) in subjects.iter().zip(&sizes).zip(&mut turns) {
            turns.push(turn(*work, *size, batches));
        }
    }
    Race { turns }
}

impl Race {
    /// The median time of a subject, in nanoseconds per operation.
    #[must_use]
    pub fn nanos(&self, subject: usize) -> f64 {
        median(self.turns[subject].clone())
    }

    /// How many times as long `subject` takes as `baseline` did in the turn beside it: the median.
    #[must_use]
    pub fn ratio(&self, subject: usize, baseline: usize) -> f64 {
        let pairs = self.turns[subject].iter().zip(&self.turns[baseline]);
        median(pairs.map(|(subject, baseline)| subject / baseline).collect())
    }
}

/// The median time of a batch in one turn, per operation.
fn turn(work: &Work<'_>, size: u64, batches: usize) -> f64 {
    let batches = (0..batches).map(|_| nanos(work, size) / size as f64);
    median(batches.collect())
}

/// How many operations make a batch; tried from `size` up.
fn calibrated(work: &Work<'_>, mut size: u64) -> u64 {
    while nanos(work, size) < BATCH.as_nanos() as f64 {
        size *= 2;
    }
    // Measured again, now that caches and branch predictors know the way.
    let per_operation = nanos(work, size) / size as f64;
    ((BATCH.as_nanos() as f64 / per_operation) as u64).max(1)
}

fn nanos(work: &Work<'_>, times: u64) -> f64 {
    let start = Instant::now();
    work(times);
    start.elapsed().as_nanos() as f64
}

/// The one in the middle.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
