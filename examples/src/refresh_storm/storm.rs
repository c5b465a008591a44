//! The parent: signs in, starts processes, kills some if asked to, and counts.

use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{Write as _, stdout};
use std::mem;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::child::Worker;
use super::gateway::Gateway;
use super::issuer_log::IssuerLog;
use super::options::{Kills, Options};
use super::outcome::Outcome;
use super::tally::Counts;
use crate::gateway::folder::Folder;

/// Nothing is renewed for so long: it never will be.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

struct Storm<'a> {
    options: &'a Options,
    folder: &'a Path,
    log: IssuerLog,
    workers: Vec<Worker>,
    counts: Counts,
    killed: Vec<u64>,
}

pub(super) async fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let folder = Folder::new()?;
    let account = sign_in(options, folder.path()).await?;
    let log = IssuerLog::from_now(options.issuer_log.clone(), account)?;
    let mut storm = Storm {
        options,
        folder: folder.path(),
        log,
        workers: Vec::new(),
        counts: Counts::default(),
        killed: Vec::new(),
    };
    for _ in 0..options.processes {
        storm.workers.push(Worker::start(options, folder.path())?);
    }
    storm.rage().await?;
    let outcome = storm.calm()?;
    let broken = outcome.broken();
    writeln!(stdout(), "{outcome}")?;
    for what in &broken {
        writeln!(stdout(), "FAILED            {what}")?;
    }
    Ok(broken.is_empty())
}

/// The engine is gone when this has returned: what it would renew ahead is the workers' to renew.
async fn sign_in(options: &Options, folder: &Path) -> Result<String, Box<dyn Error>> {
    let gateway = Gateway::open(options, folder).await?;
    let account = gateway.sign_in(&options.browser).await;
    gateway.close().await;
    account
}

impl Storm<'_> {
    /// Looks on until there were rotations enough.
    async fn rage(&mut self) -> Result<(), Box<dyn Error>> {
        let (mut seen, mut lost, mut last) = (0, 0, Instant::now());
        let mut next_kill = Instant::now() + pause();
        while last.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
            let asked = self.log.read()?;
            if asked.rotations > seen {
                (seen, last) = (asked.rotations, Instant::now());
            }
            if seen >= self.options.rotations {
                break;
            }
            if self.options.kills == Kills::None {
                if !asked.refused.is_empty() {
                    break;
                }
                continue;
            }
            if asked.refused.len() > lost {
                // It is gone, and everybody was told. The storm goes on with another.
                lost = asked.refused.len();
                sign_in(self.options, self.folder).await?;
            }
            if Instant::now() >= next_kill {
                self.kill_one()?;
                next_kill = Instant::now() + pause();
            }
        }
        Ok(())
    }

    fn kill_one(&mut self) -> Result<(), Box<dyn Error>> {
        let which = usize::try_from(random())? % self.workers.len();
        let fresh = Worker::start(self.options, self.folder)?;
        let Some(worker) = self.workers.get_mut(which) else { return Ok(()) };
        let victim = mem::replace(worker, fresh);
        self.killed.push(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?);
        self.counts.add(&victim.kill()?);
        Ok(())
    }

    fn calm(mut self) -> Result<Outcome, Box<dyn Error>> {
        let mut fallen = 0;
        self.workers.iter_mut().for_each(Worker::dismiss);
        for worker in self.workers.drain(..) {
            let (well, counts) = worker.stop()?;
            fallen += usize::from(!well);
            self.counts.add(&counts);
        }
        Ok(Outcome {
            asked: self.log.read()?,
            counts: self.counts,
            wanted: self.options.rotations,
            fallen,
            kills: self.options.kills,
            killed: self.killed,
        })
    }
}

/// Until the next kill: at random moments, so that all of a renewal is met.
fn pause() -> Duration {
    Duration::from_millis(50 + random() % 350)
}

/// From the keys of a hasher: not for secrets.
fn random() -> u64 {
    RandomState::new().hash_one(())
}
