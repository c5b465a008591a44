//! [`Route`]: the way of one request from address to address, and what may be sent to each.

use std::sync::Arc;

use credential_provider_api::{
    Authorization, Credential, CredentialKind, ExposeSecret as _, OutgoingRequest, SecretString,
    Timestamp,
};
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};

use super::error::{AuthorizeError, HttpRefusal};
use super::leak;
use super::location::Target;
use super::payload::Payload;
use super::query;

/// Redirects that are followed.
const MOST: u8 = 10;

/// Headers of the caller's that go to another origin than the one he addressed: those that say what
/// is sent and what is wanted back. Any other may be a secret, whatever its name.
const HARMLESS: [HeaderName; 10] = [
    header::ACCEPT,
    header::ACCEPT_CHARSET,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::RANGE,
    header::USER_AGENT,
];

/// Headers that go with the body.
const OF_BODY: [HeaderName; 6] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
];

pub(super) struct Route {
    target: Target,
    /// As the caller made it, less what did not come along.
    parts: Parts,
    hops: u8,
    /// What was sent on the way here, and the names of the parameters it was sent in.
    used: Vec<Arc<Credential>>,
    parameters: Vec<String>,
    /// Whether it was sent to an origin that the credential does not name: that one chose the rest of
    /// the way.
    strayed: bool,
}

/// Where an answer leads.
pub(super) enum Next {
    /// Nowhere: it is the answer.
    Here,
    /// To another address, with the same body.
    On,
    /// To another address, without a body.
    OnWithoutBody,
}

impl Route {
    pub(super) fn new(parts: Parts) -> Result<Self, HttpRefusal> {
        let target = Target::of(&parts.uri)?;
        let (used, parameters) = (Vec::new(), Vec::new());
        Ok(Self { target, parts, hops: 0, used, parameters, strayed: false })
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// Whether the request goes to this address with the credential. Where the caller sent it, it goes
    /// so or not at all; once it went without, it goes without to the end.
    pub(super) fn takes(&self, credential: &Credential) -> bool {
        let named = || credential.origins().contains(&self.target.origin);
        self.hops == 0 || !self.strayed && named()
    }

    /// The request for this address, authorized.
    pub(super) fn authorized<B, E>(
        &mut self,
        credential: &Arc<Credential>,
        now: Timestamp,
        payload: &Payload<B>,
    ) -> Result<Request<()>, AuthorizeError<E>> {
        if credential.kind() == CredentialKind::AccessKey && payload.bytes().is_none() {
            return Err(HttpRefusal::BodyUnsigned.into());
        }
        let headers = texts(&self.parts.headers);
        let request = OutgoingRequest::new(
            self.parts.method.as_str(),
            &self.target.origin,
            &self.target.path,
        )
        .with_query(self.target.query.as_deref().unwrap_or_default())
        .with_headers(&headers)
        .with_body(payload.bytes().unwrap_or_default());
        let added = credential.authorize(&request, now)?;
        let mut request = self.parts.clone();
        self.add_headers(&added, &mut request.headers)?;
        let present = self.target.query.as_deref().unwrap_or_default();
        if added.query.iter().any(|(name, _)| query::names(present, name)) {
            return Err(HttpRefusal::AlreadyAuthorized.into());
        }
        for (name, _) in &added.query {
            if !self.parameters.contains(name) {
                self.parameters.push(name.clone());
            }
        }
        if !self.used.iter().any(|used| Arc::ptr_eq(used, credential)) {
            self.used.push(credential.clone());
        }
        request.uri = self.uri(&added.query)?;
        Ok(Request::from_parts(request, ()))
    }

    fn add_headers(&self, added: &Authorization, to: &mut HeaderMap) -> Result<(), HttpRefusal> {
        for (name, value) in &added.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_| HttpRefusal::CredentialUnsendable)?;
            if self.parts.headers.contains_key(&name) {
                return Err(HttpRefusal::AlreadyAuthorized);
            }
            let value = HeaderValue::from_str(value.expose_secret());
            let mut value = value.map_err(|_| HttpRefusal::CredentialUnsendable)?;
            value.set_sensitive(true);
            to.insert(name, value);
        }
        Ok(())
    }

    /// The request for this address, which does not get the credential.
    pub(super) fn bare(&mut self) -> Result<Request<()>, HttpRefusal> {
        let mut request = self.parts.clone();
        request.uri = self.uri(&[])?;
        if leak::holds(&self.target.address(), &self.secrets()) {
            return Err(HttpRefusal::RedirectLeak);
        }
        self.strayed = true;
        Ok(Request::from_parts(request, ()))
    }

    /// Fails if it is too long to be one, which is the fault of whoever gave it.
    fn uri(&self, added: &[(String, SecretString)]) -> Result<Uri, HttpRefusal> {
        let redirected = self.hops > 0;
        self.target
            .uri(added)
            .map_err(|own| if redirected { HttpRefusal::RedirectInvalid } else { own })
    }

    /// Goes where the answer leads, if it leads on and the body can come along.
    pub(super) fn follow<B, R>(
        &mut self,
        answer: &Response<R>,
        payload: &Payload<B>,
    ) -> Result<Next, HttpRefusal> {
        let status = answer.status();
        let method = &self.parts.method;
        let without_body = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
            StatusCode::SEE_OTHER => *method != Method::GET && *method != Method::HEAD,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
            _ => return Ok(Next::Here),
        };
        let mut locations = answer.headers().get_all(header::LOCATION).iter();
        let Some(location) = locations.next() else {
            return Ok(Next::Here);
        };
        if locations.next().is_some() {
            return Err(HttpRefusal::RedirectInvalid);
        }
        if !without_body && !payload.is_whole() {
            return Ok(Next::Here);
        }
        let mut target = self.target.join(location.as_bytes())?;
        if self.hops == MOST {
            return Err(HttpRefusal::RedirectLimit);
        }
        if let Some(told) = target.query.take() {
            let kept = query::without(&told, &self.parameters, &self.secrets());
            target.query = (!kept.is_empty() || told.is_empty()).then(|| kept.into_owned());
        }
        self.hops += 1;
        if target.origin != self.target.origin {
            keep(&mut self.parts.headers, |name| HARMLESS.contains(name));
        }
        if without_body {
            self.parts.method = Method::GET;
            keep(&mut self.parts.headers, |name| !OF_BODY.contains(name));
        }
        self.target = target;
        Ok(if without_body { Next::OnWithoutBody } else { Next::On })
    }

    fn secrets(&self) -> Vec<&str> {
        let all = self.used.iter().flat_map(|used| used.material().secrets());
        all.map(|(_, secret)| secret.expose_secret()).collect()
    }
}

/// Headers as text; what is no text is not signed.
pub(super) fn texts(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let all = headers.iter();
    all.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}

fn keep(headers: &mut HeaderMap, keeps: impl Fn(&HeaderName) -> bool) {
    let gone: Vec<HeaderName> = headers.keys().filter(|name| !keeps(name)).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
}
