//! [`Consent`]: a person lets an agent act for them at a third party.

use std::time::Duration;

use credential_provider_api::{
    CredentialError, ErrorCode, ExposeSecret as _, FlowId, SecretString, SignInAnswer,
    SignInProgress, SignInStart, SignInStep, SignedIn, Timestamp,
};
use url::Url;

use super::oauth::{Answered, Consenting};
use super::settings::{Flow, HostedKind, OAuthSettings, RoleToken, WhenAsked};
use super::vault::Asking;
use crate::action::resource::{CompleteResourceTokenAuth, Oauth2Callback, UserIdentifier};
use crate::wire::{CallError, Fault};

/// How often the vault is asked whether the consent is there.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long a page is good for.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is remembered of a consent under way.
pub(crate) struct Consent {
    flow: FlowId,
    /// The vault's name of it.
    session: Option<SecretString>,
    /// What the third party returns to an address of the host's own.
    state: Option<SecretString>,
    until: Timestamp,
    next: Timestamp,
}

impl Asking<'_> {
    fn consented(&self) -> Result<&OAuthSettings, CredentialError> {
        match &self.hosted.kind {
            HostedKind::OAuth(settings) => Ok(settings),
            _ => Err(CredentialError::new(ErrorCode::Unsupported, "nobody signs in to this one")),
        }
    }

    pub(crate) async fn start_consent(
        &self,
        start: &SignInStart,
    ) -> Result<(Consent, SignInProgress), CredentialError> {
        let settings = self.consented()?;
        if self.flow(settings).await? != Flow::UserFederation {
            let detail = "nobody signs in to this one: it is for machines";
            return Err(CredentialError::new(ErrorCode::Unsupported, detail));
        }
        let consenting = match settings.consent {
            WhenAsked::WhenNeeded => Consenting::IfMissing,
            WhenAsked::Always => Consenting::Anew,
        };
        let state = SecretString::from(start.flow.expose());
        let state = settings.return_url.is_some().then_some(&state);
        let flow = Flow::UserFederation;
        let answered = self.ask_token(settings, flow, consenting, None, state).await?;
        let now = self.request.now();
        let mut consent = Consent {
            flow: start.flow.clone(),
            session: None,
            state: None,
            until: start.expires_at.min(now.plus(PATIENCE)),
            next: now.plus(INTERVAL),
        };
        let (url, session) = match answered {
            Answered::Token(credential) => {
                let account = credential.account().cloned();
                let done = SignedIn::new(account, Box::new(()));
                return Ok((consent, SignInProgress::Finished(done)));
            }
            Answered::Page { url, session } => (url, session),
        };
        let page = page(url.expose_secret())?;
        if settings.redirect_url.is_some() {
            let found = page.query_pairs().find(|(name, _)| name == "state");
            consent.state = found.map(|(_, value)| SecretString::from(value.into_owned()));
        }
        consent.session = session;
        let step = SignInStep::OpenUrl {
            url: url.expose_secret().to_owned(),
            expires_at: consent.until,
            poll_every: Some(INTERVAL),
        };
        Ok((consent, SignInProgress::Step(step)))
    }

    pub(crate) async fn answer_consent(
        &self,
        consent: &mut Consent,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let settings = self.consented()?;
        let now = self.request.now();
        if now >= consent.until {
            let detail = "nobody consented in time";
            return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
        }
        match answer {
            SignInAnswer::Poll if now < consent.next => {
                return Ok(SignInProgress::Pending { poll_after: now.until(consent.next) });
            }
            SignInAnswer::Poll => {}
            answer => self.returned(settings, consent, answer).await?,
        }
        consent.next = now.plus(INTERVAL);
        let session = consent.session.as_ref();
        let flow = Flow::UserFederation;
        // Without force: that would ask for another consent.
        let asked = self.ask_token(settings, flow, Consenting::IfMissing, session, None).await;
        match asked {
            Ok(Answered::Token(credential)) => {
                let account = credential.account().cloned();
                Ok(SignInProgress::Finished(SignedIn::new(account, Box::new(()))))
            }
            Ok(Answered::Page { .. }) => Ok(SignInProgress::Pending { poll_after: INTERVAL }),
            Err(error) if session.is_some() && is_over(&error) => {
                let detail = "the vault knows this consent no more: it was denied or has ended";
                Err(CredentialError::new(ErrorCode::FlowEnded, detail))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Somebody came back to an address of the host's own.
    async fn returned(
        &self,
        settings: &OAuthSettings,
        consent: &Consent,
        answer: SignInAnswer,
    ) -> Result<(), CredentialError> {
        let parameters = parameters(answer)?;
        let text = |name: &str| {
            let found = parameters.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value)
        };
        let is = |name: &str, expected: Option<&str>| {
            let found = text(name).map(|value| value.expose_secret());
            found.zip(expected).is_some_and(|(found, expected)| same(found, expected))
        };
        if settings.return_url.is_some() {
            let session = consent.session.as_ref().ok_or_else(|| {
                CredentialError::new(ErrorCode::InvalidResponse, "the vault named no session")
            })?;
            let ours = is("state", Some(consent.flow.expose()))
                && is("session_uri", Some(session.expose_secret()));
            if !ours {
                return Err(foreign());
            }
            return self.complete(session).await;
        }
        let state = consent.state.as_ref().map(|state| state.expose_secret());
        if settings.redirect_url.is_none() || !is("state", state) {
            return Err(foreign());
        }
        let (code, error) = (text("code").cloned(), text("error").cloned());
        let Some(state) = consent.state.clone() else { return Err(foreign()) };
        let refused = error.is_some();
        let make = |token| {
            let mut callback = Oauth2Callback::new(token, state.clone());
            callback.code.clone_from(&code);
            callback.error = error.as_ref().map(|error| error.expose_secret().to_owned());
            callback
        };
        // A code is good once: if it is sent, its answer is wanted.
        let _commit = self.request.commit()?;
        let sent = self.call(make).await;
        if refused {
            let detail = "no consent was given";
            return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
        }
        sent.map(|_| ()).map_err(CredentialError::from)
    }

    /// Says who it was that opened the page.
    async fn complete(&self, session: &SecretString) -> Result<(), CredentialError> {
        let make = |token| {
            let mut complete = CompleteResourceTokenAuth::new(session.clone());
            complete.pool_name = self.pool();
            complete.user_identifier = Some(UserIdentifier::UserToken(token));
            complete
        };
        let _commit = self.request.commit()?;
        self.call_as(RoleToken::Identity, make).await?;
        Ok(())
    }
}

/// What the vault says of a session that it does not know, or not any more.
fn is_over(error: &CallError) -> bool {
    let CallError::Service(error) = error else { return false };
    let code = error.code().to_ascii_lowercase();
    matches!(error.fault, Fault::Invalid | Fault::NotFound) && code.contains("session")
}

/// A page that a person may be sent to: https, or http on loopback.
fn page(text: &str) -> Result<Url, CredentialError> {
    let unusable = || {
        let detail = "the page to consent at is neither https nor on loopback";
        CredentialError::new(ErrorCode::InvalidResponse, detail)
    };
    let url = Url::parse(text).map_err(|_| unusable())?;
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return Err(unusable()),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(unusable()),
    }
}

type Parameters = Vec<(String, SecretString)>;

fn parameters(answer: SignInAnswer) -> Result<Parameters, CredentialError> {
    match answer {
        SignInAnswer::Callback(parameters) => Ok(parameters.into_iter().collect()),
        SignInAnswer::Pasted(text) => {
            let url = Url::parse(text.expose_secret().trim()).map_err(|_| foreign())?;
            let pairs = url.query_pairs();
            Ok(pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect())
        }
        _ => Err(CredentialError::new(ErrorCode::Conflict, "this step takes another answer")),
    }
}

/// Leaves the flow waiting for the right one.
fn foreign() -> CredentialError {
    CredentialError::new(ErrorCode::Conflict, "what came back belongs to another sign-in")
}

fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let difference = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_a_page_without_tls_or_of_another_scheme() {
        assert!(page("https://vendor.example/authorize?state=a").is_ok());
        assert!(page("http://127.0.0.1:9/authorize").is_ok());
        for text in ["http://vendor.example/", "javascript:alert(1)", "file:///etc/passwd", "x"] {
            assert!(page(text).is_err(), "{text}");
        }
    }
}
