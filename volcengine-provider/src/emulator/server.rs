//! The listening socket, its connections, and what path leads where.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::Clock;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::gateway::{self, Shapes};
use super::http::{Call, Reply};
use super::world::World;
use super::{control, issuer, machine, vendor};

/// The most bytes a request's body may have.
const LIMIT: usize = 1 << 20;
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// What all connections share.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) shapes: Shapes,
    /// For waiting, without the world's lock.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Shared {
    pub(crate) const fn new(world: World, shapes: Shapes, clock: Arc<dyn Clock>) -> Self {
        Self { world: Mutex::new(world), shapes, clock }
    }

    /// The world; never held over an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until `stop` says so or is gone, then ends every connection.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            accepted = listener.accept() => {
                match accepted {
                    Ok((stream, _)) => drop(connections.spawn(connection(stream, shared.clone()))),
                    // Out of descriptors, perhaps: the next one may come through.
                    Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(&shared, request));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that is gone, or one that a fault has cut off.
    drop(served);
}

async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LIMIT).collect().await;
    let body = body.map_err(|_| io::Error::other("the body cannot be read"))?.to_bytes();
    let call = Call {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let Reply::Full { status, headers, body } = reply(shared, &call).await else {
        return Err(io::Error::other("the connection is closed on purpose"));
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::new(Bytes::from(body))).map_err(io::Error::other)
}

async fn reply(shared: &Shared, call: &Call) -> Reply {
    if call.path == "/" {
        return gateway::answer(shared, call).await;
    }
    if let Some(rest) = call.path.strip_prefix("/_emulator/") {
        return control::reply(shared, rest, call);
    }
    let mut world = shared.world();
    world.counters.page(&call.method, &call.path);
    let mut parts = call.path.trim_start_matches('/').splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("userpool"), Some(uid), Some(rest)) => issuer::reply(&mut world, uid, rest, call),
        (Some("workloadpool"), Some(id), Some(rest)) => workload_pool(&world, id, rest),
        (Some("vendor"), Some("authorize"), None) => vendor::authorize(&mut world, call),
        (Some("resource"), Some("whoami"), None) => vendor::whoami(&world, call),
        (Some("api"), Some("v1"), Some("oauth2callback")) => {
            vendor::callback(&mut world, &call.query())
        }
        (Some("latest" | "volcstack" | "metadata"), ..) => machine::reply(&mut world, call),
        _ => Reply::not_found(),
    }
}

/// What a workload pool publishes of itself.
fn workload_pool(world: &World, id: &str, rest: &str) -> Reply {
    let mut pools = world.state.accounts.iter().flat_map(|account| &account.workload_pools);
    if !pools.any(|pool| pool.workload_pool_id == id) {
        return Reply::not_found();
    }
    let issuer = world.workload_issuer(id);
    match rest {
        "keys" => Reply::json(200, &world.key.jwks()),
        ".well-known/openid-configuration" => {
            let metadata = json!({
                "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
                "id_token_signing_alg_values_supported": ["RS256"],
            });
            Reply::json(200, &metadata)
        }
        _ => Reply::not_found(),
    }
}
