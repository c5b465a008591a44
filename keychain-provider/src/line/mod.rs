//! [`Line`]: calls to a keychain that blocks, from tasks that must not.
//!
//! One thread owns the keychain; calls stand in a bounded queue. A call that is still running at its
//! deadline takes the thread with it: the thread is left to itself, and the queue goes on with
//! another thread, which opens the keychain again. So many threads may be left, and no more.

mod job;
mod queue;
mod worker;

use std::sync::Arc;

use credential_provider_api::{Clock, CredentialError, Timestamp};
use tokio::sync::{oneshot, watch};

use self::job::Job;
use self::queue::Queue;
use crate::error::{timeout, unavailable};
use crate::keychain::{Call, Keychain, OpenKeychain};
use crate::platform::Choice;

pub(crate) use self::queue::Bounds;

/// A way to call a keychain. Its thread starts with the first call and ends with the line.
pub(crate) struct Line {
    queue: Arc<Queue>,
    clock: Arc<dyn Clock>,
}

impl Line {
    pub(crate) fn new(
        opener: Arc<dyn OpenKeychain>,
        clock: Arc<dyn Clock>,
        bounds: Bounds,
    ) -> Self {
        Self { queue: Arc::new(Queue::new(opener, bounds)), clock }
    }

    /// Which keychain was opened last, and why.
    pub(crate) fn choice(&self) -> Option<Choice> {
        self.queue.choice()
    }

    /// Calls the keychain. Dropped, the call is not begun, or if it has begun its answer is lost;
    /// a keychain that looks at its [`Call`] then stops.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        deadline: Timestamp,
        work: impl FnOnce(&mut dyn Keychain, &Call) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        let call = Call::new(deadline, self.clock.clone());
        let given_up = GiveUp(call.clone());
        let answer = self.call_as(call, work).await;
        drop(given_up);
        answer
    }

    /// The same for a call that goes on when nobody waits for it any more, to its deadline.
    pub(crate) async fn call_to_its_end<T: Send + 'static>(
        &self,
        deadline: Timestamp,
        work: impl FnOnce(&mut dyn Keychain, &Call) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        self.call_as(Call::new(deadline, self.clock.clone()), work).await
    }

    /// Queues a call without a limit that nobody waits for; only opening the keychain has one,
    /// `opening`. Whoever waits for what it tells sees to [`Line::give_up_overdue`].
    pub(crate) fn post(
        &self,
        opening: Timestamp,
        work: impl FnOnce(Result<&mut dyn Keychain, CredentialError>, &Call) + Send + 'static,
    ) -> Result<(), CredentialError> {
        let call = Call::new(Timestamp::MAX, self.clock.clone());
        self.queue.push(Job::posted(call, opening, work), self.clock.now())
    }

    /// Leaves a thread to itself that does not come further.
    pub(crate) fn give_up_overdue(&self) {
        self.queue.abandon_overdue(self.clock.now());
    }

    async fn call_as<T: Send + 'static>(
        &self,
        call: Call,
        work: impl FnOnce(&mut dyn Keychain, &Call) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        let (reply, mut answer) = oneshot::channel();
        let mut turns = self.queue.turns();
        self.queue.push(Job::answered(call.clone(), reply, work), self.clock.now())?;
        loop {
            let running = running_until(&mut turns);
            tokio::select! {
                biased;
                answer = &mut answer => {
                    return answer.unwrap_or_else(|_| Err(self.lost(&call)));
                }
                () = self.clock.sleep_until(call.deadline().min(running)) => {}
                // The line outlives this call, so there is always another turn.
                _ = turns.changed() => continue,
            }
            let now = self.clock.now();
            self.queue.abandon_overdue(now);
            if call.deadline() <= now {
                return Err(timeout());
            }
        }
    }
}

impl Line {
    /// Why a call has no answer.
    fn lost(&self, call: &Call) -> CredentialError {
        // A call that had ended was passed over.
        if call.deadline() <= self.clock.now() {
            return timeout();
        }
        unavailable("the keychain's library panicked or hangs; it is opened again")
    }
}

/// The deadline of what runs now.
fn running_until(turns: &mut watch::Receiver<Option<Timestamp>>) -> Timestamp {
    turns.borrow_and_update().unwrap_or(Timestamp::MAX)
}

impl Drop for Line {
    fn drop(&mut self) {
        self.queue.close();
    }
}

struct GiveUp(Call);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.give_up();
    }
}
