//! Keys from the metadata service of a virtual machine (ECS, IMDSv2).

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Clock, CredentialError, ErrorCode};
use oauth_provider::{HttpClient, HttpError, HttpMethod, HttpProblem, HttpRequest, HttpResponse};
use secrecy::{ExposeSecret as _, SecretString};

use super::metadata::{LONGEST_ANSWER, fetch, read, refused};
use super::source::Found;
use super::variables::plain;
use crate::environment::Environment;
use crate::sign::encode;
use crate::wire::CallError;

pub(crate) const USUAL_ENDPOINT: &str = "http://100.96.0.96";
const ROLES: &str = "/volcstack/latest/iam/security_credentials";
/// For connecting and reading together.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(1);
const TRIES: u32 = 3;

/// Where the service is, and which role's keys are wanted.
#[derive(Clone)]
pub(crate) struct InstanceMetadata {
    pub(crate) endpoint: String,
    pub(crate) role: Option<String>,
}

impl InstanceMetadata {
    pub(super) async fn find(
        &self,
        http: &dyn HttpClient,
        clock: &Arc<dyn Clock>,
        environment: &dyn Environment,
    ) -> Result<Found, CredentialError> {
        let disabled = plain(environment, "VOLCENGINE_ECS_METADATA_DISABLED");
        if disabled.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(Found::Absent("VOLCENGINE_ECS_METADATA_DISABLED is true"));
        }
        let service = Service { http, clock, endpoint: &self.endpoint };
        let Some(token) = service.token().await? else {
            return Ok(Found::Absent("the metadata service has no tokens (404)"));
        };
        let named = self.role.clone().or_else(|| plain(environment, "VOLCENGINE_ECS_METADATA"));
        let role = match named {
            Some(role) => role,
            None => match service.first_role(&token).await? {
                Some(role) => role,
                None => return Ok(Found::Absent("the machine has no role")),
            },
        };
        let answer = service.get(&format!("{ROLES}/{}", encode(&role)), &token).await?;
        read(&answer, clock.now())
    }
}

struct Service<'a> {
    http: &'a dyn HttpClient,
    clock: &'a Arc<dyn Clock>,
    endpoint: &'a str,
}

impl Service<'_> {
    /// The token that every other request needs.
    async fn token(&self) -> Result<Option<SecretString>, CredentialError> {
        let answer = self
            .send(|| {
                let mut request = self.request("/latest/api/token");
                request.method = HttpMethod::Put;
                request.with_header("x-volc-ecs-metadata-token-ttl-seconds", "21600".into())
            })
            .await?;
        match answer.status {
            200 => {
                let text = std::str::from_utf8(answer.body.expose_secret()).unwrap_or_default();
                let text = text.trim();
                let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
                let detail = "the metadata service gave no token";
                let invalid = || CredentialError::new(ErrorCode::InvalidResponse, detail);
                if valid { Ok(Some(text.into())) } else { Err(invalid()) }
            }
            404 => Ok(None),
            _ => Err(refused(&answer)),
        }
    }

    /// The role of the machine: the first of a JSON list, or of lines.
    async fn first_role(&self, token: &SecretString) -> Result<Option<String>, CredentialError> {
        let answer = self.get(&format!("{ROLES}?type=user&format=json"), token).await?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(refused(&answer)),
        }
        let body = answer.body.expose_secret();
        let listed: Option<Vec<String>> = serde_json::from_slice(body).ok();
        let listed = listed
            .unwrap_or_else(|| String::from_utf8_lossy(body).lines().map(str::to_owned).collect());
        Ok(listed.into_iter().map(|role| role.trim().to_owned()).find(|role| !role.is_empty()))
    }

    async fn get(&self, path: &str, token: &SecretString) -> Result<HttpResponse, CredentialError> {
        let request = || {
            let request = self.request(path);
            request.with_header("x-volc-ecs-metadata-token", token.clone())
        };
        self.send(request).await
    }

    fn request(&self, path: &str) -> HttpRequest {
        HttpRequest::get(format!("{}{path}", self.endpoint), LONGEST_ANSWER)
    }

    async fn send(
        &self,
        request: impl Fn() -> HttpRequest,
    ) -> Result<HttpResponse, CredentialError> {
        let mut tried = 1;
        loop {
            let answer = fetch(self.http, self.clock, request(), PATIENCE).await;
            let again = match &answer {
                Ok(answer) => answer.status >= 500,
                Err(HttpError::NotSent(problem) | HttpError::Unanswered(problem)) => {
                    *problem != HttpProblem::Forbidden
                }
                Err(_) => false,
            };
            if !again || tried == TRIES {
                return answer.map_err(|error| CallError::Http(error).into());
            }
            tried += 1;
            self.clock.sleep_until(self.clock.now().plus(PAUSE)).await;
        }
    }
}
