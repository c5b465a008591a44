//! Tokens live seconds; nobody waits for a renewal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resolution_engine::Handle;
use tokio::task::JoinSet;

use super::Chapter;
use crate::gateway::host::Host;
use crate::gateway::options::Pace;

const READERS: usize = 8;
const CALLERS: usize = 4;

pub(super) async fn tell(host: &Arc<Host>) -> Chapter {
    let renewals = match host.pace {
        Pace::Told => 3,
        Pace::Fast => 1,
    };
    host.narrator.chapter("tokens that live seconds, renewed ahead");
    let life = host.world.issuer.token_life();
    host.say("issuer", format!("its access tokens live {} s", life.as_secs()));
    let handle = Arc::new(host.bind_calendar(&host.alice)?);
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for _ in 0..READERS {
        tasks.spawn(read(handle.clone(), stop.clone()));
    }
    for _ in 0..CALLERS {
        tasks.spawn(ask(host.clone(), stop.clone()));
    }
    let text =
        format!("{READERS} tasks read through a handle, {CALLERS} ask by name, all the time");
    host.say("tool:calendar", text);

    let mut ahead = 0;
    for _ in 0..renewals {
        let (version, until) = (handle.version(), handle.with(|c| c.window().until)?);
        let changed = tokio::time::timeout(2 * life, handle.changed(version)).await;
        let left = host.now().until(until);
        changed.map_err(|_| "no renewal came")?;
        let mask = handle.with(|credential| host.narrator.mask(credential))?;
        ahead += u64::from(!left.is_zero());
        let text = format!("reads {mask}; the one before had {} ms left", left.as_millis());
        host.say("tool:calendar", text);
    }
    stop.store(true, Ordering::Relaxed);
    let total = tasks.join_all().await.into_iter().fold(Tally::default(), Tally::and);
    host.measure.reads(total.reads);
    let Tally { reads, failed, slowest } = total;
    host.say(
        "tool:calendar",
        format!("{reads} reads, {failed} failed, the slowest took {slowest:.0?}"),
    );
    host.checks.expect(ahead == renewals, "credentials are renewed before their end");
    host.checks
        .expect(failed == 0 && reads > 0, format!("no reader waits or fails ({failed} did)"));
    host.pause().await;
    Ok(())
}

/// What one task saw.
#[derive(Default)]
struct Tally {
    reads: u64,
    failed: u64,
    slowest: Duration,
}

impl Tally {
    fn and(self, other: Self) -> Self {
        Self {
            reads: self.reads + other.reads,
            failed: self.failed + other.failed,
            slowest: self.slowest.max(other.slowest),
        }
    }
}

/// Reads through a handle until told to stop. `with` is not async: it cannot wait.
async fn read(handle: Arc<Handle>, stop: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let read = handle.with(|credential| credential.secret().is_some());
        tally.slowest = tally.slowest.max(begun.elapsed());
        tally.reads += 1;
        tally.failed += u64::from(read.is_err());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tally
}

/// Asks by name until told to stop; these latencies are in the table at the end.
async fn ask(host: Arc<Host>, stop: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let asked = host.request(&host.tool, &host.calendar, &host.alice).await;
        tally.failed += u64::from(asked.is_err());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tally
}
