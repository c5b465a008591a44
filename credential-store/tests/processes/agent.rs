//! [`Agent`]: a child process as its test sees it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::words::{Order, Outcome, Setup, Step, Word};

/// Longer than anything takes that does not hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// Killed and waited for when dropped.
pub struct Agent {
    child: Child,
    input: ChildStdin,
    words: Receiver<Word>,
    /// Heard, and not asked for yet.
    kept: Vec<Word>,
}

impl Agent {
    pub fn new(setup: &Setup) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .envs([setup.variable()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, words) = channel();
        // Ends with the child.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The test harness writes to the same output.
                let Some((_, word)) = line.split_once('@') else { continue };
                let Ok(word) = serde_json::from_str(word) else { continue };
                if sender.send(word).is_err() {
                    return;
                }
            }
        });
        Self { child, input, words, kept: Vec::new() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn say(&mut self, order: &Order) {
        let line = serde_json::to_string(order).unwrap();
        writeln!(self.input, "{line}").unwrap();
    }

    /// The first word that `pick` picks, heard or still to come.
    pub fn hear<T>(&mut self, pick: impl Fn(&Word) -> Option<T>) -> T {
        self.hear_within(PATIENCE, pick).unwrap()
    }

    /// `None` if there is none in time.
    pub fn hear_within<T>(
        &mut self,
        limit: Duration,
        pick: impl Fn(&Word) -> Option<T>,
    ) -> Option<T> {
        if let Some(at) = self.kept.iter().position(|word| pick(word).is_some()) {
            return pick(&self.kept.remove(at));
        }
        let since = Instant::now();
        loop {
            match self.words.recv_timeout(limit.saturating_sub(since.elapsed())) {
                Ok(word) => match pick(&word) {
                    Some(picked) => return Some(picked),
                    None => self.kept.push(word),
                },
                Err(RecvTimeoutError::Timeout) if limit < PATIENCE => return None,
                Err(error) => panic!("process {}: {error}; it said {:?}", self.pid(), self.kept),
            }
        }
    }

    pub fn ready(mut self) -> Self {
        self.hear(|word| matches!(word, Word::Ready).then_some(()));
        self
    }

    pub fn hear_at(&mut self, point: &str, save: u8) {
        let step = Step::new(point, save);
        self.hear(|word| matches!(word, Word::At(at) if *at == step).then_some(()));
    }

    pub fn hear_renewed(&mut self, wanted: u32) -> Outcome {
        self.hear(|word| match word {
            Word::Renewed { id, outcome } if *id == wanted => Some(outcome.clone()),
            _ => None,
        })
    }

    pub fn renew(&mut self, id: u32, key: &str, newer_than: Option<u64>) {
        self.say(&Order::Renew { id, key: key.to_owned(), newer_than });
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGKILL; returns at once, with the process dead or dying.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Also ends one that is stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
