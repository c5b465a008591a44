//! Running this binary under callgrind.

use std::fmt;
use std::process::{Command, Output};

/// What callgrind counted in one run.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    instructions: f64,
    operations: f64,
}

/// Why it did not count.
#[derive(Clone, Debug)]
pub struct Problem(String);

impl Count {
    /// Runs `command subject` of this binary, which prints how many operations it did, and counts
    /// the instructions within `function`. Setting up costs time but is not counted.
    ///
    /// # Errors
    /// If valgrind is missing, or the run fails.
    pub fn of(command: &str, subject: &str, function: &str) -> Result<Self, Problem> {
        let fail = |problem: String| Problem(format!("{subject}: {problem}"));
        let binary = std::env::current_exe().map_err(|error| fail(error.to_string()))?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(format!("--toggle-collect={function}"))
            .arg(binary)
            .args([command, subject])
            .output()
            .map_err(|error| fail(format!("valgrind does not start ({error})")))?;
        Self::read(&output).ok_or_else(|| fail(String::from_utf8_lossy(&output.stderr).into()))
    }

    /// Instructions per operation.
    #[must_use]
    pub fn per_operation(&self) -> f64 {
        self.instructions / self.operations
    }

    /// Callgrind ends with `Collected : N`; the subject prints its operations.
    fn read(output: &Output) -> Option<Self> {
        let errors = String::from_utf8_lossy(&output.stderr);
        let collected = errors.lines().rev().find_map(|line| {
            let (_, count) = line.split_once("Collected :")?;
            count.trim().parse().ok()
        });
        let operations = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
        let (instructions, operations): (f64, f64) = (collected?, operations?);
        (output.status.success() && instructions > 0.0 && operations > 0.0)
            .then_some(Self { instructions, operations })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}
