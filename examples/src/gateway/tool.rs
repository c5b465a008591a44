//! Tools and channels: they ask, authorize a request, send it, and report a 401.

use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialError, ErrorCode, ExposeSecret as _, Origin, Outcome, OutgoingRequest,
};
use oauth_provider::{HttpRequest, HttpResponse};
use resolution_engine::Handle;

use super::host::{Host, Person};

/// Why a call to the calendar failed.
pub(super) enum CallFailed {
    /// There was no credential, or no answer.
    Credential(CredentialError),
    /// The calendar did not take it: 401.
    Refused(Arc<Credential>),
}

impl Host {
    /// One call of the calendar tool for `person`; whose calendar it was.
    pub(super) async fn call_calendar(&self, person: &Person) -> Result<String, CallFailed> {
        let credential = self.request(&self.tool, &self.calendar, person).await;
        let credential = credential.map_err(CallFailed::Credential)?;
        let whose = self.whose(&credential).await.map_err(CallFailed::Credential)?;
        whose.ok_or(CallFailed::Refused(credential))
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

    /// Whose the calendar says a token is. `None` is a 401.
    pub(super) async fn whose(
        &self,
        token: &Credential,
    ) -> Result<Option<String>, CredentialError> {
        let answer = self.send(self.world.issuer.url(), "/whose", token).await?;
        let text = String::from_utf8_lossy(answer.body.expose_secret()).into_owned();
        Ok((answer.status == 200).then_some(text))
    }

    /// Sends a request that `credential` authorizes.
    pub(super) async fn send(
        &self,
        origin: &str,
        path: &str,
        credential: &Credential,
    ) -> Result<HttpResponse, CredentialError> {
        let at = Origin::parse(origin)?;
        let outgoing = OutgoingRequest::new("GET", &at, path);
        let added = credential.authorize(&outgoing, self.now())?;
        let mut request = HttpRequest::get(format!("{origin}{path}"), 4096);
        for (name, value) in added.headers {
            if name.eq_ignore_ascii_case("authorization") {
                request = request.with_header("authorization", value);
            }
        }
        let sent = self.world.http.send(request).await;
        sent.map_err(|_| CredentialError::new(ErrorCode::Unavailable, "no answer"))
    }

    /// A handle for the hot path of the calendar tool.
    pub(super) fn bind_calendar(&self, person: &Person) -> Result<Handle, CredentialError> {
        let request = self.tool.request(&self.calendar).session(&person.session);
        request.bind()
    }
}
