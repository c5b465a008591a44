//! Real time without a runtime: a future that a thread wakes.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::{Clock, Sleep};
use crate::time::Timestamp;

/// Completes after a while of real time.
pub(super) struct Timer {
    /// `None` is later than the machine can count.
    until: Option<Instant>,
    bell: Option<Arc<Bell>>,
}

impl Timer {
    pub(super) fn after(span: Duration) -> Self {
        Self { until: Instant::now().checked_add(span), bell: None }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.until else {
            return Poll::Pending;
        };
        if Instant::now() >= until {
            return Poll::Ready(());
        }
        if let Some(bell) = &self.bell {
            bell.state().waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bell = Arc::new(Bell::default());
        bell.state().waker = Some(cx.waker().clone());
        let rung = Arc::clone(&bell);
        let thread = std::thread::Builder::new().spawn(move || rung.ring_at(until));
        match thread {
            Ok(_) => self.bell = Some(bell),
            // Without a thread to wait on, keep asking.
            Err(_) => cx.waker().wake_by_ref(),
        }
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(bell) = &self.bell {
            bell.state().abandoned = true;
            bell.changed.notify_one();
        }
    }
}

#[derive(Default)]
struct Bell {
    state: Mutex<BellState>,
    changed: Condvar,
}

#[derive(Default)]
struct BellState {
    waker: Option<Waker>,
    abandoned: bool,
}

impl Bell {
    fn state(&self) -> MutexGuard<'_, BellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring_at(&self, until: Instant) {
        let mut state = self.state();
        while !state.abandoned {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let waker = state.waker.take();
                drop(state);
                waker.into_iter().for_each(Waker::wake);
                return;
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The machine's own clock, for subjects whose author gave no other.
pub(super) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn sleep_until(&self, when: Timestamp) -> Sleep {
        // In steps: the clock may be set forward meanwhile.
        const STEP: Duration = Duration::from_secs(1);
        Box::pin(async move {
            loop {
                let left = Self.now().until(when);
                if left.is_zero() {
                    return;
                }
                Timer::after(left.min(STEP)).await;
            }
        })
    }
}
