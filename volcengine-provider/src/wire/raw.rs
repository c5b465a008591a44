//! [`RawCall`]: any action, for what has no type here.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretSlice};
use serde::de::DeserializeOwned;

use super::endpoints::Service;
use super::envelope;
use super::error::{CallError, RequestId};
use super::retry::Effect;
use crate::sign::Site;

/// A call of any action of any service. It is [`Effect::Once`] unless said otherwise.
///
/// `Debug` shows the action and the names of the parameters.
#[must_use = "a call does nothing until it is sent"]
pub struct RawCall {
    pub(crate) at: At,
    pub(crate) action: String,
    pub(crate) version: String,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) content: Option<(&'static str, SecretSlice<u8>)>,
    pub(crate) effect: Effect,
}

/// Where a call goes.
pub(crate) enum At {
    Service(Service),
    Site(Site),
}

impl RawCall {
    /// `action` of one of this crate's services, as a `GET` until it has a body.
    pub fn new(service: Service, action: impl Into<String>) -> Self {
        Self::of(At::Service(service), action.into(), service.version().to_owned())
    }

    /// `action` of any service.
    pub fn at(site: Site, action: impl Into<String>, version: impl Into<String>) -> Self {
        Self::of(At::Site(site), action.into(), version.into())
    }

    const fn of(at: At, action: String, version: String) -> Self {
        Self { at, action, version, parameters: Vec::new(), content: None, effect: Effect::Once }
    }

    /// With a parameter in the query. It may be logged on its way: no place for a secret.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// A `POST` of a JSON text.
    pub fn json(mut self, body: SecretSlice<u8>) -> Self {
        self.content = Some(("application/json", body));
        self
    }

    /// A `POST` of a form (`application/x-www-form-urlencoded`).
    pub fn form(mut self, body: SecretSlice<u8>) -> Self {
        self.content = Some(("application/x-www-form-urlencoded", body));
        self
    }

    /// What it does to make it twice.
    pub const fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }
}

impl fmt::Debug for RawCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.parameters.iter().map(|(name, _)| name).collect();
        f.debug_struct("RawCall")
            .field("action", &self.action)
            .field("version", &self.version)
            .field("parameters", &names)
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

/// A successful answer. `Debug` shows the request id.
#[non_exhaustive]
pub struct RawAnswer {
    /// The id by which the service finds the call.
    pub request_id: Option<RequestId>,
    /// The whole JSON text, envelope included.
    pub body: SecretSlice<u8>,
}

impl RawAnswer {
    /// The `Result` in it; an absent one reads as `{}`.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] if it is no `T`.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        envelope::result(self.body.expose_secret(), self.request_id.as_ref())
    }
}

impl fmt::Debug for RawAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawAnswer").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_debug_shows_no_body() {
        let call = RawCall::new(Service::Identity, "Probe").parameter("Name", "canary");
        let call = call.json(b"canary".to_vec().into());
        let body = br#"{"Result":{"A":"canary"}}"#.to_vec().into();
        let answer = RawAnswer { request_id: None, body };
        let shown = format!("{call:?} {answer:?}");
        assert!(shown.contains("Probe") && !shown.contains("canary"), "{shown}");
    }
}
