//! What the tests of both suites share.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use credential_provider_api::conformance::{Report, Verdict};
use futures_util::Stream;

/// A mutex without poisoning.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub(crate) fn get(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells every subscriber of what happens after it subscribed.
#[derive(Debug)]
pub(crate) struct Feed<T>(Shared<Vec<SharedQueue<T>>>);

type SharedQueue<T> = Arc<Shared<Queue<T>>>;

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<T>,
    waker: Option<Waker>,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Self(Shared(Mutex::new(Vec::new())))
    }
}

impl<T: Clone> Feed<T> {
    pub(crate) fn tell(&self, item: &T) {
        for queue in self.0.get().iter() {
            let mut queue = queue.get();
            queue.items.push_back(item.clone());
            queue.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn subscribe(&self) -> Subscription<T> {
        let queue = Queue { items: VecDeque::new(), waker: None };
        let queue = Arc::new(Shared(Mutex::new(queue)));
        self.0.get().push(queue.clone());
        Subscription(queue)
    }
}

pub(crate) struct Subscription<T>(SharedQueue<T>);

impl<T> Stream for Subscription<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut queue = self.0.get();
        match queue.items.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None => {
                queue.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// One await at which a call can be dropped.
pub(crate) async fn turn() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Every rule holds, and no other than these was skipped.
pub(crate) fn holds(report: &Report, skipped: &[&str]) {
    report.assert();
    assert_eq!(report.skipped(), skipped, "\n{report}");
}

/// This rule is broken, no other is, and the message says which.
pub(crate) fn breaks(report: &Report, rule: &str) {
    assert_eq!(report.failed(), [rule], "\n{report}");
    assert!(matches!(report.verdict(rule), Some(Verdict::Failed(why)) if !why.is_empty()));
    let report = report.clone();
    let panic = std::panic::catch_unwind(move || report.assert()).expect_err("it is broken");
    let message = panic.downcast::<String>().expect("a text");
    assert!(message.contains(&format!("FAILED  {rule}: ")), "{message}");
}
