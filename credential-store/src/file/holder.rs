//! [`Holder`]: who holds a lease, written into its file.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// A process, named so that no other is ever taken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    host: String,
    pid: u32,
    /// When the process started, in the kernel's ticks: tells it from a later one of the same pid.
    started: Option<u64>,
    /// The boot and the pid namespace in which `pid` means something.
    boot: Option<String>,
    namespace: Option<String>,
}

/// What is known of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    Dead,
    /// Of another container, or of a system that does not tell.
    Unknown,
}

impl Holder {
    /// This process.
    pub(crate) fn here() -> Self {
        let pid = std::process::id();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self {
            host,
            pid,
            started: started(pid).ok().flatten(),
            boot: boot(),
            namespace: namespace(),
        }
    }

    /// A process of which nothing can be known.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn named(host: &str) -> Self {
        let host = host.to_owned();
        Self { host, pid: 1, started: Some(1), boot: Some("boot".into()), namespace: None }
    }

    /// Whether this is the process that runs here: a forked child is another.
    pub(crate) fn is_here(&self) -> bool {
        self.pid == std::process::id()
    }

    /// Whether the process still runs.
    pub(crate) fn life(&self) -> Life {
        let here = (boot(), namespace());
        if self.boot.is_none() || self.namespace.is_none() || self.started.is_none() {
            return Life::Unknown;
        }
        if self.boot != here.0 {
            // A lock of the kernel does not outlive its boot; nobody can say more from here.
            return Life::Unknown;
        }
        if self.namespace != here.1 {
            return Life::Unknown;
        }
        match started(self.pid) {
            Ok(Some(found)) if Some(found) == self.started => Life::Alive,
            // Another process has its pid, or its last thread has ended.
            Ok(Some(_) | None) if exists(self.pid) == Some(false) || readable(self.pid) => {
                Life::Dead
            }
            // `hidepid` hides the files of processes that live.
            Ok(_) | Err(()) => Life::Unknown,
        }
    }

    /// The first line of a lease's file.
    pub(crate) fn line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// The holder in a lease's file, whatever waiters have added.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let begin = text.find('{')?;
        serde_json::Deserializer::from_str(text.get(begin..)?).into_iter().next()?.ok()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// Whether there is a process of this pid, be it only waited for; `None` if the system does not tell.
fn exists(pid: u32) -> Option<bool> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    match rustix::process::test_kill_process(pid) {
        Ok(()) | Err(rustix::io::Errno::PERM) => Some(true),
        Err(rustix::io::Errno::SRCH) => Some(false),
        Err(_) => None,
    }
}

/// Whether the system shows us this process.
fn readable(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok()
}

/// When the process started; `None` if there is none, or only what is left of one that has ended.
/// An error if the system does not tell.
fn started(pid: u32) -> Result<Option<u64>, ()> {
    if !fs::exists("/proc/self/stat").unwrap_or(false) {
        return Err(());
    }
    let text = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        // The process ended while it was read.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            return Ok(None);
        }
        Err(_) => return Err(()),
    };
    start_in(&text).ok_or(())
}

/// When the process of this `stat` started, as [`started`] says; `None` if it cannot be read.
fn start_in(stat: &str) -> Option<Option<u64>> {
    // The name in parentheses may hold anything; fields are counted after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_ascii_whitespace().collect();
    let (state, threads, started) = (fields.first()?, fields.get(17)?, fields.get(19)?);
    // The state is the first thread's. The others may live on, or be in the middle of their last
    // write: the process has ended when none is left.
    if matches!(*state, "Z" | "X") && matches!(*threads, "0" | "1") {
        return Some(None);
    }
    started.parse().ok().map(Some)
}

fn boot() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

fn namespace() -> Option<String> {
    fs::read_link("/proc/self/ns/pid").ok().map(|link| link.to_string_lossy().into_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_an_ended_one_is_dead() {
        let here = Holder::here();
        assert_eq!(here.life(), Life::Alive);
        let other = Holder { started: here.started.map(|at| at + 1), ..here.clone() };
        assert_eq!(other.life(), Life::Dead, "another process of the same pid");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(Holder { pid, ..here }.life(), Life::Dead);
    }

    #[test]
    fn one_that_has_ended_and_was_not_waited_for_is_dead() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id();
        let holder = Holder { pid, started: started(pid).unwrap(), ..Holder::here() };
        assert_eq!(holder.life(), Life::Alive);
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while holder.life() == Life::Alive && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(holder.life(), Life::Dead, "it is still in the table of processes");
        child.wait().unwrap();
    }

    #[test]
    fn promise_1_a_process_has_ended_when_its_last_thread_has() {
        let stat = |state: &str, threads: &str| {
            let before = "7384 7384 22660 0 -1 4227084 2944 6509 1 0 6 1 5 1 20 0";
            start_in(&format!("7387 (a) Z) {state} {before} {threads} 0 1475766 0 0 1 0 0"))
        };
        assert_eq!(stat("S", "1"), Some(Some(1_475_766)));
        assert_eq!(stat("S", "9"), Some(Some(1_475_766)));
        assert_eq!(stat("Z", "2"), Some(Some(1_475_766)), "one thread still runs");
        assert_eq!(stat("Z", "1"), Some(None));
        assert_eq!(stat("X", "0"), Some(None));
        assert_eq!(start_in("7387 (a) S 1"), None);
    }

    #[test]
    fn of_another_container_or_boot_nothing_is_known() {
        let here = Holder::here();
        for other in [
            Holder { namespace: Some("pid:[1]".into()), pid: 1, ..here.clone() },
            Holder { boot: Some("other".into()), ..here.clone() },
            Holder { boot: None, ..here },
        ] {
            assert_eq!(other.life(), Life::Unknown);
        }
    }

    #[test]
    fn a_line_comes_back_whatever_stands_around_it() {
        let here = Holder::here();
        assert_eq!(Holder::parse(&format!("..{}...", here.line())), Some(here));
        for text in ["", "..", "{", "{}"] {
            assert_eq!(Holder::parse(text), None);
        }
    }
}
