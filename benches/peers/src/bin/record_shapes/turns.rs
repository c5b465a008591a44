//! A subject and what it is held against, in turns.

use std::time::{Duration, Instant};

use crate::shape::Outcome;

/// Nanoseconds of each turn.
#[derive(Default)]
pub struct Turns {
    subject: Vec<f64>,
    bare: Vec<f64>,
}

/// Lets the two take turns until there were `most` or `budget` is spent. They time themselves, so
/// that what they prepare is not charged.
pub fn turns(
    most: usize,
    budget: Duration,
    mut bare: impl FnMut() -> Outcome<f64>,
    mut subject: impl FnMut() -> Outcome<f64>,
) -> Outcome<Turns> {
    const LEAST: usize = 5;
    let start = Instant::now();
    let mut turns = Turns::default();
    while turns.count() < LEAST || turns.count() < most && start.elapsed() < budget {
        turns.bare.push(bare()?);
        turns.subject.push(subject()?);
    }
    Ok(turns)
}

impl Turns {
    /// How many there were.
    pub fn count(&self) -> usize {
        self.subject.len()
    }

    /// The median of the subject, in nanoseconds.
    pub fn nanos(&self) -> f64 {
        median(self.subject.clone())
    }

    /// The median of what it is held against, in nanoseconds.
    pub fn bare_nanos(&self) -> f64 {
        median(self.bare.clone())
    }

    /// How many times as long the subject takes as the bare turn beside it: the median.
    pub fn ratio(&self) -> f64 {
        median(self.subject.iter().zip(&self.bare).map(|(subject, bare)| subject / bare).collect())
    }

    /// The same of all turns together.
    pub fn mean_ratio(&self) -> f64 {
        self.subject.iter().sum::<f64>() / self.bare.iter().sum::<f64>()
    }
}

/// Nanoseconds that something takes, and what it returns.
pub fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(f64, T)> {
    let start = Instant::now();
    let returned = work()?;
    Ok((start.elapsed().as_nanos() as f64, returned))
}

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
