//! [`Access`]: calls to the keychain, with a prompt where one is needed and allowed.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, Commit, CredentialError, ErrorCode, Interaction, Timestamp};

use crate::error::is_locked;
use crate::item::Item;
use crate::keychain::{Call, Keychain, OpenKeychain};
use crate::line::{Bounds, Line};
use crate::platform::Choice;
use crate::unlock::Unlocker;

/// Calls that wait at once.
const WAITING: usize = 64;
/// Threads left to themselves at once.
const ABANDONED: usize = 4;

pub(crate) struct Access {
    line: Line,
    unlocker: Unlocker,
    clock: Arc<dyn Clock>,
    limit: Duration,
}

/// Who asks: whether a person may be asked, and until when it waits.
#[derive(Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) interaction: Interaction,
    pub(crate) deadline: Timestamp,
}

impl Access {
    pub(crate) fn new(
        keychain: &Arc<dyn OpenKeychain>,
        clock: &Arc<dyn Clock>,
        limit: Duration,
        prompt: Duration,
    ) -> Self {
        let line = |name, abandoned| {
            let bounds = Bounds { waiting: WAITING, abandoned, name };
            Line::new(keychain.clone(), clock.clone(), bounds)
        };
        let unlocker = Unlocker::new(line("credential-keychain-unlock", 1), clock.clone(), prompt);
        let (line, clock) = (line("credential-keychain", ABANDONED), clock.clone());
        Self { line, unlocker, clock, limit }
    }

    /// Which store was opened last, and why.
    pub(crate) fn choice(&self) -> Option<Choice> {
        self.line.choice()
    }

    /// A call that changes nothing. Cancel-safe.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        asker: Asker,
        item: &Item,
        work: impl FnMut(&mut dyn Keychain, &Call) -> Result<T, CredentialError>
        + Clone
        + Send
        + 'static,
    ) -> Result<T, CredentialError> {
        let once = async || {
            let mut work = work.clone();
            let deadline = self.clock.now().plus(self.limit).min(asker.deadline);
            self.line.call(deadline, move |keychain, call| work(keychain, call)).await
        };
        match once().await {
            Err(error) if is_locked(&error) => self.unlock(asker, item, error).await?,
            answer => return answer,
        }
        once().await
    }

    /// A call that changes something: from `commit` on it runs to its end or its own limit, whatever
    /// the asker's deadline. It is made again only if nothing happened because something was locked.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        asker: Asker,
        item: &Item,
        commit: impl Fn() -> Result<Option<Commit>, CredentialError>,
        work: impl FnMut(&mut dyn Keychain, &Call) -> Result<T, CredentialError>
        + Clone
        + Send
        + 'static,
    ) -> Result<T, CredentialError> {
        let once = async || {
            let mut work = work.clone();
            let _commit = commit()?;
            let deadline = self.clock.now().plus(self.limit);
            self.line.call_to_its_end(deadline, move |keychain, call| work(keychain, call)).await
        };
        match once().await {
            Err(error) if is_locked(&error) => self.unlock(asker, item, error).await?,
            answer => return answer,
        }
        once().await
    }

    async fn unlock(
        &self,
        asker: Asker,
        item: &Item,
        locked: CredentialError,
    ) -> Result<(), CredentialError> {
        if asker.interaction != Interaction::Allowed {
            return Err(locked);
        }
        match self.unlocker.unlock(item, asker.deadline).await {
            // A store that raises its prompts by itself has said all there is to say.
            Err(error) if error.code() == ErrorCode::Unsupported => Err(locked),
            answer => answer,
        }
    }
}
