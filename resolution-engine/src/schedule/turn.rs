//! The task that turns the wheel and starts renewals as there is room.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use credential_provider_api::{Clock, Hint, Interaction, Timestamp};
use tokio::sync::Notify;

use super::wheel::Wheel;
use crate::core::Core;
use crate::entry::Entry;
use crate::flight::{self, Context};
use crate::sync::lock;

/// The length of a tick.
const TICK: Duration = Duration::from_millis(100);
/// How often idle entries and flows are looked for.
const SWEEP: Duration = Duration::from_secs(60);

pub(crate) struct Scheduler {
    clock: Arc<dyn Clock>,
    started: Timestamp,
    wheel: Mutex<Wheel<Weak<Entry>>>,
    /// Wakes the task when something is due earlier than it sleeps.
    earlier: Arc<Notify>,
}

impl Scheduler {
    pub(crate) fn new(clock: Arc<dyn Clock>, started: Timestamp) -> Self {
        Self { clock, started, wheel: Mutex::new(Wheel::new(0)), earlier: Arc::default() }
    }

    /// Looks at `entry` again at `at`. Forgets an earlier appointment.
    pub(crate) fn schedule(&self, entry: &Arc<Entry>, at: Timestamp) {
        if at == Timestamp::MAX {
            entry.due().store(0, Ordering::Release);
            return;
        }
        let wanted = self.tick(at) + 1;
        let now = self.tick(self.clock.now());
        let mut wheel = lock(&self.wheel);
        wheel.set_back(now);
        let next = wheel.next();
        let due = wheel.insert(Arc::downgrade(entry), wanted);
        entry.due().store(due, Ordering::Release);
        drop(wheel);
        if next.is_none_or(|next| due < next) {
            self.earlier.notify_one();
        }
    }

    fn tick(&self, at: Timestamp) -> u32 {
        let ticks = self.started.until(at).as_millis() / TICK.as_millis();
        // The last tick is far beyond any expiry; whatever lies behind it is met there.
        u32::try_from(ticks).unwrap_or(u32::MAX / 2).min(u32::MAX / 2)
    }

    fn time(&self, tick: u32) -> Timestamp {
        self.started.plus(TICK.saturating_mul(tick))
    }

    /// Turns the wheel to `now`; what is due, and when to turn it next.
    fn turn(&self, now: Timestamp) -> (Vec<Arc<Entry>>, Option<Timestamp>) {
        let tick = self.tick(now);
        let mut wheel = lock(&self.wheel);
        let due = wheel.turn(tick, |item| {
            let due = item.upgrade()?.due().load(Ordering::Acquire);
            (due != 0).then_some(due)
        });
        let next = wheel.next().map(|tick| self.time(tick));
        drop(wheel);
        let taken = |item: Weak<Entry>| {
            let entry = item.upgrade()?;
            // Two appointments may fall into one slot: only the first counts.
            (entry.due().swap(0, Ordering::AcqRel) != 0).then_some(entry)
        };
        (due.into_iter().filter_map(taken).collect(), next)
    }
}

/// Turns the wheel until the engine stops.
pub(crate) async fn run(core: Weak<Core>) {
    let Some((stop, clock)) = core.upgrade().map(|c| (c.stop.clone(), c.clock.clone())) else {
        return;
    };
    let mut next_sweep = clock.now().plus(SWEEP);
    loop {
        let Some(core) = core.upgrade() else { return };
        let now = clock.now();
        let (due, next) = core.scheduler.turn(now);
        for entry in due {
            if let Some(registered) = core.registry.get(&entry.key().provider) {
                lock(&registered.backlog).push_back(Arc::downgrade(&entry));
            }
        }
        start_renewals(&core, now);
        // Also if the clock was set back.
        next_sweep = next_sweep.min(now.plus(SWEEP));
        if now >= next_sweep {
            let idle = u32::try_from(core.tuning.idle.as_secs()).unwrap_or(u32::MAX);
            let revoked = u32::try_from(core.tuning.revocations.as_secs()).unwrap_or(u32::MAX);
            let (idle, revoked) = (at(&core, now, idle), at(&core, now, revoked));
            core.table.sweep(now, idle, revoked);
            crate::flows::sweep(&core, now);
            #[cfg(feature = "redaction")]
            if let Some(redactor) = &core.redactor {
                redactor.sweep(now);
            }
            next_sweep = now.plus(SWEEP);
        }
        let wake = next.unwrap_or(next_sweep).min(next_sweep).max(now.plus(TICK));
        let (freed, earlier) = (core.freed.clone(), core.scheduler.earlier.clone());
        drop(core);
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_until(wake) => {}
            () = freed.notified() => {}
            () = earlier.notified() => {}
        }
    }
}

/// The second that was `ago` seconds before `now`, as uses are counted.
fn at(core: &Core, now: Timestamp, ago: u32) -> u32 {
    core.secs(now).saturating_sub(ago)
}

/// Starts as many waiting renewals as there is room for beyond the reserve for cold callers.
fn start_renewals(core: &Arc<Core>, now: Timestamp) {
    for registered in core.registry.all() {
        loop {
            if lock(&registered.backlog).is_empty() {
                break;
            }
            let Some(permit) = registered.calls.try_acquire_background() else {
                break;
            };
            let Some(entry) = lock(&registered.backlog).pop_front() else {
                break;
            };
            let Some(entry) = entry.upgrade() else {
                continue;
            };
            // Judged when there is room, not when it was due: a caller may have renewed meanwhile.
            if let Some(launch) = entry.look(core, now) {
                let context = Context {
                    min_validity: Duration::ZERO,
                    interaction: Interaction::Forbidden,
                    hint: Hint::default(),
                    depth: 0,
                    permit: Some(permit),
                };
                flight::start(core, entry, launch, context);
            }
        }
    }
}
