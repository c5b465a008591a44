//! The steps of a sign-in, whatever the way: begin, answer, count, end.

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, FlowState, Key, Request, Revocation, SignIn,
    SignInAnswer, SignInMethod, SignInProgress, SignInStart, SignedIn, async_trait,
};

use super::code::CodeFlow;
use super::device::DeviceFlow;
use super::finished::{Finished, strange};
use crate::core::Core;
use crate::credential::OAuthCredential;
use crate::grant::Login;
use crate::issued::kept;
use crate::provider::OAuthProvider;

/// What is remembered between the steps.
struct Flow {
    key: Key,
    way: Way,
}

enum Way {
    Code(CodeFlow),
    Device(DeviceFlow),
}

#[async_trait]
impl SignIn for OAuthProvider {
    async fn start(
        &self,
        request: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let core = &self.core;
        let described = signed_in(core, request)?;
        let (way, step) = match method(core, start).await? {
            SignInMethod::DeviceCode => {
                let (flow, step) = DeviceFlow::start(core, request, described, start).await?;
                (Way::Device(flow), step)
            }
            _ => {
                let (flow, step) = CodeFlow::start(core, request, described, start).await?;
                (Way::Code(flow), step)
            }
        };
        let flow = Flow { key: request.key().clone(), way };
        Ok((Box::new(flow), SignInProgress::Step(step)))
    }

    async fn answer(
        &self,
        request: &Request,
        state: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let core = &self.core;
        let described = signed_in(core, request)?;
        let flow = state.downcast_mut::<Flow>().ok_or_else(strange)?;
        if flow.key != *request.key() {
            return Err(strange());
        }
        match &mut flow.way {
            Way::Code(flow) => flow.answer(core, request, described, answer).await,
            Way::Device(flow) => flow.answer(core, request, described, answer).await,
        }
    }

    fn is_spent(&self, state: &FlowState) -> bool {
        Self::is_flow_spent(state)
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let core = &self.core;
        signed_in(core, request)?;
        let Finished { login, credential } = Finished::from(done)?;
        let (grant, key) = (kept(login.as_ref())?, login.as_ref().and_then(Login::key));
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
        Ok(match (saved.credential, key) {
            (Some(credential), Some(key)) => Some(core.bound(key, credential)),
            (credential, _) => credential,
        })
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
        if let Ok(Finished { login: Some(login), credential }) = Finished::from(done) {
            self.core.discard(request, &login, credential.account()).await;
        }
    }

    async fn logout_page(&self, request: &Request) -> Result<Option<String>, CredentialError> {
        let core = &self.core;
        signed_in(core, request)?;
        let metadata = core.issuer.metadata().await?;
        let Some(endpoint) = &metadata.end_session_endpoint else { return Ok(None) };
        let mut page = endpoint.url().clone();
        {
            let mut query = page.query_pairs_mut();
            query.append_pair("client_id", &core.endpoint.client.id);
            if let Some(back) = &core.post_logout_redirect_uri {
                query.append_pair("post_logout_redirect_uri", back);
            }
        }
        Ok(Some(page.into()))
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.core.end(request).await
    }
}

impl OAuthProvider {
    /// Whether the code that a flow of any such provider waited for is used up; see
    /// [`SignIn::is_spent`]. For a provider that hands its sign-ins on to one of these.
    #[must_use]
    pub fn is_flow_spent(state: &FlowState) -> bool {
        state.downcast_ref::<Flow>().is_some_and(|flow| match &flow.way {
            Way::Code(flow) => flow.is_spent(),
            Way::Device(flow) => flow.is_spent(),
        })
    }
}

/// What is said about a credential that somebody signs in for.
fn signed_in<'a>(
    core: &'a Core,
    request: &Request,
) -> Result<&'a OAuthCredential, CredentialError> {
    let described = core.described(request)?;
    if described.is_signed_in() {
        return Ok(described);
    }
    let error = CredentialError::new(ErrorCode::Unsupported, "nobody signs in for it");
    Err(error.about(&request.key().reference()))
}

/// The way asked for; else with a browser, unless nothing could come back from it and the issuer
/// lets devices in.
async fn method(core: &Core, start: &SignInStart) -> Result<SignInMethod, CredentialError> {
    let [code, device] = [SignInMethod::AuthorizationCode, SignInMethod::DeviceCode];
    let possible = |method: &SignInMethod| core.methods.contains(method);
    match start.method {
        Some(method) if possible(&method) => Ok(method),
        Some(_) => {
            let detail = "this provider is not set up for signing in this way";
            Err(CredentialError::new(ErrorCode::Unsupported, detail))
        }
        None if !possible(&device) => Ok(code),
        None if !possible(&code) => Ok(device),
        None => {
            let returns = start.redirect_uri.is_some() || core.redirect_uri.is_some();
            let metadata = core.issuer.metadata().await?;
            let browser = metadata.authorization_endpoint.is_some() && returns;
            let elsewhere = metadata.device_authorization_endpoint.is_some();
            Ok(if elsewhere && !browser { device } else { code })
        }
    }
}
