//! The watch, in real time.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::subject::{Subject, record};
use crate::conformance::report::{Checked, fail};
use crate::conformance::timer::Timer;
use crate::key::Key;
use crate::store::{StoreChange, StoreChanges};

/// How late a change may be seen.
const PROMISED: Duration = Duration::from_secs(2);
/// No second word of a change comes later than this after the first.
const ECHO: Duration = Duration::from_millis(50);

pub(super) async fn sees(subject: &Subject) -> Checked {
    let (watching, changing) = (subject.open().await?, subject.open().await?);
    let key = subject.key()?;
    let witness = &subject.witness;
    let opened = async { watching.store().watch() };
    let mut changes = witness.call("watch", opened).await?;
    witness.call("watch", until_quiet(&mut changes)).await?;
    let mut expected = None;
    for what in ["first save", "second save"] {
        expected = Some(changing.save(&key, expected, record(what)).await?);
        let seen = named(&mut changes, &key, what);
        witness.guarded("watch", seen).await??;
        witness.call("watch", until_quiet(&mut changes)).await?;
    }
    changing.remove(&key, expected).await?;
    let seen = named(&mut changes, &key, "removal");
    witness.guarded("watch", seen).await?
}

/// Waits for word of `key`.
async fn named(changes: &mut StoreChanges, key: &Key, what: &str) -> Checked {
    let mut late = pin!(Timer::after(PROMISED));
    poll_fn(|cx| {
        while let Poll::Ready(change) = changes.as_mut().poll_next(cx) {
            match change {
                Some(StoreChange::Missed) => return Poll::Ready(Ok(())),
                Some(StoreChange::Key(changed)) if changed == *key => return Poll::Ready(Ok(())),
                Some(StoreChange::Key(_)) => {}
                None => return Poll::Ready(fail(format!("the stream ended before the {what}"))),
            }
        }
        late.as_mut().poll(cx).map(|()| fail(format!("no word of the {what} within {PROMISED:?}")))
    })
    .await
}

/// Takes words of what happened before, and has the stream listen.
async fn until_quiet(changes: &mut StoreChanges) {
    let mut quiet = pin!(Timer::after(ECHO));
    poll_fn(|cx| {
        while let Poll::Ready(Some(_)) = changes.as_mut().poll_next(cx) {}
        quiet.as_mut().poll(cx)
    })
    .await;
}
