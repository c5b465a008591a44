//! [`LoopbackListener`]: receives a redirect on the machine of the person who signs in
//! (RFC 8252 §7.3).

mod connection;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, ErrorCode, FlowId, SignInAnswer, Timestamp};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::TcpListener;

use self::connection::serve;

/// Which loopback address to listen on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoopbackAddress {
    /// 127.0.0.1
    #[default]
    V4,
    /// \[::1\]
    V6,
}

/// Listens on a port of its own until the redirect of one sign-in has come.
///
/// It answers exactly one request: the one with its path and the flow's state. Everybody else gets
/// 404 and ends nothing. The page it answers with has no script and no content from outside.
///
/// ```no_run
/// # async fn example(
/// #     consumer: resolution_engine::Consumer,
/// #     clock: std::sync::Arc<dyn credential_provider_api::Clock>,
/// #     session: credential_provider_api::EffectiveSession,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use oauth_provider::{LoopbackAddress, LoopbackListener};
/// # let mail = credential_provider_api::CredentialRef::parse("work/mail")?;
/// let listener = LoopbackListener::bind(LoopbackAddress::V4).await?;
/// let request = consumer.request(&mail).session(&session).sign_in();
/// let flow = request.redirect_uri(listener.redirect_uri()).start().await?;
/// // open the address of `flow.status()` in a browser, then:
/// let answer = listener.answer(flow.id(), flow.expires_at(), &clock).await?;
/// flow.answer(answer).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct LoopbackListener {
    listener: TcpListener,
    address: SocketAddr,
}

pub(crate) const PATH: &str = "/callback";
/// Browsers open connections ahead of need; anybody on this machine may open more.
const MOST_CONNECTIONS: usize = 16;
/// How long one connection may take to say what it wants.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);
const AFTER_FAILURE: Duration = Duration::from_millis(50);

impl LoopbackListener {
    /// Opens a port that the system chooses.
    ///
    /// # Errors
    /// `unavailable` if none can be opened.
    pub async fn bind(address: LoopbackAddress) -> Result<Self, CredentialError> {
        let address: SocketAddr = match address {
            LoopbackAddress::V4 => (Ipv4Addr::LOCALHOST, 0).into(),
            LoopbackAddress::V6 => (Ipv6Addr::LOCALHOST, 0).into(),
        };
        let failed =
            |_| CredentialError::new(ErrorCode::Unavailable, "no port on loopback can be opened");
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where the issuer shall redirect to: give it to the sign-in.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Waits for the redirect of `flow` until `deadline`, answers the person with a page, and closes
    /// the port. Cancel-safe: dropping it closes the port too.
    ///
    /// # Errors
    /// `flow_ended` if nobody came in time.
    pub async fn answer(
        self,
        flow: &FlowId,
        deadline: Timestamp,
        clock: &Arc<dyn Clock>,
    ) -> Result<SignInAnswer, CredentialError> {
        let mut end = clock.sleep_until(deadline);
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                () = &mut end => {
                    let detail = "nobody came back from the sign-in page in time";
                    return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
                }
                Some(found) = connections.next() => {
                    if let Some(answer) = found {
                        return Ok(answer);
                    }
                }
                accepted = self.listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                    match accepted {
                        Ok((stream, _)) => connections.push(async move {
                            let served = serve(stream, flow);
                            tokio::time::timeout(CONNECTION_LIMIT, served).await.ok().flatten()
                        }),
                        // Out of descriptors, perhaps: the next one may come through.
                        Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
                    }
                }
            }
        }
    }
}
