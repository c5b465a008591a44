//! Dropped futures, the commit gate, and the thread.

use std::future::poll_fn;
use std::task::Poll;

use super::subject::{Call, Provider, Subject};
use crate::conformance::report::{Checked, Stop, fail};
use crate::credential::Credential;
use crate::error::ErrorCode;
use crate::key::Key;
use crate::provider::{CommitGate, Reason};

/// More awaits than this in one call are not dropped at one by one.
const MOST_AWAITS: usize = 8;

pub(super) async fn dropped_call(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        for awaits in 1..=MOST_AWAITS {
            let dropped = drop_at(subject, &provider, &key, None, awaits).await?;
            let current = usable(subject, &provider, &key, "resolve", awaits).await?;
            let refreshed = drop_at(subject, &provider, &key, Some(&current), awaits).await?;
            usable(subject, &provider, &key, "refresh", awaits).await?;
            if let (Dropping::Ended, Dropping::Ended) = (dropped, refreshed) {
                break;
            }
        }
    }
    Ok(())
}

enum Dropping {
    /// It was dropped, uncommitted.
    Dropped,
    /// It ended before.
    Ended,
}

/// Drops a call at its await number `awaits`, or at the first after that without a commit guard.
async fn drop_at(
    subject: &Subject,
    provider: &Provider,
    key: &Key,
    current: Option<&Credential>,
    awaits: usize,
) -> Checked<Dropping> {
    let gate = CommitGate::new();
    let request = subject.request(key).with_gate(gate.clone());
    let what = current.map_or("resolve", |_| "refresh");
    let until_dropped = async {
        let mut call = match current {
            Some(current) => provider.refresh(&request, current, Reason::Expiring),
            None => provider.resolve(&request),
        };
        let mut pending = 0;
        poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(answer) => {
                subject.saw(what, &answer);
                Poll::Ready(Dropping::Ended)
            }
            Poll::Pending => {
                pending += 1;
                if pending >= awaits && gate.close() {
                    Poll::Ready(Dropping::Dropped)
                } else {
                    Poll::Pending
                }
            }
        })
        .await
    };
    subject.witness.call(what, until_dropped).await
}

async fn usable(
    subject: &Subject,
    provider: &Provider,
    key: &Key,
    what: &str,
    awaits: usize,
) -> Checked<Credential> {
    subject.served(provider, key).await.map_err(|stop| match stop {
        Stop::Failed(message) => {
            Stop::Failed(format!("after a `{what}` dropped at its await {awaits}: {message}"))
        }
        skipped @ Stop::Skipped(_) => skipped,
    })
}

pub(super) async fn closed_gate(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        let gate = CommitGate::new();
        let _ = gate.close();
        let request = subject.request(&key);
        let answer = subject.send_through(&provider, request, Call::Resolve, gate).await?;
        if let Err(error) = answer
            && error.code() != ErrorCode::Cancelled
        {
            return fail(format!(
                "{} behind a closed gate was answered with {}; pass on what `commit` says",
                key.credential,
                error.code()
            ));
        }
        subject.credential(&provider, &key).await?;
    }
    Ok(())
}

pub(super) async fn guard_is_released(subject: &Subject) -> Checked {
    subject.witness.no_guard_left()
}

pub(super) async fn does_not_block(subject: &Subject) -> Checked {
    subject.witness.no_poll_over(subject.suite.longest_poll)
}
