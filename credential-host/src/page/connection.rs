//! One connection, and what all of them share.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::route;
use crate::control::Operations;

/// How long the head of a request may take to come.
const SLOWEST_HEAD: Duration = Duration::from_secs(10);
/// A redirect may bring 16 KiB of parameters along.
const LONGEST_HEAD: usize = 32 * 1024;
const MOST_HEADERS: usize = 64;
const MOST_STREAMS: usize = 8;

pub(super) struct Shared {
    pub(super) address: SocketAddr,
    pub(super) operations: Operations,
    pub(super) gate: Arc<Gate>,
    pub(super) streams: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn new(
        address: SocketAddr,
        operations: Operations,
        gate: Arc<Gate>,
        stop: CancellationToken,
    ) -> Self {
        Self { address, operations, gate, streams: Arc::new(Semaphore::new(MOST_STREAMS)), stop }
    }

    pub(super) fn callback(&self) -> String {
        callback(self.address)
    }
}

pub(super) fn callback(address: SocketAddr) -> String {
    format!("http://{address}/callback")
}

/// One request a connection: a peer that has its answer holds nothing. When `stop` comes, what was asked is
/// still answered. `asked` is set once it has asked for something.
pub(super) async fn converse(stream: TcpStream, shared: Arc<Shared>, asked: Arc<AtomicBool>) {
    let service = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(route::answer(&shared, request).await.into_response()) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SLOWEST_HEAD)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let served = tokio::select! {
        biased;
        served = &mut served => served,
        () = shared.stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    // A peer that is gone, or was too slow.
    drop(served);
}
