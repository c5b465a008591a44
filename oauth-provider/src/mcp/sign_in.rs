//! Signing in: everything is found anew, then the issuer's own sign-in takes over.

use std::sync::Arc;

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, FlowState, Request, Revocation, SignIn,
    SignInAnswer, SignInMethod, SignInProgress, SignInStart, SignedIn, async_trait,
};
use secrecy::ExposeSecret as _;
use url::Url;

use super::bound::{Binding, Bound, ClientOrigin, UsedClient};
use super::discovery::Discovered;
use super::provider::{FORGOTTEN, McpProvider, Standing};
use super::registered::{Place, Remembered};
use super::registration::Registration;
use super::wire::Confined;
use crate::sign_in::redirect_uri;

/// A flow of the issuer's, and whose it is.
struct Flow {
    bound: Arc<Bound>,
    state: FlowState,
}

#[async_trait]
impl SignIn for McpProvider {
    async fn start(
        &self,
        request: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        self.binder.check(request)?;
        if !matches!(start.method, None | Some(SignInMethod::AuthorizationCode)) {
            return Err(CredentialError::new(ErrorCode::Unsupported, "with a browser only"));
        }
        let redirect_uri =
            redirect_uri(start.redirect_uri.as_ref().or(self.redirect_uri.as_ref()))?;
        let remembered = self.memory.load().await?;
        let known = remembered.place.as_ref().map(|place| place.issuer.as_str());
        let found = self.binder.finder.discover(known).await?;
        let client = self.client(request, &found, &remembered, &redirect_uri).await?;
        let scopes = self.asked(request, &found);
        let binding = Binding { place: found.place(), client, scopes };
        let bound = self.binder.bound(binding)?;
        bound.provider.core.issuer.remember(found.metadata).await?;
        let start = start.clone().with_redirect_uri(Some(redirect_uri));
        let (state, progress) = bound.provider.start(request, &start).await?;
        Ok((Box::new(Flow { bound, state }), progress))
    }

    async fn answer(
        &self,
        request: &Request,
        state: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let flow = state.downcast_mut::<Flow>().ok_or_else(strange)?;
        let bound = flow.bound.clone();
        let refused = client_is_refused(&answer);
        match bound.provider.answer(request, &mut flow.state, answer).await {
            Ok(SignInProgress::Finished(SignedIn { account, state, .. })) => {
                let done = SignedIn::new(account, Box::new(Flow { bound, state }));
                Ok(SignInProgress::Finished(done))
            }
            Err(error)
                if bound.binding.client.origin == ClientOrigin::Registered
                    && (bound.is_forgotten() || (refused && !error.is_transient())) =>
            {
                self.forget(&bound).await;
                Err(CredentialError::new(ErrorCode::FlowEnded, FORGOTTEN))
            }
            other => other,
        }
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let (bound, done) = finished(done)?;
        let place = &bound.binding.place;
        let commit = request.commit()?;
        let mut moved = false;
        let before = self.memory.load().await?.place;
        if before.as_ref() != Some(place) {
            self.memory
                .update(|kept| {
                    let other = kept.place.as_ref() != Some(place);
                    kept.place = Some(place.clone());
                    other
                })
                .await?;
            moved = before.is_some_and(|before| before.issuer != place.issuer);
        }
        drop(commit);
        let accepted = bound.provider.accept(request, done).await;
        if moved {
            self.moved.send_modify(|count| *count = count.wrapping_add(1));
        }
        self.doubts.clear(&bound.binding);
        accepted
    }

    async fn account(&self, request: &Request) -> Result<Option<AccountId>, CredentialError> {
        match self.standing(request).await? {
            Standing::Ours(bound) => bound.provider.account(request).await,
            _ => Ok(None),
        }
    }

    async fn discard(&self, request: &Request, done: SignedIn) {
        if let Ok((bound, done)) = finished(done) {
            bound.provider.discard(request, done).await;
        }
    }

    /// The page may have said that it does not know the client.
    async fn cancel(&self, request: &Request, state: FlowState) {
        if let Ok(flow) = state.downcast::<Flow>() {
            let Flow { bound, state } = *flow;
            if bound.binding.client.origin == ClientOrigin::Registered {
                self.doubts.add(&bound.binding);
            }
            bound.provider.cancel(request, state).await;
        }
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.signed_out(request).await
    }
}

impl McpProvider {
    /// In MCP's order ("Client Registration Approaches"): one that the host has, one that is its own
    /// address, one that is registered.
    async fn client(
        &self,
        request: &Request,
        found: &Discovered,
        remembered: &Remembered,
        redirect_uri: &str,
    ) -> Result<UsedClient, CredentialError> {
        if let Some(configured) = &self.clients.configured {
            return Ok(configured.clone());
        }
        let terms = &found.metadata.terms;
        if let Some(document) = &self.clients.document
            && terms.client_id_metadata_document_supported
        {
            return Ok(document.clone());
        }
        if let Some(client) = self.usable(found, remembered, redirect_uri) {
            return Ok(client);
        }
        // One registration among all who share the store.
        let lease = self.memory.lease().await?;
        if let Some(client) = self.usable(found, &self.memory.load().await?, redirect_uri) {
            return Ok(client);
        }
        let _commit = request.commit()?;
        let reach = self.binder.finder.reach_of(&found.issuer);
        let http = Confined { http: self.binder.finder.http.clone(), reach };
        let client_name = &self.clients.name;
        let registration = Registration { issuer: &found.issuer, terms, client_name, redirect_uri };
        let client = registration.send(&http).await?;
        self.memory
            .update(|kept| {
                kept.add(client.clone());
                true
            })
            .await?;
        drop(lease);
        Ok((&client).into())
    }

    /// The newest client that the issuer has registered and that is not in doubt.
    fn usable(
        &self,
        found: &Discovered,
        remembered: &Remembered,
        redirect_uri: &str,
    ) -> Option<UsedClient> {
        let (issuer, now) = (found.issuer.as_str(), self.binder.runtime.clock.now());
        let mut clients = remembered.clients.iter().rev();
        let client = clients.find(|client| {
            client.serves(issuer, redirect_uri, now) && !self.doubts.of(issuer, &client.client_id)
        });
        client.map(UsedClient::from)
    }

    /// What the request's variant names, else the configuration, else the server.
    fn asked(&self, request: &Request, found: &Discovered) -> Vec<String> {
        match (request.key().variant.get("scopes"), &self.scopes) {
            (Some(scopes), _) => scopes.split(' ').map(str::to_owned).collect(),
            (None, Some(scopes)) => scopes.clone(),
            (None, None) => found.scopes.clone(),
        }
    }
}

impl Discovered {
    fn place(&self) -> Place {
        let origin = self.metadata.jwks_uri.as_ref().and_then(|keys| keys.origin());
        let foreign = origin.filter(|keys| Some(keys) != self.issuer.endpoint().origin().as_ref());
        Place {
            issuer: self.issuer.as_str().to_owned(),
            resource: self.resource.clone(),
            keys: foreign.map(|origin| origin.to_string()),
        }
    }
}

/// Whether an issuer redirected to say that it does not take this client (RFC 6749 §4.1.2.1).
fn client_is_refused(answer: &SignInAnswer) -> bool {
    let refusal = |error: &str| matches!(error, "invalid_client" | "unauthorized_client");
    match answer {
        SignInAnswer::Callback(parameters) => {
            parameters.get("error").is_some_and(|error| refusal(error.expose_secret()))
        }
        SignInAnswer::Pasted(text) => Url::parse(text.expose_secret().trim()).is_ok_and(|url| {
            url.query_pairs().any(|(name, value)| name == "error" && refusal(&value))
        }),
        _ => false,
    }
}

fn finished(done: SignedIn) -> Result<(Arc<Bound>, SignedIn), CredentialError> {
    let flow = done.state.downcast::<Flow>().map_err(|_| strange())?;
    let Flow { bound, state } = *flow;
    Ok((bound, SignedIn::new(done.account, state)))
}

fn strange() -> CredentialError {
    CredentialError::new(ErrorCode::Internal, "the state belongs to another sign-in")
}
