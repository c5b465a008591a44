//! One prompt at a time, however many ask.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, Timestamp};
use tokio::sync::watch;

use crate::error::{interaction, is_locked, unavailable};
use crate::item::Item;
use crate::line::Line;

/// How long after a prompt was declined nobody is asked again.
pub(crate) const DECLINED_FOR: Duration = Duration::from_secs(10);

type Answer = Option<Result<(), CredentialError>>;

/// Unlocks the keychain on a connection of its own, so that reads go on meanwhile.
pub(crate) struct Unlocker {
    line: Line,
    clock: Arc<dyn Clock>,
    limit: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asking: Option<watch::Receiver<Answer>>,
    declined_at: Option<Timestamp>,
}

impl Unlocker {
    pub(crate) fn new(line: Line, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { line, clock, limit, state: Mutex::default() }
    }

    /// Has a person unlock what keeps `item`, or waits for the prompt that is there already, for as
    /// long as `patience` and the prompt's limit allow. Cancel-safe: the prompt stays.
    pub(crate) async fn unlock(
        &self,
        item: &Item,
        patience: Timestamp,
    ) -> Result<(), CredentialError> {
        let mut asking = self.ask(item)?;
        let patience = self.clock.now().plus(self.limit).min(patience);
        let answered = asking.wait_for(Option::is_some);
        tokio::select! {
            answer = answered => match answer.as_deref() {
                Ok(Some(answer)) => self.heard(answer.clone()),
                _ => Err(unavailable("the prompt of the keychain was lost")),
            },
            () = self.clock.sleep_until(patience) => {
                Err(interaction("the prompt to unlock the keychain waits for an answer"))
            }
        }
    }

    fn ask(&self, item: &Item) -> Result<watch::Receiver<Answer>, CredentialError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let pending = state.asking.as_ref().filter(|asking| {
            // Without an answer and without anybody who could give one it is over too.
            asking.borrow().is_none() && asking.has_changed().is_ok()
        });
        if let Some(asking) = pending {
            return Ok(asking.clone());
        }
        if state.declined_at.is_some_and(|at| now < at.plus(DECLINED_FOR)) {
            return Err(interaction("the prompt to unlock the keychain was declined a moment ago"));
        }
        let (tell, asking) = watch::channel(None);
        let item = item.clone();
        self.line.post(Timestamp::MAX, move |keychain, call| {
            let answer = keychain.and_then(|keychain| keychain.unlock(&item, call));
            tell.send_replace(Some(answer));
        })?;
        state.declined_at = None;
        state.asking = Some(asking.clone());
        Ok(asking)
    }

    fn heard(&self, answer: Result<(), CredentialError>) -> Result<(), CredentialError> {
        if answer.as_ref().is_err_and(is_locked) {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.declined_at.get_or_insert_with(|| self.clock.now());
        }
        answer
    }
}
