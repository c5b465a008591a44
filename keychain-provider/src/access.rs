//! [`Access`]: calls to the keychain, with a prompt where one is needed and allowed.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, Commit, CredentialError, ErrorCode, Interaction, Timestamp};

use crate::error::{is_locked, unsupported};
use crate::item::Item;
use crate::keychain::{Call, Keychain, OpenKeychain};
use crate::line::{Bounds, Line};
use crate::platform::Choice;
use crate::unlock::{Prompted, Unlocker};

/// Calls that wait at once.
const WAITING: usize = 64;
/// Threads left to themselves at once.
const ABANDONED: usize = 4;
/// Prompts that one request waits for: others' and then its own.
const PROMPTS: usize = 8;

pub(crate) struct Access {
    line: Line,
    unlocker: Unlocker,
    clock: Arc<dyn Clock>,
    limit: Duration,
    prompt: Duration,
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
        let unlocker =
            Unlocker::new(line("credential-keychain-unlock", ABANDONED), clock.clone(), limit);
        let (line, clock) = (line("credential-keychain", ABANDONED), clock.clone());
        Self { line, unlocker, clock, limit, prompt }
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
        let mut prompts = self.prompts(asker, item);
        loop {
            match once().await {
                Err(error) if is_locked(&error) => prompts.next(error).await?,
                answer => return answer,
            }
        }
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
        let mut prompts = self.prompts(asker, item);
        loop {
            match once().await {
                Err(error) if is_locked(&error) => prompts.next(error).await?,
                answer => return answer,
            }
        }
    }

    const fn prompts<'a>(&'a self, asker: Asker, item: &'a Item) -> Prompts<'a> {
        Prompts { access: self, asker, item, patience: None, left: PROMPTS, unlocked: false }
    }
}

/// The prompts that one request waits for: others', and then its own.
struct Prompts<'a> {
    access: &'a Access,
    asker: Asker,
    item: &'a Item,
    /// Until when it waits for a person, once it does.
    patience: Option<Timestamp>,
    left: usize,
    unlocked: bool,
}

impl Prompts<'_> {
    /// Waits for one. An error, `locked` at the last, if there is none to wait for.
    async fn next(&mut self, locked: CredentialError) -> Result<(), CredentialError> {
        let access = self.access;
        if self.asker.interaction != Interaction::Allowed || self.left == 0 {
            return Err(locked);
        }
        if self.unlocked {
            let detail = "it was unlocked, and is still locked for this program: let the keychain \
                          unlock it without asking for each program or item";
            return Err(unsupported(detail));
        }
        let patience = access.clock.now().plus(access.prompt).min(self.asker.deadline);
        let patience = *self.patience.get_or_insert(patience);
        match access.unlocker.unlock(self.item, patience).await {
            // A store that raises its prompts by itself has said all there is to say.
            Err(error) if error.code() == ErrorCode::Unsupported => Err(locked),
            Err(error) => Err(error),
            Ok(Prompted::Its) => {
                self.unlocked = true;
                Ok(())
            }
            Ok(Prompted::Another) => {
                self.left -= 1;
                Ok(())
            }
        }
    }
}
