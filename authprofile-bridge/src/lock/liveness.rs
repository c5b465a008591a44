//! Whether a process is still the one that took a lock.

use std::time::Duration;

use credential_provider_api::Timestamp;

use super::payload::Owner;

/// What the platform knows about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Field 22 of `/proc/PID/stat`.
    pub(crate) start_time: Option<u64>,
    /// When it began, by the wall clock.
    pub(crate) began: Option<Timestamp>,
}

/// Looks processes up. A test passes its own.
pub(crate) trait Processes: Send + Sync {
    /// The live process of this id, if there is one.
    fn find(&self, pid: u32) -> Option<Process>;
    /// Our own id.
    fn own(&self) -> u32;
}

/// Two clocks that tell when a process began may differ by this much.
const SLACK: Duration = Duration::from_secs(5);

/// Whether the process that took the lock is gone: dead, or its id is another's now.
pub(crate) fn is_gone(owner: &Owner, processes: &dyn Processes) -> bool {
    let Some(process) = processes.find(owner.pid) else { return true };
    match (owner.start_time, process.start_time) {
        (Some(recorded), Some(actual)) => recorded != actual,
        // Older payloads do not say. A process that began after the lock was taken did not take it.
        _ => match (owner.since, process.began) {
            (Some(since), Some(began)) => began > since.plus(SLACK),
            _ => false,
        },
    }
}

/// The processes of this machine.
pub(crate) struct System;

impl Processes for System {
    #[cfg(target_os = "linux")]
    fn find(&self, pid: u32) -> Option<Process> {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            return alive(pid).then_some(Process { start_time: None, began: None });
        };
        let start_time = start_time(&stat);
        let began = start_time.and_then(began);
        // A zombie holds no lock: it has ended, and only its parent has not looked yet.
        (!is_zombie(&stat)).then_some(Process { start_time, began })
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    fn find(&self, pid: u32) -> Option<Process> {
        alive(pid).then_some(Process { start_time: None, began: None })
    }

    #[cfg(not(unix))]
    fn find(&self, _: u32) -> Option<Process> {
        // Nothing can be known: the lock's age decides.
        Some(Process { start_time: None, began: None })
    }

    fn own(&self) -> u32 {
        std::process::id()
    }
}

#[cfg(unix)]
fn alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| {
        // "Not permitted" means that it lives and is somebody else's.
        !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
    })
}

/// The fields after the name, which is in brackets and may hold anything.
#[cfg(target_os = "linux")]
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace()
}

#[cfg(target_os = "linux")]
fn is_zombie(stat: &str) -> bool {
    matches!(fields(stat).next(), Some("Z" | "X"))
}

#[cfg(target_os = "linux")]
fn start_time(stat: &str) -> Option<u64> {
    // Field 22 of the line; the state, behind the name, is field 3.
    fields(stat).nth(19)?.parse().ok()
}

/// When a process began that started this many ticks after the machine.
#[cfg(target_os = "linux")]
fn began(ticks: u64) -> Option<Timestamp> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let booted = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(
        Timestamp::from_secs(booted)
            .plus(Duration::from_millis(ticks.saturating_mul(1000) / per_second)),
    )
}

/// A payload that names this very process.
pub(crate) fn ourselves(processes: &dyn Processes, now: Timestamp) -> Owner {
    let pid = processes.own();
    let start_time = processes.find(pid).and_then(|process| process.start_time);
    Owner { pid, since: Some(now), start_time }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    struct One(Option<Process>);

    impl Processes for One {
        fn find(&self, _: u32) -> Option<Process> {
            self.0
        }
        fn own(&self) -> u32 {
            1
        }
    }

    fn owner(since: u64, start_time: Option<u64>) -> Owner {
        Owner { pid: 7, since: Some(Timestamp::from_secs(since)), start_time }
    }

    fn process(began: u64, start_time: u64) -> One {
        let began = Some(Timestamp::from_secs(began));
        One(Some(Process { start_time: Some(start_time), began }))
    }

    #[test]
    fn a_dead_process_is_gone_and_a_live_one_is_not_whatever_its_age() {
        assert!(is_gone(&owner(100, None), &One(None)));
        assert!(!is_gone(&owner(100, None), &process(90, 5)));
        assert!(!is_gone(&owner(100, Some(5)), &process(90, 5)));
    }

    #[test]
    fn an_id_that_is_anothers_now_is_gone() {
        assert!(is_gone(&owner(100, Some(5)), &process(90, 6)));
        assert!(is_gone(&owner(100, None), &process(200, 6)));
        // The clocks may differ a little.
        assert!(!is_gone(&owner(100, None), &process(103, 6)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_alive_and_began_lately() {
        let now = Timestamp::from(std::time::SystemTime::now());
        let own = System.find(std::process::id()).unwrap();
        assert!(own.start_time.unwrap() > 0);
        assert!(own.began.unwrap().until(now) < Duration::from_secs(24 * 3600));
        assert!(!is_gone(&ourselves(&System, now), &System));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_with_brackets_and_a_zombie_are_read_rightly() {
        let line = |state: &str| format!("7 (a) b) {state} {} 4242 0", ["1"; 18].join(" "));
        assert_eq!(start_time(&line("S")), Some(4242));
        assert!(is_zombie(&line("Z")) && !is_zombie(&line("S")));
    }
}
