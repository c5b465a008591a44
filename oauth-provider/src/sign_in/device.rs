//! On another device: a code that a person enters there (RFC 8628).

use std::time::Duration;

use credential_provider_api::{
    CredentialError, Detail, ErrorCode, Request, SecretString, SignInAnswer, SignInProgress,
    SignInStart, SignInStep, Timestamp,
};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::finished::{Asked, Finished};
use crate::core::Core;
use crate::credential::OAuthCredential;
use crate::dpop::ProofKey;
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::http::HttpResponse;
use crate::token::{DeviceAnswer, TokenAnswer, patience};

/// How often to ask if the issuer does not say (RFC 8628 §3.2).
const USUAL: Duration = Duration::from_secs(5);
/// By how much an issuer that is asked too often slows us down (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// An issuer that does not answer is asked again after twice as long each time, up to this.
const SLOWEST: Duration = Duration::from_secs(60);

/// What is remembered of it between the steps.
pub(super) struct DeviceFlow {
    device_code: SecretString,
    key: Option<ProofKey>,
    interval: Duration,
    /// Not asked before.
    next: Timestamp,
    expires_at: Timestamp,
    over: bool,
}

impl DeviceFlow {
    pub(super) const fn is_spent(&self) -> bool {
        self.over
    }

    pub(super) async fn start(
        core: &Core,
        request: &Request,
        described: &OAuthCredential,
        start: &SignInStart,
    ) -> Result<(Self, SignInStep), CredentialError> {
        let metadata = core.issuer.metadata().await?;
        let endpoint = metadata.device_authorization_endpoint.as_ref().ok_or_else(|| {
            let detail = "the issuer lets no other device sign in";
            CredentialError::new(ErrorCode::Unsupported, detail)
        })?;
        let scopes = (!described.scopes.is_empty()).then(|| described.scopes.join(" "));
        let form = Form::default()
            .optional("scope", scopes.as_deref())
            .optional("resource", core.resource(request, described).as_deref());
        let form = match core.endpoint.client.is_named_by_header() {
            // RFC 8628 §3.1 wants it unless the client authenticates; some want it all the same.
            true => form.text("client_id", &core.endpoint.client.id),
            false => form,
        };
        let response = core.endpoint.ask(request, endpoint, form, None).await?;
        let now = core.clock.now();
        let told = Told::read(&response, core.issuer.id.endpoint())?;
        let expires_at = start.expires_at.min(now.plus(told.life));
        let step = SignInStep::ShowCode {
            code: told.user_code,
            url: told.url,
            complete_url: told.complete_url,
            expires_at,
            poll_every: told.interval,
        };
        let flow = Self {
            device_code: told.device_code,
            key: core.new_key(described)?,
            interval: told.interval,
            next: now.plus(told.interval),
            expires_at,
            over: false,
        };
        Ok((flow, step))
    }

    pub(super) async fn answer(
        &mut self,
        core: &Core,
        request: &Request,
        described: &OAuthCredential,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        if !matches!(answer, SignInAnswer::Poll) {
            let detail = "the code is entered elsewhere; nothing is answered here";
            return Err(CredentialError::new(ErrorCode::InvalidResponse, detail));
        }
        let now = core.clock.now();
        if self.over || now >= self.expires_at {
            return Err(ended("the code has ended"));
        }
        if now < self.next {
            // A host that asks too often costs the issuer nothing.
            return Ok(SignInProgress::Pending { poll_after: now.until(self.next) });
        }
        if described.is_openid() {
            core.issuer.keys().await?;
        }
        let form = Form::new("urn:ietf:params:oauth:grant-type:device_code")
            .secret("device_code", &self.device_code)
            .optional("resource", core.resource(request, described).as_deref());
        // The answer may be the tokens, and comes once.
        let commit = request.commit()?;
        let sent_at = core.clock.now();
        let answered = core.endpoint.send_for_device(request, form, self.key.as_ref()).await;
        drop(commit);
        self.next = core.clock.now().plus(self.interval);
        let tokens = match answered {
            Ok(TokenAnswer::Tokens(tokens)) => *tokens,
            Err((DeviceAnswer::AuthorizationPending, _)) => return Ok(self.pending()),
            Err((DeviceAnswer::SlowDown, _)) => {
                self.interval += SLOWER;
                self.next = core.clock.now().plus(self.interval);
                return Ok(self.pending());
            }
            Err((DeviceAnswer::AccessDenied | DeviceAnswer::ExpiredToken, detail))
            | Ok(TokenAnswer::Refused { detail, .. }) => {
                self.over = true;
                return Err(ended(detail));
            }
            Ok(TokenAnswer::Rotated { refresh_token, error }) => {
                self.over = true;
                Finished::unusable(core, request, refresh_token).await;
                return Err(error);
            }
            Ok(TokenAnswer::Unspent(error) | TokenAnswer::Unanswered(error)) => {
                if error.is_transient() {
                    // RFC 8628 §3.5: exponential back-off.
                    self.interval = (2 * self.interval).min(SLOWEST).max(self.interval);
                    self.next = core.clock.now().plus(self.interval);
                }
                return Err(error);
            }
        };
        self.over = true;
        let asked = Asked { sent_at, key: self.key.as_ref(), nonce: None };
        Finished::of(core, request, described, tokens, asked).await
    }

    const fn pending(&self) -> SignInProgress {
        SignInProgress::Pending { poll_after: self.interval }
    }
}

/// What the issuer tells a device that begins.
struct Told {
    device_code: SecretString,
    user_code: String,
    url: String,
    complete_url: Option<String>,
    life: Duration,
    interval: Duration,
}

#[derive(Deserialize)]
struct Body {
    device_code: Option<SecretString>,
    user_code: Option<String>,
    /// Google's name for it came first.
    #[serde(alias = "verification_url")]
    verification_uri: Option<String>,
    verification_uri_complete: Option<String>,
    expires_in: Option<f64>,
    interval: Option<f64>,
    error: Option<String>,
    #[serde(default)]
    error_description: String,
}

impl Told {
    /// RFC 8628 §3.2.
    fn read(response: &HttpResponse, issuer: &Endpoint) -> Result<Self, CredentialError> {
        if matches!(response.status, 429 | 500..) {
            return Err(patience(response));
        }
        let unreadable = || {
            let detail = "the device authorization endpoint's answer cannot be read";
            CredentialError::new(ErrorCode::InvalidResponse, detail)
        };
        let body: Body =
            serde_json::from_slice(response.body.expose_secret()).map_err(|_| unreadable())?;
        if let Some(code) = body.error {
            let detail = Detail::cleaned(&format!("{code}: {}", body.error_description));
            return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
        }
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
        // A person reads it out and opens it: no tricks in either.
        let page = |text: String| Some(Endpoint::learned(&text, issuer).ok()?.url().to_string());
        let plain = |code: &String| (1..=64).contains(&code.chars().count()) && shown(code);
        let read = || {
            Some(Self {
                device_code: body.device_code.filter(|code| !code.expose_secret().is_empty())?,
                user_code: body.user_code.filter(plain)?,
                url: page(body.verification_uri?)?,
                complete_url: body.verification_uri_complete.and_then(page),
                life: seconds(body.expires_in?)?,
                interval: match body.interval {
                    Some(interval) => seconds(interval)?.max(Duration::from_secs(1)),
                    None => USUAL,
                },
            })
        };
        read().filter(|_| response.status == 200).ok_or_else(unreadable)
    }
}

/// Nothing that reads otherwise than it is written.
fn shown(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn ended(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::FlowEnded, detail)
}
