//! One request through the layer, from the engine to the last answer.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use credential_provider_api::{
    Advice, Credential, CredentialError, CredentialRef, EffectiveSession, ErrorCode, Hint, Outcome,
    Revision, Variant,
};
use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::error::{AuthorizeError, HttpRefusal};
use super::outcome::{NotRenewed, SentTo, outcome};
use super::payload::Payload;
use super::route::{Next, Route, texts};
use crate::consumer::{Consumer, RequestBuilder};

/// Whose requests, with what.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) consumer: Consumer,
    pub(super) credential: CredentialRef,
    pub(super) session: Option<EffectiveSession>,
    pub(super) variant: Option<Variant>,
    pub(super) hint: Hint,
}

impl Plan {
    fn request(&self) -> RequestBuilder<'_> {
        let mut request = self.consumer.request(&self.credential).hint(self.hint.clone());
        if let Some(session) = &self.session {
            request = request.session(session);
        }
        if let Some(variant) = &self.variant {
            request = request.variant(variant);
        }
        request
    }

    async fn newer(&self, than: Option<Revision>) -> Result<Arc<Credential>, CredentialError> {
        match than {
            Some(than) => self.request().reject(than).await,
            None => self.request().await,
        }
    }

    fn report(&self, credential: &Arc<Credential>, outcome: Outcome) {
        // What a report can be refused for, the next request is refused for and says so.
        let _ = self.request().report(credential, outcome);
    }
}

/// Sends through a client that is ready for the first request and made ready for each further one.
struct Sender<S> {
    client: S,
    used: bool,
}

impl<S> Sender<S> {
    async fn send<B, R>(&mut self, request: Request<B>) -> Result<Response<R>, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        if std::mem::replace(&mut self.used, true) {
            poll_fn(|context| self.client.poll_ready(context)).await?;
        }
        self.client.call(request).await
    }
}

pub(super) async fn exchange<S, B, R>(
    plan: Arc<Plan>,
    client: S,
    request: Request<Payload<B>>,
) -> Result<Response<R>, AuthorizeError<S::Error>>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: From<Bytes>,
{
    let (parts, mut payload) = request.into_parts();
    let mut route = Route::new(parts)?;
    let mut sender = Sender { client, used: false };
    let mut at_hand = None;
    let (mut renewed, mut advised) = (false, false);
    loop {
        let credential = match at_hand.take() {
            Some(credential) => credential,
            None => plan.request().await?,
        };
        let takes = route.takes(&credential);
        let request = if takes {
            route.authorized(&credential, plan.consumer.core.clock.now(), &payload)?
        } else {
            route.bare()?
        };
        let mut answer = match payload.next() {
            Some(body) => {
                sender.send(request.map(|()| body)).await.map_err(AuthorizeError::Client)?
            }
            // Every way back to here has seen that the body is whole.
            None => {
                let detail = "a body was to be sent twice";
                return Err(CredentialError::new(ErrorCode::Internal, detail).into());
            }
        };
        let origin = &route.target().origin;
        if answer.extensions().get::<SentTo>().is_some_and(|sent_to| !sent_to.is(origin)) {
            return Err(HttpRefusal::ClientRedirected.into());
        }
        if takes {
            let status = answer.status();
            let advice = credential.answered(origin, status.as_u16(), &texts(answer.headers()));
            if advice == Advice::SendAgain {
                // The proof was turned away, not the credential: no report.
                if advised || !payload.is_whole() {
                    return Ok(answer);
                }
                (advised, at_hand) = (true, Some(credential));
                continue;
            }
            if let Some(outcome) = outcome(status, answer.headers()) {
                plan.report(&credential, outcome);
            }
            if status == StatusCode::UNAUTHORIZED && !renewed && payload.is_whole() {
                renewed = true;
                match plan.newer(credential.revision()).await {
                    Ok(newer) => at_hand = Some(newer),
                    Err(error) => {
                        answer.extensions_mut().insert(NotRenewed(error));
                        return Ok(answer);
                    }
                }
                continue;
            }
        }
        match route.follow(&answer, &payload)? {
            Next::Here => return Ok(answer),
            Next::On => {}
            Next::OnWithoutBody => payload = Payload::empty(),
        }
        advised = false;
    }
}
