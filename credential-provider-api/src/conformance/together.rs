//! Several futures at once, on one thread.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A boxed future.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls all of them until each has ended; the results are in their order.
pub(super) async fn all<T: Send>(futures: Vec<Boxed<'_, T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|f| (Some(f), None)).collect();
    poll_fn(|cx| {
        let mut waiting = Poll::Ready(());
        for (future, result) in &mut running {
            let Some(pending) = future else { continue };
            match pending.as_mut().poll(cx) {
                Poll::Ready(value) => {
                    *result = Some(value);
                    *future = None;
                }
                Poll::Pending => waiting = Poll::Pending,
            }
        }
        waiting
    })
    .await;
    running.into_iter().filter_map(|(_, value)| value).collect()
}

/// Polls both until each has ended.
pub(super) async fn both<T: Send>(
    one: impl Future<Output = T> + Send,
    two: impl Future<Output = T> + Send,
) -> (Option<T>, Option<T>) {
    let mut results = all(vec![Box::pin(one), Box::pin(two)]).await.into_iter();
    (results.next(), results.next())
}
