//! The irrevocable part of an exchange.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{CredentialError, ErrorCode};

const CLOSED: usize = 1 << (usize::BITS - 1);

/// Lets either the provider commit or the engine cancel, never both.
#[derive(Clone, Debug, Default)]
pub struct CommitGate(Arc<AtomicUsize>);

impl CommitGate {
    /// An open gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The provider's side: from here until the guard is dropped the call is not cancelled.
    ///
    /// # Errors
    /// `cancelled` if the gate is closed.
    pub fn enter(&self) -> Result<Commit, CredentialError> {
        let step = |state: usize| (state & CLOSED == 0).then_some(state + 1);
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, step)
            .map(|_| Commit(self.clone()))
            .map_err(|_| CredentialError::new(ErrorCode::Cancelled, "the call was given up"))
    }

    /// The engine's side: closes the gate unless somebody is inside. `true` means that the call may
    /// now be dropped, and that nothing can be committed in it any more.
    #[must_use]
    pub fn close(&self) -> bool {
        self.0.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok()
            || self.0.load(Ordering::Acquire) == CLOSED
    }

    /// Whether an exchange is under way.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.0.load(Ordering::Acquire) & !CLOSED != 0
    }
}

/// Held while an exchange that cannot be undone is under way.
#[must_use = "the exchange may be cancelled as soon as the guard is dropped"]
pub struct Commit(CommitGate);

impl Drop for Commit {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_2_either_commit_or_cancel() {
        let gate = CommitGate::new();
        let guard = gate.enter().unwrap();
        assert!(gate.is_committed());
        assert!(!gate.close(), "a committed call is not cancelled");
        drop(guard);
        assert!(gate.close());
        assert!(gate.close(), "closing twice is closing");
        assert_eq!(gate.enter().unwrap_err().code(), ErrorCode::Cancelled);
    }
}
