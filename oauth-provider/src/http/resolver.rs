//! [`Resolver`]: finds the addresses of a name, so that they can be judged before a connection.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Reach;

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of `host`, the preferred one first. Cancel-safe.
    ///
    /// # Errors
    /// If the name cannot be resolved now, or has no address.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver (`getaddrinfo`).
pub(super) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Resolves each name anew for each connection, and connects to what was judged: a second answer of
/// the name's owner comes too late.
pub(super) struct Judged {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) reach: Reach,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, reach) = (self.resolver.clone(), self.reach);
        Box::pin(async move {
            let found = resolver.addresses(name.as_str()).await?;
            // One that is out of reach tells enough about whoever put it there.
            if !found.iter().all(|address| reach.admits(*address)) {
                return Err(OutOfReach.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// A name leads to an address that the request may not reach.
#[derive(Debug)]
pub(super) struct OutOfReach;

impl OutOfReach {
    /// Whether this is what `error` comes from.
    pub(super) fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<Self>() {
                return true;
            }
            next = error.source();
        }
        false
    }
}

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address that is out of reach")
    }
}

impl std::error::Error for OutOfReach {}
