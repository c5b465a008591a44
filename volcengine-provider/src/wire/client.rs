//! [`Client`]: sends signed calls.

use std::fmt;
use std::sync::{Arc, Weak};

use credential_provider_api::{
    Clock, Credential, CredentialError, ErrorCode, Material, Random, Timestamp,
};
use futures::future::{Either, select};
use oauth_provider::{HttpClient, HttpMethod, HttpRequest, HttpResponse};
use secrecy::{ExposeSecret as _, SecretSlice};

use super::endpoints::Endpoints;
use super::envelope::judge;
use super::error::CallError;
use super::keys::{KeySources, Keys};
use super::raw::{At, RawAnswer, RawCall};
use super::retry::RetryPolicy;
use crate::action::Action;
use crate::sign::{Covered, Site, Unsigned, encode, host_header, sign};

/// The property of platform keys that says where they come from.
pub(crate) const SOURCE: &str = "source";
/// The most bytes of an answer.
const LONGEST_ANSWER: usize = 4 << 20;

/// Sends calls to Agent Identity, STS and any other service of Volcengine's. Clones share it.
///
/// It keeps no keys, no tokens and no answers. Each attempt is signed anew.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) retry: RetryPolicy,
    /// Where the platform keys come from.
    pub(crate) sources: Option<Weak<dyn KeySources>>,
}

/// What a code means by which a service may refuse the keys' token or another that the call carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Keys,
    Bearer,
}

impl Client {
    /// Makes the call. Dropping the future gives up; whether the service acted is then unknown.
    ///
    /// If the service refuses the keys, they are asked for once more without the revision it refused,
    /// and the call is made once more with them, unless they are the same. Platform keys are looked at
    /// where they come from before that: while they are the same there, only this call fails.
    ///
    /// # Errors
    /// [`CallError`]; that of the last attempt.
    pub async fn call<A: Action>(
        &self,
        action: &A,
        keys: &dyn Keys,
    ) -> Result<A::Answer, CallError> {
        self.raw(&action.call(), keys).await?.result()
    }

    /// Makes a call of any action. As [`call`](Self::call) in everything else.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn raw(&self, call: &RawCall, keys: &dyn Keys) -> Result<RawAnswer, CallError> {
        self.send(call, keys, Refused::Keys).await
    }

    /// A call that carries a token of somebody's: a code that may mean that one asks for no other keys.
    pub(crate) async fn call_bearing<A: Action>(
        &self,
        action: &A,
        keys: &dyn Keys,
    ) -> Result<A::Answer, CallError> {
        self.send(&action.call(), keys, Refused::Bearer).await?.result()
    }

    async fn send(
        &self,
        call: &RawCall,
        keys: &dyn Keys,
        refused: Refused,
    ) -> Result<RawAnswer, CallError> {
        let site = match &call.at {
            At::Service(service) => self.endpoints.site(*service).await,
            At::Site(site) => site.clone(),
        };
        let deadline = keys.deadline();
        let mut current = keys.keys(None).await?;
        let (mut done, mut reloaded) = (0, false);
        loop {
            let error = match self.attempt(call, &site, current.as_deref(), deadline).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tracing::debug!(action = %call.action, %error, "a call failed");
            let is_of_keys = error.fault() == Some(super::Fault::KeysRejected)
                && (refused == Refused::Keys || !error.may_mean_a_bearer());
            if is_of_keys && !reloaded {
                reloaded = true;
                let Some(others) = self.reload(keys, current.as_deref()).await else {
                    return Err(error);
                };
                current = Some(others);
                continue;
            }
            let again = self.retry.wait(&error, call.effect, done, &*self.random);
            let until = match again.map(|wait| self.clock.now().plus(wait)) {
                Some(until) if until < deadline => until,
                _ => return Err(error),
            };
            done += 1;
            self.clock.sleep_until(until).await;
        }
    }

    /// Other keys than those the service refused; `None` if there are none.
    async fn reload(
        &self,
        keys: &dyn Keys,
        refused: Option<&Credential>,
    ) -> Option<Arc<Credential>> {
        let refused = refused?;
        // A revision that was called rejected is never served again, whoever asks: that is said only of
        // keys that are replaced.
        if refused.property(SOURCE).is_some()
            && let Some(sources) = &self.sources
            && !sources.upgrade()?.have_others(refused, keys.deadline()).await
        {
            return None;
        }
        let others = keys.keys(Some(refused.revision()?)).await.ok()??;
        (!others.same_secrets(refused)).then_some(others)
    }

    async fn attempt(
        &self,
        call: &RawCall,
        site: &Site,
        keys: Option<&Credential>,
        deadline: Timestamp,
    ) -> Result<RawAnswer, CallError> {
        let request = self.request(call, site, keys)?;
        let limit = self.clock.sleep_until(deadline);
        let response = match select(self.http.send(request), limit).await {
            Either::Left((response, _)) => response.map_err(CallError::Http)?,
            Either::Right(_) => {
                let detail = "the call's time was over";
                return Err(CredentialError::new(ErrorCode::Timeout, detail).into());
            }
        };
        let request_id = judge(&call.action, &response)?;
        let id = request_id.as_ref().map_or("", super::RequestId::as_str);
        tracing::debug!(action = %call.action, status = response.status, id, "a call was answered");
        let HttpResponse { body, .. } = response;
        Ok(RawAnswer { request_id, body })
    }

    /// The request, signed now.
    fn request(
        &self,
        call: &RawCall,
        site: &Site,
        keys: Option<&Credential>,
    ) -> Result<HttpRequest, CredentialError> {
        let named = [("Action", &call.action), ("Version", &call.version)];
        let named = named.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
        let query: Vec<(String, String)> = named.chain(call.parameters.iter().cloned()).collect();
        let pairs: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let url = format!("{}/?{}", site.origin(), pairs.join("&"));
        let mut request = HttpRequest::get(url, LONGEST_ANSWER);
        let host = host_header(site.origin());
        let mut headers = vec![("Host", host.as_str())];
        let empty: SecretSlice<u8> = Vec::new().into();
        let body = match &call.content {
            None => &empty,
            Some((content_type, body)) => {
                request.method = HttpMethod::Post;
                request = request.with_header("content-type", (*content_type).into());
                headers.push(("Content-Type", content_type));
                body
            }
        };
        if let Some(credential) = keys {
            let Material::AccessKey(key) = credential.material() else {
                let detail = "the keys to sign with are no access key";
                return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail));
            };
            let unsigned = Unsigned {
                method: if call.content.is_some() { "POST" } else { "GET" },
                path: "/",
                query: &query,
                headers: &headers,
                body: body.expose_secret(),
            };
            let now = self.clock.now();
            let signed = sign(&unsigned, key, site.scope(), Covered::Standard, now)?;
            for (name, value) in signed.headers {
                request = request.with_header(lower(name), value);
            }
        }
        request.body = body.clone();
        Ok(request)
    }
}

/// HTTP/2 has lower-case names only.
const fn lower(name: &'static str) -> &'static str {
    match name.as_bytes() {
        b"X-Date" => "x-date",
        b"X-Content-Sha256" => "x-content-sha256",
        b"X-Security-Token" => "x-security-token",
        b"Authorization" => "authorization",
        _ => name,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("retry", &self.retry).finish_non_exhaustive()
    }
}
