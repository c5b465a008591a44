//! Services on loopback that remember what they were sent, clients, and an engine with one vault.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test uses its part")]

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use credential_provider_api::*;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use resolution_engine::*;
use tower_layer::Layer as _;
use tower_service::Service;

pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A status, with headers.
pub type Reply = (u16, Vec<(&'static str, String)>);

pub fn status(status: u16) -> Reply {
    (status, Vec::new())
}

pub fn redirect(status: u16, location: impl Into<String>) -> Reply {
    (status, vec![("location", location.into())])
}

/// A service on a port of its own; stopped with its runtime.
pub struct Site {
    pub url: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Site {
    pub async fn new(reply: impl Fn(Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::later(move |seen| {
            let reply = reply(seen);
            Box::pin(async move { reply })
        })
        .await
    }

    pub async fn later(reply: impl Fn(Seen) -> Later<Reply> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (all, reply) = (seen.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, reply) = (all.clone(), reply.clone());
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let (all, reply) = (all.clone(), reply.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let path = parts.uri.path_and_query().unwrap().to_string();
                        let (method, headers) = (parts.method, parts.headers);
                        let seen = Seen { method, path, headers, body };
                        all.lock().unwrap().push(seen.clone());
                        let (status, headers) = reply(seen).await;
                        let mut answer = http::Response::builder().status(status);
                        for (name, value) in headers {
                            answer = answer.header(name, value);
                        }
                        Ok::<_, hyper::Error>(answer.body(Full::new(Bytes::new())).unwrap())
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, seen }
    }

    pub fn origin(&self) -> Origin {
        Origin::parse(&self.url).unwrap()
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Paths, as they arrived.
    pub fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.path).collect()
    }
}

type Make = dyn Fn(&Request, usize) -> Answer + Send + Sync;
pub type Answer = Result<Credential, CredentialError>;

/// Issues what it is told to, counts, and keeps what it is told.
pub struct Vault {
    descriptor: ProviderDescriptor,
    make: Box<Make>,
    pub calls: AtomicUsize,
    pub reports: Mutex<Vec<Observation>>,
    pub open: tokio::sync::Semaphore,
}

struct Kept(Arc<Vault>);

#[async_trait]
impl CredentialProvider for Kept {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0.descriptor
    }
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let nth = self.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let _open = self.0.open.acquire().await.unwrap();
        Ok((self.0.make)(request, nth)?.into())
    }
    async fn report(&self, _: &Request, seen: &Observation) -> Result<(), CredentialError> {
        self.0.reports.lock().unwrap().push(seen.clone());
        Ok(())
    }
}

impl Vault {
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// What was reported, once every task that can run has run.
    pub async fn outcomes(&self) -> Vec<Outcome> {
        super::common::settle().await;
        self.reports.lock().unwrap().iter().map(|seen| seen.outcome.clone()).collect()
    }
}

/// An engine with one vault, and a tool that may have everything in it.
pub struct Host {
    pub engine: ResolutionEngine,
    pub tool: Consumer,
    pub vault: Arc<Vault>,
}

/// The key's name; `vault/own` is of one session.
pub fn key() -> CredentialRef {
    CredentialRef::parse("vault/key").unwrap()
}

impl Host {
    pub fn new(make: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let pattern = |text| IdPattern::new(text).unwrap();
        let kind = CredentialKind::ApiKey;
        let descriptor = ProviderDescriptor::new(ProviderId::new("vault").unwrap(), "Vault")
            .with_credential(CredentialDescriptor::gateway(pattern("key"), kind))
            .with_credential(CredentialDescriptor::session(pattern("own"), kind))
            .with_capability(Capability::Report);
        let vault = Arc::new(Vault {
            descriptor,
            make: Box::new(make),
            calls: AtomicUsize::new(0),
            reports: Mutex::default(),
            open: tokio::sync::Semaphore::new(1000),
        });
        let engine = ResolutionEngine::builder()
            .provider(Kept(vault.clone()))
            .clock(Arc::new(ManualClock::default()))
            .random(Arc::new(SeededRandom::new(1)))
            .access(AccessRules::deny_all().allow("tool:*", "*").unwrap())
            .build()
            .unwrap();
        let tool = engine.consumer("tool:test").unwrap();
        Self { engine, tool, vault }
    }

    /// Issues `secret-number-1`, `secret-number-2` and so on for these origins.
    pub fn numbered(placement: Placement, origins: &[&Site]) -> Self {
        let origins: Vec<Origin> = origins.iter().map(|site| site.origin()).collect();
        Self::new(move |_, nth| {
            let key = Credential::api_key(format!("secret-number-{nth}").into());
            let key = key.with_placement(placement.clone());
            Ok(origins.iter().fold(key, |key, origin| key.with_origin(origin.clone())))
        })
    }

    pub fn layer(&self) -> AuthorizeLayer {
        AuthorizeLayer::new(self.tool.clone(), key())
    }

    pub fn client(&self) -> Authorize<Reqwest> {
        self.layer().layer(Reqwest::new(reqwest::redirect::Policy::none()))
    }
}

pub fn x_api_key() -> Placement {
    Placement::header("X-Api-Key", "")
}

/// `reqwest` as a service for requests of the `http` crate. Its errors are passed on with the address.
#[derive(Clone)]
pub struct Reqwest(reqwest::Client);

impl Reqwest {
    pub fn new(redirects: reqwest::redirect::Policy) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().no_proxy().redirect(redirects);
        Self(builder.build().unwrap())
    }
}

impl Service<http::Request<reqwest::Body>> for Reqwest {
    type Response = http::Response<reqwest::Body>;
    type Error = reqwest::Error;
    type Future = Later<Result<Self::Response, reqwest::Error>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), reqwest::Error>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<reqwest::Body>) -> Self::Future {
        let (client, request) = (self.0.clone(), reqwest::Request::try_from(request));
        Box::pin(async move {
            let answer = client.execute(request?).await?;
            let sent_to = SentTo::new(answer.url().as_str());
            let mut answer = http::Response::from(answer);
            answer.extensions_mut().insert(sent_to);
            Ok(answer)
        })
    }
}

pub type Sent<R, E> = Result<http::Response<R>, AuthorizeError<E>>;

/// Sends as a caller does: ready first.
pub async fn send<S, B>(
    client: &mut S,
    request: http::Request<Payload<B>>,
) -> Result<S::Response, S::Error>
where
    S: Service<http::Request<Payload<B>>>,
{
    std::future::poll_fn(|context| client.poll_ready(context)).await?;
    client.call(request).await
}

pub fn get<B>(url: impl AsRef<str>) -> http::Request<Payload<B>> {
    http::Request::get(url.as_ref()).body(Payload::empty()).unwrap()
}

pub fn post<B>(url: impl AsRef<str>, body: Payload<B>) -> http::Request<Payload<B>> {
    http::Request::post(url.as_ref()).header("content-type", "text/plain").body(body).unwrap()
}

pub fn refusal<R, E>(sent: Sent<R, E>) -> HttpRefusal {
    match sent {
        Err(AuthorizeError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(answer) => panic!("answered {}", answer.status()),
    }
}

pub fn denied<R, E>(sent: Sent<R, E>) -> ErrorCode {
    match sent {
        Err(AuthorizeError::Credential(error)) => error.code(),
        Err(other) => panic!("{other}"),
        Ok(answer) => panic!("answered {}", answer.status()),
    }
}

type Script = dyn Fn(&http::Request<Bytes>) -> Reply + Send + Sync;

/// A client without a network, for what a service on loopback cannot be: https. Panics if it is
/// called without having been made ready.
pub struct Paper {
    script: Arc<Script>,
    ready: bool,
    pub seen: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl Paper {
    pub fn new(script: impl Fn(&http::Request<Bytes>) -> Reply + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), ready: false, seen: Arc::default() }
    }
}

impl Clone for Paper {
    fn clone(&self) -> Self {
        Self { script: self.script.clone(), ready: false, seen: self.seen.clone() }
    }
}

impl Service<http::Request<Bytes>> for Paper {
    type Response = http::Response<()>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<Bytes>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been made ready");
        let (status, headers) = (self.script)(&request);
        self.seen.lock().unwrap().push(request);
        let mut answer = http::Response::new(());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        std::future::ready(Ok(answer))
    }
}
