//! [`LazyHttp`]: an HTTP client that costs nothing until it is used.

use std::sync::OnceLock;

use credential_provider_api::{CredentialError, async_trait};
use oauth_provider::{
    HttpClient, HttpError, HttpProblem, HttpRequest, HttpResponse, ReqwestClient,
};

/// Reading the platform's certificates takes longer than all the rest.
pub(crate) struct LazyHttp {
    make: fn() -> Result<ReqwestClient, CredentialError>,
    client: OnceLock<Option<ReqwestClient>>,
}

impl LazyHttp {
    /// For issuers and services.
    pub(crate) fn new() -> Self {
        Self { make: ReqwestClient::new, client: OnceLock::new() }
    }

    /// For metadata services, which have private addresses and no TLS.
    pub(crate) fn for_metadata() -> Self {
        let make = || ReqwestClient::builder().plain_http_on_private_addresses().build();
        Self { make, client: OnceLock::new() }
    }
}

#[async_trait]
impl HttpClient for LazyHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match self.client.get_or_init(|| (self.make)().ok()) {
            Some(client) => client.send(request).await,
            None => Err(HttpError::NotSent(HttpProblem::Unreachable)),
        }
    }
}
