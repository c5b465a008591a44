//! The steps of a sign-in: open an address, come back with a code, count.

use std::collections::BTreeMap;

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, FlowId, FlowState, Key, Request, Revocation,
    SecretString, SignIn, SignInAnswer, SignInMethod, SignInProgress, SignInStart, SignInStep,
    SignedIn, async_trait,
};
use secrecy::ExposeSecret as _;

use super::authorization::Authorization;
use super::callback::{parameters_of, refused, same, wrong};
use super::id_token::{Identity, Nonce};
use super::pkce::unguessable;
use crate::core::Core;
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::grant::Login;
use crate::issued::{Received, kept};
use crate::issuer::ResponseIss;
use crate::provider::OAuthProvider;
use crate::token::{TokenAnswer, Tokens};

/// What came back, by name.
pub(super) type Parameters = BTreeMap<String, SecretString>;

/// What is remembered between the steps.
struct Flow {
    id: FlowId,
    key: Key,
    redirect_uri: String,
    verifier: SecretString,
    nonce: Option<SecretString>,
    code: Code,
}

/// A code is good once (RFC 6749 §4.1.2).
#[derive(PartialEq, Eq)]
enum Code {
    Awaited,
    Sent,
}

/// A sign-in that has finished and does not count yet.
struct Finished {
    login: Option<Login>,
    credential: Credential,
}

#[async_trait]
impl SignIn for OAuthProvider {
    async fn start(
        &self,
        request: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        if !matches!(start.method, None | Some(SignInMethod::AuthorizationCode)) {
            return Err(CredentialError::new(ErrorCode::Unsupported, "with a browser only"));
        }
        let core = &self.core;
        let described = core.described(request)?;
        let redirect_uri =
            redirect_uri(start.redirect_uri.as_ref().or(core.redirect_uri.as_ref()))?;
        let metadata = core.issuer.metadata().await?;
        let endpoint = metadata.authorization_endpoint.as_ref().ok_or_else(|| {
            let detail = "the issuer has no page to sign in at";
            CredentialError::new(ErrorCode::Unsupported, detail)
        })?;
        let verifier = unguessable(&*core.random);
        let nonce = described.is_openid().then(|| unguessable(&*core.random));
        let url = Authorization {
            client_id: &core.endpoint.client.id,
            redirect_uri: &redirect_uri,
            scopes: &described.scopes,
            flow: &start.flow,
            verifier: &verifier,
            nonce: nonce.as_ref(),
            resource: core.resource(request, described).as_deref(),
            further: &core.authorization_parameters,
        }
        .url(endpoint);
        let (id, key) = (start.flow.clone(), request.key().clone());
        let flow = Flow { id, key, redirect_uri, verifier, nonce, code: Code::Awaited };
        let expires_at = start.expires_at;
        let step = SignInStep::OpenUrl { url, expires_at, poll_every: None };
        Ok((Box::new(flow), SignInProgress::Step(step)))
    }

    async fn answer(
        &self,
        request: &Request,
        state: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let core = &self.core;
        let described = core.described(request)?;
        let flow = state.downcast_mut::<Flow>().ok_or_else(strange)?;
        if flow.key != *request.key() {
            return Err(strange());
        }
        let mut parameters = parameters_of(answer, &flow.redirect_uri)?;
        let code = flow.code_in(&mut parameters, core).await?;
        if described.is_openid() {
            // A code that was spent for want of a key is a sign-in lost.
            core.issuer.keys().await?;
        }
        let resource = core.resource(request, described);
        let form = Form::new("authorization_code")
            .secret("code", &code)
            .text("redirect_uri", &flow.redirect_uri)
            .secret("code_verifier", &flow.verifier)
            .optional("resource", resource.as_deref());
        // A code is good once: if it is sent, its answer is wanted.
        let commit = request.commit()?;
        flow.code = Code::Sent;
        let sent_at = core.clock.now();
        let answered = core.endpoint.send(request, form).await;
        drop(commit);
        let tokens = match answered {
            TokenAnswer::Tokens(tokens) => *tokens,
            TokenAnswer::Refused { detail, .. } => {
                return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
            }
            TokenAnswer::Unspent(error) => {
                flow.code = Code::Awaited;
                return Err(error);
            }
            TokenAnswer::Unanswered(error) => return Err(error),
        };
        let identity = flow.identity(core, &tokens).await?;
        let received = Received { tokens, identity, sent_at, before: None };
        let (login, credential) = received.issue(core.party(), described)?;
        let account = credential.account().cloned();
        let finished = Finished { login, credential };
        Ok(SignInProgress::Finished(SignedIn::new(account, Box::new(finished))))
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let core = &self.core;
        core.described(request)?;
        let Finished { login, credential } = finished(done)?;
        let grant = kept(login.as_ref())?;
        let account = credential.account().cloned();
        let commit = request.commit()?;
        let before = core.grants.current(request.key()).await?;
        let saved = core.grants.sign_in(request.key(), grant, Some(credential)).await?;
        drop(commit);
        let replaced = saved.replaced.and_then(|grant| Login::from_grant(&grant).ok());
        let before = before.and_then(|before| before.account().cloned());
        // The same person's old login is left to age: at many issuers revoking it would end the new
        // one (RFC 7009 §2.1).
        let others = before.is_some() && account.is_some() && before != account;
        if let Some(replaced) = replaced.filter(|login| others && core.party().owns(login)) {
            core.revoke_quietly(request, &replaced).await;
        }
        Ok(saved.credential)
    }

    async fn account(&self, request: &Request) -> Result<Option<AccountId>, CredentialError> {
        let described = self.core.described(request)?;
        if described.account.is_some() {
            return Ok(described.account.clone());
        }
        let current = self.core.grants.current(request.key()).await?;
        let ours = current.filter(|current| self.core.party().issued(current));
        Ok(ours.and_then(|current| current.account().cloned()))
    }

    async fn discard(&self, request: &Request, done: SignedIn) {
        if let Ok(Finished { login: Some(login), credential }) = finished(done) {
            self.core.discard(request, &login, credential.account()).await;
        }
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.core.end(request).await
    }
}

impl Flow {
    /// The code, if what came back belongs to this flow and comes from its issuer.
    async fn code_in(
        &self,
        parameters: &mut Parameters,
        core: &Core,
    ) -> Result<SecretString, CredentialError> {
        let mut take = |name: &str| parameters.remove(name);
        let state = take("state").ok_or_else(|| wrong("the callback has no state"))?;
        if !same(state.expose_secret(), self.id.expose()) {
            return Err(wrong("the callback belongs to another sign-in"));
        }
        if self.code == Code::Sent {
            let detail = "this sign-in has been answered already";
            return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
        }
        let (iss, error) = (take("iss"), take("error"));
        let (description, code) = (take("error_description"), take("code"));
        // RFC 9207 §2.4: an answer of another issuer, be it an error, ends the flow.
        let promised = core.issuer.metadata().await?.response_iss == ResponseIss::Promised;
        let right = iss.as_ref().is_none_or(|iss| iss.expose_secret() == core.issuer.id.as_str());
        if !right || (promised && iss.is_none()) {
            let detail = "the callback comes from another issuer, or does not say from which";
            return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
        }
        if let Some(error) = error {
            let description = description.as_ref().map_or("", |text| text.expose_secret());
            return Err(refused(error.expose_secret(), description));
        }
        code.filter(|code| !code.expose_secret().is_empty())
            .ok_or_else(|| wrong("the callback has no code"))
    }

    /// Who signed in, where the issuer was asked.
    async fn identity(
        &self,
        core: &Core,
        tokens: &Tokens,
    ) -> Result<Option<Identity>, CredentialError> {
        let Some(nonce) = &self.nonce else { return Ok(None) };
        let token = tokens.id_token.as_ref().ok_or_else(|| {
            let detail = "the issuer was asked who signed in and sent no ID token";
            CredentialError::new(ErrorCode::InvalidResponse, detail)
        })?;
        let now = core.clock.now();
        core.rules.verify(&core.issuer, token, Nonce::Expected(nonce), now).await.map(Some)
    }
}

fn finished(done: SignedIn) -> Result<Finished, CredentialError> {
    done.state.downcast::<Finished>().map(|finished| *finished).map_err(|_| strange())
}

/// https, or http on loopback: a code in plain text is anybody's.
pub(crate) fn redirect_uri(given: Option<&String>) -> Result<String, CredentialError> {
    let given = given.ok_or_else(|| {
        let detail = "name a redirect address: a listener's, the host's, or `redirectUri`";
        CredentialError::new(ErrorCode::NotConfigured, detail)
    })?;
    Endpoint::parse(given).map(|_| given.clone()).map_err(|_| {
        let detail = "the redirect address is neither https nor on loopback";
        CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
    })
}

fn strange() -> CredentialError {
    CredentialError::new(ErrorCode::Internal, "the state belongs to another sign-in")
}
