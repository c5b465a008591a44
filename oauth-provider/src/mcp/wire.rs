//! The way to an issuer: no further than it may lead, and with an eye on what it says of the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::http::{HttpClient, HttpError, HttpMethod, HttpRequest, HttpResponse, Reach};

/// Sends everything with one [`Reach`].
pub(super) struct Confined {
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) reach: Reach,
}

#[async_trait]
impl HttpClient for Confined {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.http.send(request.with_reach(self.reach)).await
    }
}

/// The same for one client, and remembers that the issuer does not know it.
pub(super) struct Watched {
    pub(super) wire: Confined,
    unknown: AtomicBool,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Watched {
    pub(super) const fn new(wire: Confined) -> Self {
        Self { wire, unknown: AtomicBool::new(false) }
    }

    /// Whether the issuer has said `invalid_client` (RFC 6749 §5.2) of it.
    pub(super) fn is_unknown(&self) -> bool {
        self.unknown.load(Ordering::Acquire)
    }
}

#[async_trait]
impl HttpClient for Watched {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let posted = request.method == HttpMethod::Post;
        let response = self.wire.send(request).await?;
        if posted && matches!(response.status, 400 | 401) {
            let refusal = serde_json::from_slice::<Refusal>(response.body.expose_secret());
            if refusal.is_ok_and(|refusal| refusal.error == "invalid_client") {
                self.unknown.store(true, Ordering::Release);
            }
        }
        Ok(response)
    }
}
