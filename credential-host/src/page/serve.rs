//! [`Page`]: the port, and who may come in.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use credential_provider_api::SecretString;
use resolution_engine::SystemRandom;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::connection::{Shared, callback, converse};
use super::gate::Gate;
use crate::control::Operations;

const MOST_CONNECTIONS: usize = 32;
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The address can be reached from elsewhere.
    #[error("{0}: the page is on loopback only; name 127.0.0.1 or [::1] and a port")]
    Exposed(SocketAddr),
    /// The port is not to be had.
    #[error("{address}: {problem}; name another port in credentialGateway.listen, or none")]
    NotOpened {
        /// The address.
        address: SocketAddr,
        /// What the system calls it.
        problem: String,
    },
}

/// An open port that nothing is served on yet.
#[derive(Debug)]
pub struct Page {
    listener: TcpListener,
    operations: Operations,
    links: PageLinks,
}

/// Makes addresses that let a browser in, once each. Whoever has one has the page. `Debug` shows no token.
#[derive(Clone)]
pub struct PageLinks {
    address: SocketAddr,
    gate: Arc<Gate>,
}

impl Page {
    /// Opens a port; 0 lets the system choose.
    ///
    /// # Errors
    /// An address that is not on loopback, or cannot be had.
    pub async fn bind(operations: Operations, address: SocketAddr) -> Result<Self, PageError> {
        if !address.ip().is_loopback() {
            return Err(PageError::Exposed(address));
        }
        let failed = |error: std::io::Error| PageError::NotOpened {
            address,
            problem: error.kind().to_string(),
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let clock = operations.host().clock().clone();
        let gate = Arc::new(Gate::new(clock, Arc::new(SystemRandom::new())));
        Ok(Self { listener, operations, links: PageLinks { address, gate } })
    }

    /// Where sign-ins come back to: the redirect address to start them with.
    #[must_use]
    pub fn callback(&self) -> String {
        callback(self.links.address)
    }

    /// What lets browsers in.
    #[must_use]
    pub fn links(&self) -> PageLinks {
        self.links.clone()
    }

    /// Serves until `stop`; then takes no more, lets the answers under way go out, and returns. Of more
    /// than 32 connections the oldest that has asked for nothing yet makes room for the new one. Dropped,
    /// it ends all connections at once; what the engine has begun goes on there.
    pub async fn serve(self, stop: CancellationToken) {
        let Self { listener, operations, links } = self;
        let shared = Shared::new(links.address, operations, links.gate, stop.clone());
        let shared = Arc::new(shared);
        let mut connections = JoinSet::new();
        let mut silent = VecDeque::new();
        loop {
            silent.retain(Silent::is_yet);
            let room = connections.len() < MOST_CONNECTIONS || !silent.is_empty();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if room => {
                    match accepted {
                        Ok((stream, _)) => {
                            if connections.len() >= MOST_CONNECTIONS
                                && let Some(oldest) = silent.pop_front()
                            {
                                oldest.connection.abort();
                            }
                            let asked = Arc::new(AtomicBool::new(false));
                            let served = converse(stream, shared.clone(), asked.clone());
                            let connection = connections.spawn(served);
                            silent.push_back(Silent { connection, asked });
                        }
                        // Out of descriptors, perhaps: the next one may come through.
                        Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
                    }
                }
            }
        }
        drop(listener);
        for idle in silent.iter().filter(|silent| silent.is_yet()) {
            idle.connection.abort();
        }
        while connections.join_next().await.is_some() {}
    }
}

/// A connection that has asked for nothing yet: anybody on this machine may open those, and hold them.
struct Silent {
    connection: AbortHandle,
    asked: Arc<AtomicBool>,
}

impl Silent {
    fn is_yet(&self) -> bool {
        !self.asked.load(Ordering::Relaxed) && !self.connection.is_finished()
    }
}

impl PageLinks {
    /// An address for a person's browser, good once and for an hour. The one before is good no more.
    #[must_use]
    pub fn mint(&self) -> SecretString {
        let token = self.gate.mint();
        format!("http://{}/?token={}", self.address, token.expose_secret()).into()
    }

    /// Where the page is, for those who are in already.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for PageLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageLinks").field("address", &self.address).finish_non_exhaustive()
    }
}
