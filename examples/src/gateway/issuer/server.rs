//! HTTP/1.1 on loopback: requests in, replies out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::form_urlencoded;

use super::Books;

/// More than any client of ours sends.
const LONGEST: usize = 64 * 1024;

/// What a request says.
pub(super) struct Call {
    pub(super) path: String,
    pub(super) bearer: String,
    /// Of the query and of the form.
    parameters: BTreeMap<String, String>,
}

impl Call {
    /// A parameter; nothing is as good as an empty one (RFC 6749 §3.1).
    pub(super) fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

/// An answer.
pub(super) enum Reply {
    Json(u16, Value),
    Text(u16, String),
    /// To another address.
    Redirect(String),
}

/// Serves until its task is aborted, which ends every connection.
pub(super) async fn serve(listener: TcpListener, books: Arc<Books>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(stream, books.clone())); }
                // Out of descriptors, perhaps: the next one may come through.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, books: Arc<Books>) {
    let service = service_fn(move |request| {
        let books = books.clone();
        async move { Ok::<_, Infallible>(answer(request, &books).await) }
    });
    let http = hyper::server::conn::http1::Builder::new();
    // A client that goes away is no matter of ours.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, books: &Books) -> Response<Full<Bytes>> {
    let reply = match read(request).await {
        Some(call) => books.answer(&call).await,
        None => Reply::Text(400, String::new()),
    };
    let (status, kind, value, body) = match reply {
        Reply::Json(status, value) => {
            (status, "content-type", "application/json", value.to_string())
        }
        Reply::Text(status, text) => (status, "content-type", "text/plain", text),
        Reply::Redirect(ref to) => (302, "location", to.as_str(), String::new()),
    };
    let response = Response::builder().status(status).header(kind, value);
    let response = response.header("cache-control", "no-store").body(Full::from(body));
    response.unwrap_or_else(|_| Response::new(Full::default()))
}

async fn read(request: Request<Incoming>) -> Option<Call> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.ok()?.to_bytes();
    let query = head.uri.query().unwrap_or_default();
    let all = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(&body));
    let bearer = head.headers.get("authorization").and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    Some(Call {
        path: head.uri.path().to_owned(),
        bearer: bearer.to_owned(),
        parameters: all.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
    })
}
