//! The system's clock, with a coarse reading for hot paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use credential_provider_api::{Clock, Sleep, Timestamp};

/// How old a coarse reading may be.
const TICK: Duration = Duration::from_millis(50);
/// Ticks without a reading after which the ticker rests.
const REST_AFTER: u32 = 100;
/// Longest wait in one go: a wait in monotonic time stands still while the machine sleeps, so the
/// wall clock is read again at least this often.
const HOP: Duration = Duration::from_secs(5);

/// Wall-clock time of the system, for a tokio runtime.
///
/// The coarse reading is kept by a thread of its own, so that a busy runtime cannot make it old. The
/// thread rests while nobody reads and ends with the last clone of the clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    ticker: Arc<Ticker>,
}

#[derive(Debug)]
struct Ticker {
    /// Milliseconds since the epoch; zero while the ticker rests.
    millis: Arc<AtomicU64>,
    /// Set by readers, cleared by the ticker.
    wanted: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl SystemClock {
    /// Starts the ticker. If no thread can be had, coarse readings are exact ones.
    #[must_use]
    pub fn new() -> Self {
        let millis = Arc::new(AtomicU64::new(0));
        let wanted = Arc::new(AtomicU64::new(0));
        let (cell, flag) = (Arc::downgrade(&millis), Arc::downgrade(&wanted));
        let spawned =
            std::thread::Builder::new().name("credential-clock".into()).spawn(move || {
                let mut quiet = 0;
                while let (Some(cell), Some(flag)) = (cell.upgrade(), flag.upgrade()) {
                    quiet = if flag.swap(0, Ordering::Relaxed) == 0 { quiet + 1 } else { 0 };
                    if quiet < REST_AFTER {
                        cell.store(
                            Timestamp::from(SystemTime::now()).as_millis(),
                            Ordering::Relaxed,
                        );
                        drop((cell, flag));
                        std::thread::park_timeout(TICK);
                    } else {
                        cell.store(0, Ordering::Relaxed);
                        drop((cell, flag));
                        std::thread::park();
                        quiet = 0;
                    }
                }
            });
        Self { ticker: Arc::new(Ticker { millis, wanted, thread: spawned.ok() }) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // The thread holds weak references only: woken, it finds them dead and ends.
        self.millis = Arc::default();
        self.wanted = Arc::default();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It has nothing left to do but to end; a panic in it would have no one to tell.
            let _ = thread.join();
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn coarse_now(&self) -> Timestamp {
        let ticker = &*self.ticker;
        if ticker.wanted.load(Ordering::Relaxed) == 0 {
            ticker.wanted.store(1, Ordering::Relaxed);
        }
        match ticker.millis.load(Ordering::Relaxed) {
            0 => {
                if let Some(thread) = &ticker.thread {
                    thread.thread().unpark();
                }
                self.now()
            }
            millis => Timestamp::from_millis(millis),
        }
    }

    fn sleep_until(&self, when: Timestamp) -> Sleep {
        let clock = self.clone();
        Box::pin(async move {
            loop {
                let left = clock.now().until(when);
                if left.is_zero() {
                    return;
                }
                let hop = tokio::time::Instant::from_std(Instant::now() + left.min(HOP));
                tokio::time::sleep_until(hop).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_reading_is_close_and_the_thread_ends_with_the_clock() {
        let clock = SystemClock::new();
        let close = |clock: &SystemClock| {
            let (before, coarse, after) = (clock.now(), clock.coarse_now(), clock.now());
            // Generous: this machine may be busy. The reading is never ahead.
            coarse <= after && coarse.until(before) < Duration::from_secs(2)
        };
        assert!(close(&clock));
        let cell = Arc::downgrade(&clock.ticker.millis);
        drop(clock);
        assert!(cell.upgrade().is_none(), "the thread let go of it");
    }
}
