//! The calendar tool: asks, authorizes a request, sends it, and reports a 401.

use std::sync::Arc;
use std::time::SystemTime;

use credential_provider_api::{
    Credential, CredentialError, ExposeSecret as _, Origin, Outcome, OutgoingRequest,
};
use resolution_engine::Handle;

use super::host::{Host, Person};

/// Why a call to the calendar failed.
pub(super) enum CallFailed {
    /// There was no credential.
    Credential(CredentialError),
    /// The calendar did not take it: 401.
    Refused(Arc<Credential>),
}

impl Host {
    /// One call of the calendar tool for `person`; whose calendar it was.
    pub(super) async fn call_calendar(&self, person: &Person) -> Result<String, CallFailed> {
        let credential = self.request(&self.tool, &self.calendar, person).await;
        let credential = credential.map_err(CallFailed::Credential)?;
        let sent = self.send(&credential).await.map_err(CallFailed::Credential)?;
        sent.ok_or(CallFailed::Refused(credential))
    }

    /// The same with the one retry a caller owes: a 401 names the credential it was for.
    pub(super) async fn call_calendar_twice(&self, person: &Person) -> Result<String, CallFailed> {
        match self.call_calendar(person).await {
            Err(CallFailed::Refused(credential)) => {
                let request = self.tool.request(&self.calendar).session(&person.session);
                let reported = request.report(&credential, Outcome::Rejected);
                reported.map_err(CallFailed::Credential)?;
                self.call_calendar(person).await
            }
            answer => answer,
        }
    }

    /// Authorizes a request and sends it. `None` is a 401.
    async fn send(&self, credential: &Credential) -> Result<Option<String>, CredentialError> {
        let origin = Origin::parse("https://calendar.example")?;
        let outgoing = OutgoingRequest::new("GET", &origin, "/events");
        let authorized = credential.authorize(&outgoing, SystemTime::now().into())?;
        let bearer = authorized.headers.first().map(|(_, value)| value.expose_secret());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
        Ok(self.issuer.calendar(token.unwrap_or_default()).await.ok())
    }

    /// A handle for the hot path of the calendar tool.
    pub(super) fn bind_calendar(&self, person: &Person) -> Result<Handle, CredentialError> {
        let request = self.tool.request(&self.calendar).session(&person.session);
        request.bind()
    }
}
