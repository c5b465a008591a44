//! [`ReqwestClient`]: reqwest on rustls with ring and the platform's certificates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use credential_provider_api::{CredentialError, ErrorCode};
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::resolver::{Judged, OutOfReach, Resolver, SystemResolver};
use super::{HttpClient, HttpError, HttpMethod, HttpProblem, HttpRequest, HttpResponse, Reach};
use crate::endpoint::Endpoint;

/// The [`HttpClient`] of this crate, for a tokio runtime. Clones share it.
///
/// It sends to https, and to http on loopback; follows no redirect; uses no proxy of the
/// environment; keeps no connection and no cookie. The certificates it trusts are the platform's.
#[derive(Clone)]
pub struct ReqwestClient {
    public: reqwest::Client,
    private: reqwest::Client,
    loopback: reqwest::Client,
    configured: reqwest::Client,
    plain: PlainHttp,
}

/// Makes a [`ReqwestClient`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct ReqwestClientBuilder {
    resolver: Arc<dyn Resolver>,
    connect_limit: Duration,
    read_limit: Duration,
    total_limit: Duration,
    plain: PlainHttp,
}

/// Where no TLS is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlainHttp {
    Loopback,
    PrivateAddresses,
}

impl ReqwestClient {
    /// A client with the usual limits: 5 s to connect, 10 s for a read, 30 s in total.
    ///
    /// # Errors
    /// `not_configured` if the platform's certificates cannot be read.
    pub fn new() -> Result<Self, CredentialError> {
        Self::builder().build()
    }

    /// Limits other than the usual ones.
    pub fn builder() -> ReqwestClientBuilder {
        ReqwestClientBuilder {
            resolver: Arc::new(SystemResolver),
            connect_limit: Duration::from_secs(5),
            read_limit: Duration::from_secs(10),
            total_limit: Duration::from_secs(30),
            plain: PlainHttp::Loopback,
        }
    }
}

impl ReqwestClientBuilder {
    /// The longest a connection may take, TLS included.
    pub const fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect_limit = limit;
        self
    }

    /// The longest silence while an answer is read.
    pub const fn read_limit(mut self, limit: Duration) -> Self {
        self.read_limit = limit;
        self
    }

    /// The longest a call may take in total.
    pub const fn total_limit(mut self, limit: Duration) -> Self {
        self.total_limit = limit;
        self
    }

    /// What finds the addresses of names; the system's resolver without this.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Sends without TLS also to private, shared and link-local addresses (RFC 1918, 6598, 3927), said
    /// as numbers: the metadata services of clouds are there and have no certificate. Not for issuers,
    /// and only for what the host itself configured ([`Reach::Configured`]).
    pub const fn plain_http_on_private_addresses(mut self) -> Self {
        self.plain = PlainHttp::PrivateAddresses;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// As for [`ReqwestClient::new`].
    pub fn build(self) -> Result<ReqwestClient, CredentialError> {
        let failed = || {
            let detail = "the platform's certificates cannot be used";
            CredentialError::new(ErrorCode::NotConfigured, detail)
        };
        // Named here, so that no other crate's choice of a process-wide provider matters.
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| Ok(config.with_platform_verifier()?.with_no_client_auth()))
            .map_err(|_| failed())?;
        let client = |reach| {
            let resolver = Judged { resolver: self.resolver.clone(), reach };
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(resolver))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                // On a kept connection that the issuer just closed, nobody knows whether a token
                // was spent. A new connection that fails has spent none.
                .pool_max_idle_per_host(0)
                .connect_timeout(self.connect_limit)
                .read_timeout(self.read_limit)
                .timeout(self.total_limit)
                .build()
                .map_err(|_| failed())
        };
        Ok(ReqwestClient {
            public: client(Reach::Public)?,
            private: client(Reach::Private)?,
            loopback: client(Reach::Loopback)?,
            configured: client(Reach::Configured)?,
            plain: self.plain,
        })
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let forbidden = HttpError::NotSent(HttpProblem::Forbidden);
        let url = match (self.plain, request.reach) {
            // What somebody else named gets no plain HTTP.
            (PlainHttp::PrivateAddresses, Reach::Configured) => {
                Endpoint::parse_private(&request.url)
            }
            _ => Endpoint::parse(&request.url),
        };
        let url = url.map_err(|_| forbidden)?;
        if !request.reach.admits_url(url.url()) {
            return Err(HttpError::NotSent(HttpProblem::OutOfReach));
        }
        let client = match request.reach {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
            Reach::Loopback => &self.loopback,
            Reach::Configured => &self.configured,
        };
        let method = match request.method {
            HttpMethod::Get => reqwest::Method::GET,
            HttpMethod::Post => reqwest::Method::POST,
            HttpMethod::Put => reqwest::Method::PUT,
        };
        let mut sending = client.request(method, url.url().clone());
        for (name, value) in &request.headers {
            let mut value = reqwest::header::HeaderValue::from_str(value.expose_secret())
                .map_err(|_| HttpError::NotSent(HttpProblem::Broken))?;
            value.set_sensitive(true);
            sending = sending.header(*name, value);
        }
        if !request.body.expose_secret().is_empty() {
            let body = Zeroizing::new(request.body.expose_secret().to_vec());
            sending = sending.body(Bytes::from_owner(body));
        }
        let mut response = sending.send().await.map_err(|error| unsent(&error))?;
        let headers = response.headers().iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let too_large = HttpError::Unanswered(HttpProblem::TooLarge);
        let limit = request.response_limit;
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |announced| announced > limit) {
            return Err(too_large);
        }
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large);
            }
            append(&mut body, &chunk);
        }
        Ok(HttpResponse::new(status, headers, std::mem::take(&mut *body).into()))
    }
}

/// Grows by moving to another place and wiping the old one.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    if body.capacity() - body.len() < chunk.len() {
        let room = (2 * body.capacity()).max(body.len() + chunk.len()).max(4096);
        let mut larger = Zeroizing::new(Vec::with_capacity(room));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

fn unsent(error: &reqwest::Error) -> HttpError {
    if OutOfReach::caused(error) {
        HttpError::NotSent(HttpProblem::OutOfReach)
    } else if error.is_connect() {
        let timeout = error.is_timeout();
        HttpError::NotSent(if timeout { HttpProblem::Timeout } else { HttpProblem::Unreachable })
    } else if error.is_builder() {
        HttpError::NotSent(HttpProblem::Broken)
    } else {
        broken(error)
    }
}

fn broken(error: &reqwest::Error) -> HttpError {
    let timeout = error.is_timeout();
    HttpError::Unanswered(if timeout { HttpProblem::Timeout } else { HttpProblem::Broken })
}

impl fmt::Debug for ReqwestClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestClientBuilder")
            .field("connect_limit", &self.connect_limit)
            .field("read_limit", &self.read_limit)
            .field("total_limit", &self.total_limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ReqwestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReqwestClient")
    }
}
