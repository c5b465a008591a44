//! [`AuthorizeLayer`] and the service it makes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use credential_provider_api::{CredentialRef, EffectiveSession, Hint, Variant};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::error::AuthorizeError;
use super::exchange::{Plan, exchange};
use super::payload::Payload;
use crate::consumer::Consumer;

/// Authorizes the requests of an HTTP client with one credential: a tower layer for any
/// `Service<http::Request<B>>` whose body can be made from bytes.
///
/// **Switch redirects off in the client**, as `examples/authorize.rs` shows for `reqwest`
/// (`redirect::Policy::none()`); hyper's own client follows none. A client that follows them by itself
/// takes headers where this layer would not. The layer sees that only if the adapter adds
/// [`SentTo`](super::SentTo) to the answer, only for another origin, and only afterwards.
///
/// # Where the credential goes
/// - Each address is judged anew, with the credential as the engine has it then, by
///   [`Credential::authorize`](credential_provider_api::Credential::authorize).
/// - A request to an origin that the credential does not name is refused with `origin_denied` before
///   anything is sent. It is not sent without the credential.
/// - A request that carries a header or a query parameter which the credential is to set is refused
///   with [`AlreadyAuthorized`](super::HttpRefusal::AlreadyAuthorized). Nothing of the caller's is
///   overwritten.
/// - A body that can be sent once is refused for an access key, whose signature covers it. The signer of
///   any other kind is given an empty body in its place.
/// - The header is marked sensitive. A key in the query stands in the address, which clients show in
///   their errors and traces.
///
/// # Redirects
/// At most 10 are followed, for 301, 302, 303, 307 and 308 with one `Location`.
/// - An origin that the credential names gets it. Any other origin gets the request without it: without
///   its header, and without its parameter, which is taken out of the `Location`. From there on it is
///   not given back, wherever the redirects lead: an origin that it does not name would choose what is
///   done with it.
/// - If the credential stands in the address of a request without it in another way, the host included,
///   that request is refused with [`RedirectLeak`](super::HttpRefusal::RedirectLeak). It is looked for
///   in any case, plain, with `+` for a space, in base64 of either alphabet, and all of these
///   percent-encoded or JSON-escaped up to three times. Secrets under 8 characters are not looked for.
/// - Another origin than the present one gets none of the caller's headers but those that say what is
///   sent and wanted (`Accept…`, `Content-Type` and such, `Range`, `User-Agent`): no cookies, no
///   `Authorization`, no `X-…`. They do not come back. A body goes along, as in browsers.
/// - 301 and 302 make a `POST`, and 303 makes all but `HEAD`, a `GET` without body. Otherwise method and
///   body stay; if the [body](Payload) cannot be sent again, the redirect is the answer.
/// - From https to http, to an address with a user name, and to one that can be read in two ways, no
///   request is sent on: see [`HttpRefusal`](super::HttpRefusal).
///
/// # Answers
/// - A 401 is reported as rejected, for exactly the revision that was sent. The request is sent once
///   more, once for all redirects together, with a newer credential. A second 401 is reported and
///   returned. If there is no newer one, the 401 is returned, with
///   [`NotRenewed`](super::NotRenewed) among its extensions.
/// - A service that wants its nonce in a DPoP proof (RFC 9449 §9) gets the request once more, at each
///   address. That is not a rejection.
/// - 2xx is reported as success, 402 as billing, 429 as a rate limit with its `Retry-After`. Other
///   answers say nothing about the credential. What an origin says that got no credential is not
///   reported.
///
/// # Cancel-safety
/// Dropping the future drops the request under way. What was reported stays so, and a renewal that it
/// waited for goes on for others.
#[derive(Clone)]
pub struct AuthorizeLayer {
    plan: Plan,
}

impl AuthorizeLayer {
    /// Authorizes as `consumer`, with `credential`.
    #[must_use]
    pub fn new(consumer: Consumer, credential: CredentialRef) -> Self {
        let (session, variant, hint) = (None, None, Hint::default());
        Self { plan: Plan { consumer, credential, session, variant, hint } }
    }

    /// For whom. A gateway-wide credential is the same for all.
    #[must_use]
    pub fn session(mut self, session: EffectiveSession) -> Self {
        self.plan.session = Some(session);
        self
    }

    /// In this variant.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.plan.variant = Some(variant);
        self
    }

    /// What it is wanted for, for sources that choose among accounts.
    #[must_use]
    pub fn hint(mut self, hint: Hint) -> Self {
        self.plan.hint = hint;
        self
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, client: S) -> Authorize<S> {
        Authorize { client, plan: Arc::new(self.plan.clone()) }
    }
}

impl fmt::Debug for AuthorizeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("AuthorizeLayer", &self.plan, f)
    }
}

/// A client whose requests are authorized; see [`AuthorizeLayer`].
#[derive(Clone)]
pub struct Authorize<S> {
    client: S,
    plan: Arc<Plan>,
}

impl<S, B, R> Service<Request<Payload<B>>> for Authorize<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: From<Bytes> + Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = AuthorizeError<S::Error>;
    type Future = AuthorizeFuture<R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.client.poll_ready(context).map_err(AuthorizeError::Client)
    }

    fn call(&mut self, request: Request<Payload<B>>) -> Self::Future {
        // The one that was made ready sends; its clone is made ready for the next request.
        let clone = self.client.clone();
        let ready = std::mem::replace(&mut self.client, clone);
        AuthorizeFuture(Box::pin(exchange(self.plan.clone(), ready, request)))
    }
}

impl<S> fmt::Debug for Authorize<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("Authorize", &self.plan, f)
    }
}

fn show(name: &str, plan: &Plan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name)
        .field("consumer", &plan.consumer)
        .field("credential", &plan.credential)
        .finish_non_exhaustive()
}

/// A request under way. Cancel-safe; see [`AuthorizeLayer`].
#[must_use = "futures do nothing unless polled"]
pub struct AuthorizeFuture<R, E>(Exchange<R, E>);

type Exchange<R, E> =
    Pin<Box<dyn Future<Output = Result<Response<R>, AuthorizeError<E>>> + Send + 'static>>;

impl<R, E> Future for AuthorizeFuture<R, E> {
    type Output = Result<Response<R>, AuthorizeError<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<R, E> fmt::Debug for AuthorizeFuture<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizeFuture(…)")
    }
}
