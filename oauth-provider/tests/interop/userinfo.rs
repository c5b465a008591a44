//! A service that takes access tokens: oidc-provider's userinfo endpoint.

use credential_provider_api::{
    Advice, Authorization, Clock as _, Credential, ExposeSecret as _, Origin, OutgoingRequest,
    SecretString,
};
use oauth_provider::{HttpClient as _, HttpRequest, HttpResponse, ReqwestClient};
use resolution_engine::SystemClock;
use serde_json::Value;

use crate::peer::Peer;

const PATH: &str = "/me";

/// The service, as a host calls it.
pub struct Service {
    client: ReqwestClient,
    origin: Origin,
    clock: SystemClock,
}

/// What it says in the end.
pub struct Reply {
    pub status: u16,
    pub body: Value,
    /// How often it was called for that.
    pub calls: usize,
}

pub type Headers = Vec<(String, SecretString)>;

impl Service {
    pub fn of(peer: &Peer) -> Self {
        let client = ReqwestClient::new().unwrap();
        Self { client, origin: peer.origin(), clock: SystemClock::new() }
    }

    /// Calls it with `token`, and once more if that is advised.
    pub async fn call(&self, token: &Credential) -> Reply {
        let mut calls = 0;
        loop {
            calls += 1;
            let answer = self.send(&self.headers(token)).await;
            let headers =
                answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let headers: Vec<_> = headers.collect();
            let advice = token.answered(&self.origin, answer.status, &headers);
            if advice == Advice::Done || calls == 3 {
                let body = serde_json::from_slice(answer.body.expose_secret()).unwrap();
                return Reply { status: answer.status, body, calls };
            }
        }
    }

    /// What authorizes a call.
    pub fn headers(&self, token: &Credential) -> Headers {
        let request = OutgoingRequest::new("GET", &self.origin, PATH);
        let Authorization { headers, .. } = token.authorize(&request, self.clock.now()).unwrap();
        headers
    }

    /// Calls it with these, whatever they are.
    pub async fn send(&self, headers: &Headers) -> HttpResponse {
        let request = HttpRequest::get(format!("{}{PATH}", self.origin), 1 << 20);
        let request = headers.iter().fold(request, |request, (name, value)| {
            let name = match name.as_str() {
                "Authorization" => "authorization",
                "DPoP" => "dpop",
                other => panic!("{other} authorizes nothing"),
            };
            request.with_header(name, value.clone())
        });
        self.client.send(request).await.unwrap()
    }
}
