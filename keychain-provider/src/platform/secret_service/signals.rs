//! [`Signals`]: what the service tells of, taken from the connection whatever its reader does.
//!
//! A connection that has nowhere to put a signal reads nothing more, answers to method calls included.
//! So a task of its own takes the signals at once, and keeps few: of more changes than that it
//! keeps that there were some.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream};

use super::wire::{Failure, NAME, ROOT};
use crate::error::unavailable;

/// Most changes that are kept one by one; each may cost a method call.
const MOST: usize = 16;

/// What was heard.
pub(super) enum Heard {
    /// This.
    Signal(Message),
    /// More changes at once than are kept.
    Burst,
}

/// What the service tells of, and its coming and going. Listens until dropped.
pub(super) struct Signals {
    backlog: Arc<Backlog>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Backlog {
    state: Mutex<State>,
    more: Notify,
}

#[derive(Default)]
struct State {
    /// Answers to prompts, and the service's coming and going: rare, and none may be missed.
    rare: VecDeque<Message>,
    changes: VecDeque<Message>,
    burst: bool,
    over: bool,
}

impl Signals {
    pub(super) async fn of(bus: &Connection) -> Result<Self, Failure> {
        let lost = |_| unavailable("the session bus does not tell of changes");
        let rule = || MatchRule::builder().msg_type(Type::Signal);
        let items = rule().sender(NAME).path_namespace(ROOT).build().map_err(lost)?;
        let owner = rule().sender("org.freedesktop.DBus").member("NameOwnerChanged").arg(0, NAME);
        let owner = owner.build().map_err(lost)?;
        let items = MessageStream::for_match_rule(items, bus, None).await.map_err(lost)?;
        let owner = MessageStream::for_match_rule(owner, bus, None).await.map_err(lost)?;
        let backlog = Arc::new(Backlog::default());
        let keeps = backlog.clone();
        let task = tokio::spawn(async move {
            let mut signals = futures::stream::select(items, owner);
            while let Some(Ok(signal)) = signals.next().await {
                keeps.keep(signal);
            }
            keeps.end();
        });
        Ok(Self { backlog, task })
    }

    /// The next; `None` once the bus is gone. Cancel-safe.
    pub(super) async fn next(&self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.backlog.take() {
                return heard;
            }
            // A permit is kept if it was told between these two.
            self.backlog.more.notified().await;
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, signal: Message) {
        let mut state = self.state();
        let member = signal.header().member().map(ToString::to_string);
        if matches!(member.as_deref(), Some("Completed" | "NameOwnerChanged")) {
            state.rare.push_back(signal);
        } else if state.burst || state.changes.len() >= MOST {
            state.changes.clear();
            state.burst = true;
        } else {
            state.changes.push_back(signal);
        }
        drop(state);
        self.more.notify_one();
    }

    fn end(&self) {
        self.state().over = true;
        self.more.notify_one();
    }

    /// What is there: `None` if nothing, `Some(None)` if nothing will be.
    #[allow(clippy::option_option, reason = "nothing yet and nothing any more differ")]
    fn take(&self) -> Option<Option<Heard>> {
        let mut state = self.state();
        if let Some(signal) = state.rare.pop_front().or_else(|| state.changes.pop_front()) {
            return Some(Some(Heard::Signal(signal)));
        }
        if std::mem::take(&mut state.burst) {
            return Some(Some(Heard::Burst));
        }
        state.over.then_some(None)
    }
}
