//! One prompt at a time, however many ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, Timestamp};
use tokio::sync::watch;

use crate::error::{interaction, is_locked, timeout, unavailable};
use crate::item::Item;
use crate::line::Line;

/// How long after a prompt was declined nobody is asked again.
pub(crate) const DECLINED_FOR: Duration = Duration::from_secs(10);

/// Whose prompt was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompted {
    /// The one for the item asked for.
    Its,
    /// One that was there already, perhaps for another item.
    Another,
}

/// How far a prompt is.
#[derive(Clone, Debug)]
enum Stage {
    /// The keychain is being opened, until then.
    Opening(Timestamp),
    /// It is up to a person, without limit.
    Shown,
    Over(Result<(), CredentialError>),
}

/// Unlocks the keychain on a connection of its own, so that reads go on meanwhile.
pub(crate) struct Unlocker {
    line: Line,
    clock: Arc<dyn Clock>,
    limit: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    asking: Option<watch::Receiver<Stage>>,
    declined_at: Option<Timestamp>,
}

impl Unlocker {
    /// `limit` is for opening the keychain, and not for the person.
    pub(crate) fn new(line: Line, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { line, clock, limit, state: Arc::default() }
    }

    /// Has a person unlock what keeps `item`, or waits for the prompt that is there already, for as
    /// long as `patience`. Cancel-safe: the prompt stays.
    pub(crate) async fn unlock(
        &self,
        item: &Item,
        patience: Timestamp,
    ) -> Result<Prompted, CredentialError> {
        let (mut asking, whose) = self.ask(item)?;
        loop {
            let stage = asking.borrow_and_update().clone();
            let opening = match stage {
                Stage::Over(answer) => return answer.map(|()| whose),
                Stage::Opening(until) => until,
                Stage::Shown => Timestamp::MAX,
            };
            tokio::select! {
                biased;
                changed = asking.changed() => if changed.is_err() {
                    return Err(unavailable("the prompt of the keychain was lost"));
                },
                () = self.clock.sleep_until(opening.min(patience)) => {
                    if opening <= self.clock.now() {
                        self.line.give_up_overdue();
                        return Err(timeout());
                    }
                    let detail = "the prompt to unlock the keychain waits for an answer";
                    return Err(interaction(detail));
                }
            }
        }
    }

    fn ask(&self, item: &Item) -> Result<(watch::Receiver<Stage>, Prompted), CredentialError> {
        let mut state = locked(&self.state);
        let now = self.clock.now();
        let pending = state.asking.as_ref().filter(|asking| {
            let waits = match *asking.borrow() {
                Stage::Opening(until) => now < until,
                Stage::Shown => true,
                Stage::Over(_) => false,
            };
            // Without anybody who could answer it is over, too.
            waits && asking.has_changed().is_ok()
        });
        if let Some(asking) = pending {
            return Ok((asking.clone(), Prompted::Another));
        }
        if state.declined_at.is_some_and(|at| now < at.plus(DECLINED_FOR)) {
            return Err(interaction("the prompt to unlock the keychain was declined a moment ago"));
        }
        let opening = now.plus(self.limit);
        let (tell, asking) = watch::channel(Stage::Opening(opening));
        let (item, clock, shared) = (item.clone(), self.clock.clone(), self.state.clone());
        self.line.post(opening, move |keychain, call| {
            let answer = keychain.and_then(|keychain| {
                tell.send_replace(Stage::Shown);
                let answer = keychain.unlock(&item, call);
                // Noted here: perhaps nobody waits for it any more.
                if answer.as_ref().is_err_and(is_locked) {
                    locked(&shared).declined_at = Some(clock.now());
                }
                answer
            });
            tell.send_replace(Stage::Over(answer));
        })?;
        state.declined_at = None;
        state.asking = Some(asking.clone());
        Ok((asking, Prompted::Its))
    }
}

// Nothing that waits runs under this lock.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
