//! With a browser: authorization code and PKCE (RFC 6749 §4.1, RFC 7636).

use std::collections::BTreeMap;

use credential_provider_api::{
    CredentialError, ErrorCode, FlowId, Request, SecretString, SignInAnswer, SignInProgress,
    SignInStart, SignInStep,
};
use secrecy::ExposeSecret as _;

use super::authorization::Authorization;
use super::callback::{parameters_of, refused, same, wrong};
use super::finished::{Asked, Finished};
use super::pkce::unguessable;
use super::pushed;
use crate::core::Core;
use crate::credential::OAuthCredential;
use crate::dpop::ProofKey;
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::issuer::ResponseIss;
use crate::token::TokenAnswer;

/// What came back, by name.
pub(super) type Parameters = BTreeMap<String, SecretString>;

/// What is remembered of it between the steps.
pub(super) struct CodeFlow {
    id: FlowId,
    redirect_uri: String,
    verifier: SecretString,
    nonce: Option<SecretString>,
    key: Option<ProofKey>,
    code: Code,
}

/// A code is good once (RFC 6749 §4.1.2).
#[derive(PartialEq, Eq)]
enum Code {
    Awaited,
    Sent,
}

impl CodeFlow {
    pub(super) fn is_spent(&self) -> bool {
        self.code == Code::Sent
    }

    pub(super) async fn start(
        core: &Core,
        request: &Request,
        described: &OAuthCredential,
        start: &SignInStart,
    ) -> Result<(Self, SignInStep), CredentialError> {
        let redirect_uri =
            redirect_uri(start.redirect_uri.as_ref().or(core.redirect_uri.as_ref()))?;
        let metadata = core.issuer.metadata().await?;
        let endpoint = metadata.authorization_endpoint.as_ref().ok_or_else(|| {
            let detail = "the issuer has no page to sign in at";
            CredentialError::new(ErrorCode::Unsupported, detail)
        })?;
        let verifier = unguessable(&*core.random);
        let nonce = described.is_openid().then(|| unguessable(&*core.random));
        let key = core.new_key(described)?;
        let resource = core.resource(request, described);
        let thumbprint = key.as_ref().map(ProofKey::thumbprint);
        let authorization = Authorization {
            client_id: &core.endpoint.client.id,
            redirect_uri: &redirect_uri,
            scopes: &described.scopes,
            flow: &start.flow,
            verifier: &verifier,
            nonce: nonce.as_ref(),
            resource: resource.as_deref(),
            thumbprint: thumbprint.as_deref(),
            further: &core.authorization_parameters,
            dialect: &core.endpoint.dialect,
        };
        let parameters = authorization.parameters();
        let (url, expires_at) =
            pushed::page(core, request, &metadata, endpoint, parameters, start).await?;
        let flow = Self {
            id: start.flow.clone(),
            redirect_uri,
            verifier,
            nonce,
            key,
            code: Code::Awaited,
        };
        Ok((flow, SignInStep::OpenUrl { url, expires_at, poll_every: None }))
    }

    pub(super) async fn answer(
        &mut self,
        core: &Core,
        request: &Request,
        described: &OAuthCredential,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let mut parameters = parameters_of(answer, &self.redirect_uri)?;
        let code = self.code_in(&mut parameters, core).await?;
        if described.is_openid() {
            // A code that was spent for want of a key is a sign-in lost.
            core.issuer.keys().await?;
        }
        let resource = core.resource(request, described);
        let form = Form::new("authorization_code")
            .secret("code", &code)
            .text("redirect_uri", &self.redirect_uri)
            .secret("code_verifier", &self.verifier)
            .optional("resource", resource.as_deref());
        // A code is good once: if it is sent, its answer is wanted.
        let commit = request.commit()?;
        self.code = Code::Sent;
        let sent_at = core.clock.now();
        let answered = core.endpoint.send(request, form, self.key.as_ref()).await;
        drop(commit);
        let tokens = match answered {
            TokenAnswer::Tokens(tokens) => *tokens,
            TokenAnswer::Rotated { refresh_token, error } => {
                Finished::unusable(core, request, refresh_token).await;
                return Err(error);
            }
            TokenAnswer::Refused { detail, .. } => {
                return Err(CredentialError::new(ErrorCode::FlowEnded, detail));
            }
            TokenAnswer::Unspent(error) => {
                self.code = Code::Awaited;
                return Err(error);
            }
            TokenAnswer::Unanswered(error) => return Err(error),
        };
        let asked = Asked { sent_at, key: self.key.as_ref(), nonce: self.nonce.as_ref() };
        Finished::of(core, request, described, tokens, asked).await
    }

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
