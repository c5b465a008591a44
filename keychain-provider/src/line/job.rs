//! [`Job`]: one call in the queue.

use credential_provider_api::{CredentialError, Timestamp};
use tokio::sync::oneshot;

use crate::keychain::{Call, Keychain};

type Work = Box<dyn FnOnce(Result<&mut dyn Keychain, CredentialError>, &Call) -> Seen + Send>;

/// What the thread learns of the keychain from a call's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It works.
    Sound,
    /// It is to be opened again.
    Broken,
}

pub(super) struct Job {
    pub(super) call: Call,
    /// Until when the keychain must be open, if that is before the call's own deadline.
    pub(super) opening: Option<Timestamp>,
    work: Work,
}

impl Job {
    pub(super) fn answered<T: Send + 'static>(
        call: Call,
        reply: oneshot::Sender<Result<T, CredentialError>>,
        work: impl FnOnce(&mut dyn Keychain, &Call) -> Result<T, CredentialError> + Send + 'static,
    ) -> Self {
        let work: Work = Box::new(move |keychain, call| {
            let answer = keychain.and_then(|keychain| work(keychain, call));
            let seen = seen(answer.as_ref().err());
            // Whoever asked may have given up.
            let _ = reply.send(answer);
            seen
        });
        Self { call, opening: None, work }
    }

    pub(super) fn posted(
        call: Call,
        opening: Timestamp,
        work: impl FnOnce(Result<&mut dyn Keychain, CredentialError>, &Call) + Send + 'static,
    ) -> Self {
        let work: Work = Box::new(move |keychain, call| {
            work(keychain, call);
            // Asked for rarely, and what it listened to goes with it.
            Seen::Broken
        });
        Self { call, opening: Some(opening), work }
    }

    pub(super) fn run(self, keychain: Result<&mut dyn Keychain, CredentialError>) -> Seen {
        (self.work)(keychain, &self.call)
    }
}

/// An answer that waiting mends says nothing good about the connection it came over.
fn seen(error: Option<&CredentialError>) -> Seen {
    if error.is_some_and(CredentialError::is_transient) { Seen::Broken } else { Seen::Sound }
}
