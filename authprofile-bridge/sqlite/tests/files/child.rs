//! Another process that has a file open: what is shared within one process would hide what we do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::folder::{put, writer};

const FILE: &str = "AUTHPROFILE_SQLITE_TEST_FILE";

pub struct Owner {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Owner {
    pub fn of(file: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child::when_started_as_the_owner",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut owner = Self { child, orders, answers };
        owner.await_line("open");
        owner
    }

    pub fn put(&mut self, profiles: &str, state: &str) {
        self.order(&format!("put {profiles} {state}"));
    }

    /// Writes round after round, in one connection that often checkpoints.
    pub fn rounds(&mut self, rounds: Range<u32>) {
        self.order(&format!("rounds {} {}", rounds.start, rounds.end));
    }

    /// The same, each in a connection that is closed again.
    pub fn commands(&mut self, rounds: Range<u32>) {
        self.order(&format!("commands {} {}", rounds.start, rounds.end));
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
        self.await_line("done");
    }

    /// The test harness has lines of its own.
    fn await_line(&mut self, wanted: &str) {
        let mut line = String::new();
        while line.trim_end() != wanted {
            line.clear();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the owner ended early");
        }
    }

    /// SIGKILL: the files stay as they are.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Larger than a page, so that a torn one shows.
pub fn long(number: u32) -> String {
    format!("{number:08}").repeat(2000)
}

#[test]
fn when_started_as_the_owner() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let mut connection = Some(writer(Path::new(&file)));
    println!("\nopen");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let [order, first, second] = words[..] else { panic!("{line}") };
        if order == "put" {
            put(connection.as_ref().unwrap(), first, second);
        } else {
            let connection_kept = connection.take().filter(|_| order == "rounds");
            for number in first.parse().unwrap()..second.parse().unwrap() {
                let own;
                let connection = match &connection_kept {
                    Some(kept) => kept,
                    None => {
                        own = writer(Path::new(&file));
                        &own
                    }
                };
                put(connection, &long(number), &number.to_string());
            }
            connection = connection_kept;
        }
        println!("\ndone");
    }
}
