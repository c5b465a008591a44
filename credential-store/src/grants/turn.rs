//! The line in which the tasks of one process wait for one key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use credential_provider_api::{CredentialError, ErrorCode, Key};
use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

/// A failure, and the moment at which the attempt that met it ended.
type Failure = Option<(u64, CredentialError)>;

#[derive(Default)]
pub(crate) struct Turns {
    moment: AtomicU64,
    queues: Mutex<HashMap<Key, Arc<Queue<Failure>>>>,
}

/// It is this task's turn.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    failure: OwnedMutexGuard<Failure>,
}

impl Turns {
    /// Waits for the turn. An attempt that failed while this task stood in line has failed for it too:
    /// a hundred waiters of a dead issuer cost one call.
    pub(crate) async fn wait(&self, key: &Key) -> Result<Turn<'_>, CredentialError> {
        let arrived = self.next();
        let failure = self.queue(key).lock_owned().await;
        match &*failure {
            Some((ended, error)) if *ended > arrived => Err(error.clone()),
            _ => Ok(Turn { turns: self, failure }),
        }
    }

    fn next(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::Relaxed)
    }

    /// Queues nobody stands in any more go.
    fn queue(&self, key: &Key) -> Arc<Queue<Failure>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.len() > 64 && queues.len().is_power_of_two() {
            queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        }
        queues.entry(key.clone()).or_default().clone()
    }
}

impl Turn<'_> {
    /// Ends the turn; those behind share the failure.
    pub(crate) fn end<T>(mut self, outcome: &Result<T, CredentialError>) {
        *self.failure = match outcome {
            // That this caller was gone is nothing to the others.
            Err(error) if error.code() != ErrorCode::Cancelled => {
                Some((self.turns.next(), error.clone()))
            }
            _ => None,
        };
    }
}
