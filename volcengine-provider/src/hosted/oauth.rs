//! OAuth tokens that the vault has and renews.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use credential_provider_api::{
    Credential, CredentialError, ErrorCode, ReauthReason, SecretString, Timestamp,
};

use super::catalog::{CredentialProviderQuery, credential_providers};
use super::settings::{Flow, OAuthSettings};
use super::vault::{Asking, of_user};
use crate::action::resource::{CustomParameters, GetResourceOauth2Token, ResourceOauth2Token};
use crate::action::workload::KeyValue;
use crate::wire::{CallError, Fault, RequestKeys};

/// How long a credential provider's own flow is remembered. It changes with what it is for, seldom.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// The flows of credential providers, by pool and name: looked up once, and again after an hour or
/// when a request by it was refused.
#[derive(Debug, Default)]
pub(crate) struct Flows(Mutex<BTreeMap<FlowOf, (Flow, Timestamp)>>);

/// The pool and the name of a credential provider.
type FlowOf = (Option<String>, String);

impl Flows {
    fn known(&self, of: &FlowOf, now: Timestamp) -> Option<Flow> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(of).filter(|(_, until)| now < *until).map(|(flow, _)| *flow)
    }

    fn learn(&self, of: FlowOf, flow: Flow, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(of, (flow, now.plus(REMEMBERED)));
    }

    fn forget(&self, of: &FlowOf) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(of);
    }
}

/// How a consent is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consenting {
    /// The one there is serves.
    IfMissing,
    /// A new one.
    Anew,
}

/// What the vault answered: a token, or a page where somebody has to consent.
pub(super) enum Answered {
    Token(Box<Credential>),
    Page { url: SecretString, session: Option<SecretString> },
}

impl Flow {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::UserFederation => "USER_FEDERATION",
            Self::M2m => "M2M",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::UserFederation, Self::M2m].into_iter().find(|flow| flow.as_str() == text)
    }
}

impl Asking<'_> {
    pub(super) async fn oauth_token(
        &self,
        settings: &OAuthSettings,
    ) -> Result<Credential, CredentialError> {
        let flow = self.flow(settings).await?;
        let answered = self.ask_token(settings, flow, Consenting::IfMissing, None, None).await?;
        match answered {
            Answered::Token(credential) => Ok(*credential),
            // The page is for a flow that a person starts, where somebody waits for the consent.
            Answered::Page { .. } => Err(CredentialError::needs_reauth(
                ReauthReason::ConsentRequired,
                "somebody has to consent at the third party: sign in to this credential",
            )),
        }
    }

    /// The flow that is said, or the credential provider's own.
    pub(super) async fn flow(&self, settings: &OAuthSettings) -> Result<Flow, CredentialError> {
        if let Some(flow) = settings.flow {
            return Ok(flow);
        }
        let of = (self.pool(), self.name()?);
        let (flows, now) = (&self.vault.flows, self.request.now());
        if let Some(flow) = flows.known(&of, now) {
            return Ok(flow);
        }
        let keys = RequestKeys::new(self.request, self.platform.clone());
        let (pool_name, name) = (of.0.clone(), Some(of.1.clone()));
        let kind = Some("oauth2".to_owned());
        let query = CredentialProviderQuery { pool_name, name, kind, ..Default::default() };
        let found = credential_providers(self.client, &keys, &query).await?;
        let found = found.first().ok_or_else(|| {
            let detail = "there is no OAuth credential provider of this name";
            CredentialError::new(ErrorCode::CredentialNotFound, detail)
        })?;
        let flow = found.flow.as_deref().and_then(Flow::parse).ok_or_else(|| {
            let detail = "its flow is not known here: say `flow`";
            CredentialError::new(ErrorCode::Unsupported, detail)
        })?;
        flows.learn(of, flow, now);
        Ok(flow)
    }

    pub(super) async fn ask_token(
        &self,
        settings: &OAuthSettings,
        flow: Flow,
        consenting: Consenting,
        session: Option<&SecretString>,
        state: Option<&SecretString>,
    ) -> Result<Answered, CallError> {
        let name = self.name()?;
        let scopes = self.scopes(settings);
        let user = flow == Flow::UserFederation;
        let sent_at = self.request.now();
        let asked = self
            .call(|token| {
                let mut ask = GetResourceOauth2Token::new(token, name.clone());
                ask.pool_name = self.pool();
                ask.flow = Some(flow.as_str().to_owned());
                ask.scopes = Some(scopes.clone()).filter(|scopes| !scopes.is_empty());
                if user {
                    ask.force_authentication = Some(consenting == Consenting::Anew);
                    ask.redirect_url = settings.redirect_url.clone();
                    ask.resource_oauth2_return_url = settings.return_url.clone();
                    ask.custom_parameters = custom(settings);
                    ask.session_uri = session.cloned();
                    ask.custom_state = state.cloned();
                }
                ask
            })
            .await;
        let refused = |error: &CallError| {
            matches!(error.fault(), Some(Fault::Invalid | Fault::NotFound | Fault::Denied))
        };
        if settings.flow.is_none() && asked.as_ref().is_err_and(refused) {
            self.vault.flows.forget(&(self.pool(), name));
        }
        let (answer, token) = asked?;
        let ResourceOauth2Token { access_token, authorization_url, expires_in, session_uri } =
            answer;
        match (access_token.filter(filled), authorization_url.filter(filled)) {
            (Some(secret), _) => {
                let mut credential = of_user(Credential::oauth2(secret), &token);
                if let Some(life) = expires_in.filter(|seconds| *seconds > 0) {
                    credential = credential.with_expiry(sent_at.plus(Duration::from_secs(life)));
                }
                if !scopes.is_empty() {
                    credential = credential.with_scopes(scopes);
                }
                Ok(Answered::Token(Box::new(credential)))
            }
            (None, Some(url)) if user => {
                Ok(Answered::Page { url, session: session_uri.filter(filled) })
            }
            (None, _) => {
                let detail = "the vault gave neither a token nor a page";
                Err(CredentialError::new(ErrorCode::InvalidResponse, detail).into())
            }
        }
    }

    /// Those of the variant, or those that are configured; the credential provider's own if none.
    fn scopes(&self, settings: &OAuthSettings) -> Vec<String> {
        match self.request.key().variant.get("scopes") {
            Some(scopes) => scopes.split(' ').map(str::to_owned).collect(),
            None => settings.scopes.clone(),
        }
    }
}

fn custom(settings: &OAuthSettings) -> Option<CustomParameters> {
    let entries: Vec<KeyValue> = settings
        .custom_parameters
        .iter()
        .map(|(key, value)| KeyValue { key: Some(key.clone()), value: Some(value.clone()) })
        .collect();
    (!entries.is_empty()).then_some(CustomParameters { entries: Some(entries) })
}

fn filled(secret: &SecretString) -> bool {
    !credential_provider_api::ExposeSecret::expose_secret(secret).is_empty()
}
