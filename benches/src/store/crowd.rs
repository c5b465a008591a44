//! Several processes that renew: many tasks of all of them one key, and all together many keys.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Grant, GrantStore as _};
use credential_store::Grants;
use futures_util::{StreamExt as _, stream};

use super::issuer::Issuer;
use super::process::{COMMAND, Report, Task};
use super::shelf::{builder, key, runtime};
use super::{exactly, line};
use crate::report::{Limit, Line};

const PROCESSES: usize = 8;

pub(super) fn lines(folder: &Path) -> Vec<Line> {
    let one = Crowd { name: "storm", keys: 1, each: 1, tasks: 64, renewals: 10 };
    let many = Crowd { name: "keys", keys: 1000, each: 125, tasks: 1, renewals: 1 };
    [one, many].iter().flat_map(|crowd| crowd.renew(folder)).collect()
}

struct Crowd {
    name: &'static str,
    /// How many keys there are.
    keys: usize,
    /// How many each process wants: the same ones as the others, or others.
    each: usize,
    /// Tasks of a process for each key.
    tasks: usize,
    /// How often each key is renewed.
    renewals: u64,
}

impl Crowd {
    fn renew(&self, folder: &Path) -> Vec<Line> {
        let folder = folder.join(self.name);
        fs::create_dir(&folder).expect("a new folder");
        let issuer = Issuer::start(self.renewals);
        let runtime = runtime();
        let store = runtime.block_on(builder(&folder).open()).expect("a new folder");
        let grants = Grants::new(Arc::new(store.clone()));
        runtime.block_on(stream::iter(0..self.keys).for_each_concurrent(32, async |nth| {
            let grant = Grant::from(format!("grant-{nth} 0").into_bytes());
            grants.sign_in(&key(nth), Some(grant), None).await.expect("nobody else signs in");
        }));
        // Held to the end: if leases waited for another key's, nobody would get one.
        let other = runtime.block_on(store.lease(&key(self.keys))).expect("nobody else wants it");

        let task = |nth: usize| Task {
            issuer: issuer.address(),
            first: nth * self.each % self.keys,
            keys: self.each,
            tasks: self.tasks,
            last: self.renewals,
        };
        let mut processes: Vec<_> =
            (0..PROCESSES).map(|nth| Process::start(&folder, task(nth))).collect();
        processes.iter_mut().for_each(|process| assert_eq!(process.line(), "ready"));
        processes.iter_mut().for_each(Process::begin);
        let reports: Vec<_> = processes
            .iter_mut()
            .map(|process| Report::parse(&process.line()).expect("a report"))
            .collect();
        drop(other);
        self.lines(&issuer, &reports)
    }

    fn lines(&self, issuer: &Issuer, reports: &[Report]) -> Vec<Line> {
        let counts = issuer.counts();
        let renewals = self.keys * usize::try_from(self.renewals).expect("a few");
        let callers = PROCESSES * self.each * self.tasks;
        let served = reports.iter().map(|report| report.served).sum();
        let named = |what: &str| format!("{}_{what}", self.name);
        let exactly = |what: &str, value, unit, limit| exactly(&named(what), value, unit, limit);
        let slowest = |what: &str, wait: fn(&Report) -> Duration| {
            let slowest = reports.iter().map(wait).max().unwrap_or_default();
            line(&named(what), slowest.as_secs_f64() * 1e3, "ms", Limit::None)
        };
        let mut lines = vec![
            exactly("exchanges", counts.exchanges, "exchanges", renewals),
            exactly("expiries", counts.expiries, "expiries", renewals),
            exactly("refused", counts.refused, "exchanges", 0),
            exactly("served", served, "tasks", callers),
            slowest("slowest_answer", |report| report.slowest_answer),
        ];
        // Who waits for its own key's lease stops waiting when the holder has saved: nothing to tell.
        if self.keys > 1 {
            lines.push(slowest("slowest_lease", |report| report.slowest_lease));
        }
        lines
    }
}

/// A process that renews; it is waited for when dropped.
struct Process {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(folder: &Path, task: Task) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .arg(COMMAND)
            .arg(folder)
            .args(task.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs");
        let out = process.stdout.take().expect("it is piped");
        Self { process, lines: BufReader::new(out).lines() }
    }

    fn begin(&mut self) {
        let input = self.process.stdin.as_mut().expect("it is piped");
        writeln!(input, "go").expect("it waits");
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it says why it failed").expect("text")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without input it ends by itself.
        drop(self.process.stdin.take());
        if let Err(error) = self.process.wait() {
            eprintln!("a process is left behind: {error}");
        }
    }
}
