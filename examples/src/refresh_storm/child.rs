//! A worker as its parent sees it.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::options::Options;
use super::tally::Counts;

/// A process that asks for the credential. Without its parent it ends by itself: it reads.
pub(super) struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    last: Arc<Mutex<Counts>>,
    reading: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(options: &Options, folder: &Path) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(options.of_worker())
            .args([OsStr::new("--worker"), folder.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let last = Arc::new(Mutex::new(Counts::default()));
        let (stdin, stdout, seen) = (child.stdin.take(), child.stdout.take(), last.clone());
        let reading = stdout.map(|stdout| {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if let Some(counts) = Counts::parse(&line) {
                        *seen.lock().unwrap_or_else(PoisonError::into_inner) = counts;
                    }
                }
            })
        });
        Ok(Self { child, stdin, last, reading })
    }

    /// SIGKILL; what it had told.
    pub(super) fn kill(mut self) -> io::Result<Counts> {
        self.child.kill()?;
        self.end().map(|(_, counts)| counts)
    }

    /// Tells it to stop.
    pub(super) fn dismiss(&mut self) {
        drop(self.stdin.take());
    }

    /// Tells it to stop and waits; whether it ended well, and what it had told.
    pub(super) fn stop(mut self) -> io::Result<(bool, Counts)> {
        self.end()
    }

    fn end(&mut self) -> io::Result<(bool, Counts)> {
        self.dismiss();
        let status = self.child.wait()?;
        if let Some(reading) = self.reading.take() {
            // It ends with the pipe, and has nothing to say.
            let _ = reading.join();
        }
        Ok((status.success(), self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Whatever became of the parent's work. It is a process we started.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
