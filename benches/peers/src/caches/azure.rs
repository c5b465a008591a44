//! azure_identity's token cache, through `ClientAssertionCredential` on a transport of ours.

use std::hint::black_box;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, ClientMethodOptions, ClientOptions, HttpClient, Request, RetryOptions,
    StatusCode, Transport,
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
};
use benches::world::TOKEN;

use crate::backend::{Backend, Plan};
use crate::cache::Cache;

/// One credential; a key is a scope.
pub struct Azure {
    credential: Arc<ClientAssertionCredential<Assertion>>,
    scopes: Vec<String>,
    backend: Arc<Backend>,
}

#[derive(Debug)]
struct Wire(Arc<Backend>);

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (status, body) = match self.0.call().await {
            Ok(()) => (StatusCode::Ok, issued()),
            Err(_) => (StatusCode::BadRequest, refused()),
        };
        Ok(AsyncRawResponse::from_bytes(status, Headers::new(), body.to_string()))
    }
}

fn issued() -> serde_json::Value {
    serde_json::json!({
        "access_token": "t".repeat(TOKEN),
        "token_type": "Bearer",
        "expires_in": 3600,
        "ext_expires_in": 3600,
    })
}

fn refused() -> serde_json::Value {
    serde_json::json!({
        "error": "invalid_client",
        "error_description": "as told",
        "error_codes": [],
        "timestamp": "",
        "trace_id": "",
        "correlation_id": "",
    })
}

#[derive(Debug)]
struct Assertion;

#[async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok("assertion".into())
    }
}

impl Cache for Azure {
    const NAME: &'static str = "azure_identity";

    async fn build(plan: Plan, keys: usize) -> Self {
        let backend = Backend::new(plan);
        let client_options = ClientOptions {
            transport: Some(Transport::new(Arc::new(Wire(backend.clone())))),
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        };
        let credential = ClientAssertionCredential::new(
            "11111111-1111-1111-1111-111111111111".into(),
            "client".into(),
            Assertion,
            Some(ClientAssertionCredentialOptions { client_options }),
        );
        let scope =
            |nth| format!("https://vault.example/agent:main:channel:user-{nth:08}/.default");
        Self {
            credential: credential.expect("a credential"),
            scopes: (0..keys).map(scope).collect(),
            backend,
        }
    }

    async fn get(&self, nth: usize) -> bool {
        black_box(self.credential.get_token(&[&self.scopes[nth]], None).await).is_ok()
    }

    fn calls(&self) -> usize {
        self.backend.calls()
    }
}
