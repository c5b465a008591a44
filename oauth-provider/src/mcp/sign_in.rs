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
use super::registered::{Place, RegisteredClient, Remembered};
use super::registration::Registration;
use super::wire::Confined;
use crate::form::Form;
use crate::issuer::ResponseIss;
use crate::provider::OAuthProvider;
use crate::sign_in::{redirect_uri, unguessable};

/// A flow of the issuer's, and whose it is.
struct Flow {
    bound: Arc<Bound>,
    /// The client, where the issuer registered it.
    registered: Option<RegisteredClient>,
    state: FlowState,
}

/// The client of a sign-in.
struct Chosen {
    client: UsedClient,
    /// The same, where the issuer registered it.
    registered: Option<RegisteredClient>,
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
        let known = self.memory.load().await?.place.map(|place| place.issuer);
        let found = self.binder.finder.discover(known.as_deref()).await?;
        let (mut bound, mut registered) = self.chosen(request, &found, &redirect_uri).await?;
        if registered.is_some()
            && self.doubts.clear(&bound.binding)
            && self.is_unknown(request, &bound, &redirect_uri).await
        {
            self.forget(&bound).await;
            (bound, registered) = self.chosen(request, &found, &redirect_uri).await?;
        }
        let start = start.clone().with_redirect_uri(Some(redirect_uri));
        let (state, progress) = bound.provider.start(request, &start).await?;
        Ok((Box::new(Flow { bound, registered, state }), progress))
    }

    async fn answer(
        &self,
        request: &Request,
        state: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let flow = state.downcast_mut::<Flow>().ok_or_else(strange)?;
        let bound = flow.bound.clone();
        let refused = client_is_refused(&answer, &bound).await;
        match bound.provider.answer(request, &mut flow.state, answer).await {
            Ok(SignInProgress::Finished(SignedIn { account, state, .. })) => {
                let registered = flow.registered.take();
                let done = SignedIn::new(account, Box::new(Flow { bound, registered, state }));
                Ok(SignInProgress::Finished(done))
            }
            Err(_) if bound.is_forgotten() => {
                self.forget(&bound).await;
                Err(CredentialError::new(ErrorCode::FlowEnded, FORGOTTEN))
            }
            // Anybody can write that into an address: it costs the client no more than a doubt.
            Err(error) if refused && !error.is_transient() => {
                self.doubt(&bound);
                Err(error)
            }
            other => other,
        }
    }

    fn is_spent(&self, state: &FlowState) -> bool {
        let flow = state.downcast_ref::<Flow>();
        flow.is_some_and(|flow| OAuthProvider::is_flow_spent(&flow.state))
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let Flow { bound, registered, state } = finished(done.state)?;
        let done = SignedIn::new(done.account, state);
        let place = &bound.binding.place;
        let commit = request.commit()?;
        let before = self.memory.load().await?.place;
        self.memory
            .update(|kept| {
                let other = kept.place.as_ref() != Some(place);
                kept.place = Some(place.clone());
                registered.as_ref().is_some_and(|client| kept.accept(client)) || other
            })
            .await?;
        let moved = before.is_some_and(|before| before.issuer != place.issuer);
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
        if let Ok(Flow { bound, state, .. }) = finished(done.state) {
            bound.provider.discard(request, SignedIn::new(done.account, state)).await;
        }
    }

    /// The page may have said that it does not know the client.
    async fn cancel(&self, request: &Request, state: FlowState) {
        if let Ok(flow) = state.downcast::<Flow>() {
            let Flow { bound, state, .. } = *flow;
            self.doubt(&bound);
            bound.provider.cancel(request, state).await;
        }
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.signed_out(request).await
    }
}

impl McpProvider {
    /// The issuer's provider for the client to sign in with. It has the metadata found.
    async fn chosen(
        &self,
        request: &Request,
        found: &Discovered,
        redirect_uri: &str,
    ) -> Result<(Arc<Bound>, Option<RegisteredClient>), CredentialError> {
        let remembered = self.memory.load().await?;
        let chosen = self.client(request, found, &remembered, redirect_uri).await?;
        let Chosen { client, registered } = chosen;
        let scopes = self.asked(request, found);
        let bound = self.binder.bound(Binding { place: found.place(), client, scopes })?;
        bound.provider.core.issuer.remember(found.metadata.clone()).await?;
        Ok((bound, registered))
    }

    fn doubt(&self, bound: &Bound) {
        if bound.binding.client.origin == ClientOrigin::Registered {
            self.doubts.add(&bound.binding);
        }
    }

    /// Whether the issuer says that it does not know the client: asked about a code that nobody has,
    /// it looks at the client first (RFC 6749 §4.1.3).
    async fn is_unknown(&self, request: &Request, bound: &Bound, redirect_uri: &str) -> bool {
        let core = &bound.provider.core;
        let form = Form::new("authorization_code")
            .secret("code", &unguessable(&*core.random))
            .text("redirect_uri", redirect_uri)
            .secret("code_verifier", &unguessable(&*core.random));
        // Whatever else it says, or that it is down, is no word about the client.
        drop(core.endpoint.send(request, form, None).await);
        bound.is_forgotten()
    }

    /// In MCP's order ("Client Registration Approaches"): one that the host has, one that is its own
    /// address, one that is registered.
    async fn client(
        &self,
        request: &Request,
        found: &Discovered,
        remembered: &Remembered,
        redirect_uri: &str,
    ) -> Result<Chosen, CredentialError> {
        let own = |client: &UsedClient| Chosen { client: client.clone(), registered: None };
        if let Some(configured) = &self.clients.configured {
            return Ok(own(configured));
        }
        let terms = &found.metadata.terms;
        if let Some(document) = &self.clients.document
            && terms.client_id_metadata_document_supported
        {
            return Ok(own(document));
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
                self.doubts.only(kept);
                true
            })
            .await?;
        drop(lease);
        Ok((&client).into())
    }

    /// The newest client that the issuer has registered and that is not in doubt. One that somebody has
    /// signed in with is taken all the same: the issuer can be asked about it.
    fn usable(
        &self,
        found: &Discovered,
        remembered: &Remembered,
        redirect_uri: &str,
    ) -> Option<Chosen> {
        let (issuer, now) = (found.issuer.as_str(), self.binder.runtime.clock.now());
        let mut clients = remembered.clients.iter().rev();
        let client = clients.find(|client| {
            let doubted = || !client.accepted && self.doubts.of(issuer, &client.client_id);
            client.serves(issuer, redirect_uri, now) && !doubted()
        });
        client.map(Chosen::from)
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

impl From<&RegisteredClient> for Chosen {
    fn from(client: &RegisteredClient) -> Self {
        Self { client: client.into(), registered: Some(client.clone()) }
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

/// Whether what came back says that the issuer does not take this client (RFC 6749 §4.1.2.1), and
/// names that issuer where it must (RFC 9207 §2.4).
async fn client_is_refused(answer: &SignInAnswer, bound: &Bound) -> bool {
    let value = |name: &str| match answer {
        SignInAnswer::Callback(parameters) => {
            parameters.get(name).map(|value| value.expose_secret().to_owned())
        }
        SignInAnswer::Pasted(text) => {
            let url = Url::parse(text.expose_secret().trim()).ok()?;
            let mut pairs = url.query_pairs();
            pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
        }
        _ => None,
    };
    if !matches!(value("error").as_deref(), Some("invalid_client" | "unauthorized_client")) {
        return false;
    }
    match value("iss") {
        Some(iss) => iss == bound.binding.place.issuer,
        None => bound
            .provider
            .core
            .issuer
            .metadata()
            .await
            .is_ok_and(|metadata| metadata.response_iss != ResponseIss::Promised),
    }
}

fn finished(state: FlowState) -> Result<Flow, CredentialError> {
    state.downcast::<Flow>().map(|flow| *flow).map_err(|_| strange())
}

fn strange() -> CredentialError {
    CredentialError::new(ErrorCode::Internal, "the state belongs to another sign-in")
}
