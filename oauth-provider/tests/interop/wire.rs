//! The way to an issuer, with what can go wrong on it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use credential_provider_api::{ExposeSecret as _, SecretString, async_trait};
use oauth_provider::{
    HttpClient, HttpError, HttpProblem, HttpRequest, HttpResponse, ReqwestClient,
};
use serde_json::Value;

/// Sends what it is given, and remembers the last refresh token that came: to ask the issuer, past
/// the crate that shows it to nobody, whether it is still good.
pub struct Wire {
    client: ReqwestClient,
    loses_next_renewal: AtomicBool,
    refresh_token: Mutex<Option<SecretString>>,
}

impl Wire {
    pub fn new() -> Self {
        Self {
            client: ReqwestClient::new().unwrap(),
            loses_next_renewal: AtomicBool::new(false),
            refresh_token: Mutex::default(),
        }
    }

    /// The next renewal reaches the issuer, and its answer reaches nobody.
    pub fn lose_next_renewal(&self) {
        self.loses_next_renewal.store(true, Ordering::SeqCst);
    }

    /// What the issuer says of the last refresh token: its error, if it is one.
    pub async fn spend(&self, token_endpoint: &str, client_id: &str) -> Option<String> {
        let token = self.refresh_token.lock().unwrap().clone().unwrap();
        let (client_id, token) = (client_id.to_owned(), token.expose_secret().to_owned());
        let form =
            [("grant_type", "refresh_token"), ("client_id", &client_id), ("refresh_token", &token)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = HttpRequest::post(token_endpoint, body.into_bytes().into(), 1 << 20);
        let answer = self.client.send(request).await.unwrap();
        let answer: Value = serde_json::from_slice(answer.body.expose_secret()).unwrap();
        answer["error"].as_str().map(str::to_owned)
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let renews = request.body.expose_secret().starts_with(b"grant_type=refresh_token");
        let answer = self.client.send(request).await?;
        if renews && self.loses_next_renewal.swap(false, Ordering::SeqCst) {
            return Err(HttpError::Unanswered(HttpProblem::Broken));
        }
        let body: Option<Value> = serde_json::from_slice(answer.body.expose_secret()).ok();
        if let Some(token) = body.as_ref().and_then(|body| body["refresh_token"].as_str()) {
            *self.refresh_token.lock().unwrap() = Some(token.into());
        }
        Ok(answer)
    }
}
