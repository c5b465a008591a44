//! One request to a server on loopback: issuers elsewhere, and a browser for tests.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

/// The most bytes an answer may have.
const LIMIT: usize = 4 << 20;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

/// Sends `form`, or asks with GET if there is none. `None` if `url` is no plain `http` on loopback,
/// or nothing came back.
pub(crate) async fn ask(url: &Url, form: Option<String>) -> Option<Answer> {
    let host = url.host_str().filter(|host| is_loopback(host))?;
    let authority = format!("{host}:{}", url.port_or_known_default()?);
    (url.scheme() == "http").then_some(())?;
    let stream = TcpStream::connect(&authority).await.ok()?;
    let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.ok()?;
    let target =
        url.query().map_or_else(|| url.path().to_owned(), |q| format!("{}?{q}", url.path()));
    let method = if form.is_some() { "POST" } else { "GET" };
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", authority)
        .header("connection", "close")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form.unwrap_or_default())))
        .ok()?;
    let exchange = async {
        let response = sender.send_request(request).await.ok()?;
        let location = response.headers().get("location").and_then(|to| to.to_str().ok());
        let (status, location) = (response.status().as_u16(), location.map(str::to_owned));
        let body = Limited::new(response.into_body(), LIMIT).collect().await.ok()?.to_bytes();
        Some(Answer { status, location, body: String::from_utf8(body.into()).ok()? })
    };
    // The connection has to be driven for as long as the exchange goes on, and no longer.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = exchange => answer,
        () = driven => None,
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}
