//! [`Witness`]: sees every call to a subject, so that some rules hold for all of them.

use std::any::Any;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};

use super::report::{Checked, fail};
use super::timer::Timer;
use crate::credential::Credential;
use crate::id::AccountId;

/// Shorter secrets occur in ordinary words.
const SHORTEST_SECRET: usize = 6;

pub(super) struct Witness {
    limit: Duration,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    longest_poll: Option<(Duration, String)>,
    texts: Vec<(String, String)>,
    secrets: Vec<SecretString>,
    loose_guard: Option<String>,
}

impl Witness {
    pub(super) fn new(limit: Duration, secrets: Vec<SecretString>) -> Self {
        let seen = Seen { secrets, ..Seen::default() };
        Self { limit, seen: Mutex::new(seen) }
    }

    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Runs a call, called `what`, to its end, its limit or its panic.
    pub(super) async fn call<T>(&self, what: &str, call: impl Future<Output = T>) -> Checked<T> {
        let mut call = pin!(self.guarded(what, call));
        let mut limit = pin!(Timer::after(self.limit));
        poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => limit
                .as_mut()
                .poll(cx)
                .map(|()| fail(format!("`{what}` did not answer within {:?}", self.limit))),
        })
        .await
    }

    /// Runs what has a limit of its own to its end or its panic.
    pub(super) async fn guarded<T>(&self, what: &str, call: impl Future<Output = T>) -> Checked<T> {
        let mut call = pin!(call);
        poll_fn(|cx| {
            let started = Instant::now();
            let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
            self.polled(what, started.elapsed());
            match polled {
                Ok(polled) => polled.map(Ok),
                Err(payload) => {
                    let words = panic_words(&*payload);
                    self.text(&format!("the panic of `{what}`"), &words);
                    Poll::Ready(fail(format!("`{what}` panicked: {words}")))
                }
            }
        })
        .await
    }

    /// Remembers what can be read without asking for a secret.
    pub(super) fn shown(&self, what: &str, value: &impl Debug) {
        self.text(what, &format!("{value:?}"));
        self.text(what, &format!("{value:#?}"));
    }

    pub(super) fn text(&self, what: &str, text: &str) {
        self.seen().texts.push((what.to_owned(), text.to_owned()));
    }

    /// Remembers the secrets of a credential, to look for them later.
    pub(super) fn issued(&self, credential: &Credential) {
        // A user value may be the account's name, which is shown on purpose.
        let account = credential.account().map_or("", AccountId::as_str);
        let secrets = credential
            .material()
            .secrets()
            .filter(|(_, secret)| secret.expose_secret() != account)
            .map(|(_, secret)| secret.clone());
        self.seen().secrets.extend(secrets);
    }

    /// Remembers that a call ended while a commit guard of it lived.
    pub(super) fn guard_left(&self, what: &str) {
        self.seen().loose_guard.get_or_insert_with(|| what.to_owned());
    }

    /// Nothing that was shown holds a secret.
    pub(super) fn no_secret_shown(&self) -> Checked {
        let seen = self.seen();
        let secrets =
            seen.secrets.iter().map(|s| s.expose_secret()).filter(|s| s.len() >= SHORTEST_SECRET);
        for secret in secrets {
            if let Some((what, _)) = seen.texts.iter().find(|(_, text)| text.contains(secret)) {
                return fail(format!("{what} shows a secret"));
            }
        }
        Ok(())
    }

    /// No single poll took longer than `most`.
    pub(super) fn no_poll_over(&self, most: Duration) -> Checked {
        match &self.seen().longest_poll {
            Some((span, what)) if *span > most => fail(format!(
                "one poll of `{what}` kept the thread for {span:?}; at most {most:?} is accepted"
            )),
            _ => Ok(()),
        }
    }

    /// No call ended with a commit guard alive.
    pub(super) fn no_guard_left(&self) -> Checked {
        match &self.seen().loose_guard {
            Some(what) => fail(format!("`{what}` has ended, its commit guard has not")),
            None => Ok(()),
        }
    }

    fn polled(&self, what: &str, span: Duration) {
        let mut seen = self.seen();
        if seen.longest_poll.as_ref().is_none_or(|(most, _)| span > *most) {
            seen.longest_poll = Some((span, what.to_owned()));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn panic_words(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|words| (*words).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}
