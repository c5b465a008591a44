//! Tokens that nobody signs in for: asked for when needed, with nothing kept but in the engine.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Credential, CredentialError, CredentialKind, CredentialRef, ErrorCode, Request, Want,
};
use secrecy::SecretString;

use crate::client::ClientAuthentication;
use crate::core::Core;
use crate::credential::{OAuthCredential, TokenBinding};
use crate::dpop::ProofKey;
use crate::form::Form;
use crate::grant_type::{GrantType, JwtBearer, TokenExchange, TokenTypeIdentifier};
use crate::issued::Received;
use crate::jose::Claims;
use crate::token::TokenAnswer;

/// How long an assertion is good for.
const ASSERTION_LIFE: Duration = Duration::from_secs(300);

/// A token by `described`'s grant type; `None` if somebody must sign in for it.
pub(crate) async fn obtain(
    core: &Arc<Core>,
    request: &Request,
    described: &OAuthCredential,
) -> Option<Result<Credential, CredentialError>> {
    Some(match &described.grant_type {
        GrantType::SignIn => return None,
        GrantType::ClientCredentials => {
            let form = asked_for(core, request, described, Form::new("client_credentials"));
            sent(core, request, described, form, Speaker::Client).await.map_err(Refusal::error)
        }
        GrantType::JwtBearer(bearer) => by_assertion(core, request, described, bearer).await,
        GrantType::TokenExchange(exchange) => exchanged(core, request, described, exchange).await,
    })
}

/// In whose name a form is sent.
#[derive(Clone, Copy)]
enum Speaker {
    Client,
    Assertion,
}

/// The issuer did not accept what it was shown, or something else went wrong.
enum Refusal {
    Grant(CredentialError),
    Other(CredentialError),
}

impl Refusal {
    fn error(self) -> CredentialError {
        match self {
            Self::Grant(error) | Self::Other(error) => error,
        }
    }
}

async fn by_assertion(
    core: &Arc<Core>,
    request: &Request,
    described: &OAuthCredential,
    bearer: &JwtBearer,
) -> Result<Credential, CredentialError> {
    let form = |assertion: &SecretString| {
        let form = Form::new("urn:ietf:params:oauth:grant-type:jwt-bearer");
        asked_for(core, request, described, form.secret("assertion", assertion))
    };
    // RFC 7521 §4.1: a client that does not authenticate need not name itself.
    let speaker = match core.endpoint.client.authentication {
        ClientAuthentication::None => Speaker::Assertion,
        _ => Speaker::Client,
    };
    let Some(from) = &bearer.assertion else {
        let assertion = self_signed(core, request, bearer).await?;
        let sent = sent(core, request, described, form(&assertion), speaker).await;
        return sent.map_err(Refusal::error);
    };
    let shown = shown(request, from, None).await?;
    match sent(core, request, described, form(token(&shown, from)?), speaker).await {
        Err(Refusal::Grant(_)) => {
            // It may have been revoked where it comes from: a newer one is asked for, once.
            let newer = self::shown(request, from, Some(&shown)).await?;
            let form = form(token(&newer, from)?);
            sent(core, request, described, form, speaker).await.map_err(Refusal::error)
        }
        other => other.map_err(Refusal::error),
    }
}

/// RFC 7523 §3.
async fn self_signed(
    core: &Core,
    request: &Request,
    bearer: &JwtBearer,
) -> Result<SecretString, CredentialError> {
    let metadata = core.issuer.metadata().await?;
    let client = &core.endpoint.client;
    let key = client.key(request).await?;
    let issuer = bearer.issuer.as_ref().unwrap_or(&client.id);
    let audience = bearer.audience.as_deref();
    let audience = audience.unwrap_or_else(|| metadata.token_endpoint.url().as_str());
    let further = bearer.claims.iter().map(|(name, value)| (name.clone(), value.clone()));
    let claims = further.collect::<Claims>();
    let claims = claims
        .with("iss", &**issuer)
        .with("sub", bearer.subject.as_deref().unwrap_or(issuer))
        .with("aud", audience);
    client.signed(&key, claims, ASSERTION_LIFE)
}

async fn exchanged(
    core: &Arc<Core>,
    request: &Request,
    described: &OAuthCredential,
    exchange: &TokenExchange,
) -> Result<Credential, CredentialError> {
    let actor = match &exchange.actor {
        Some(from) => Some((shown(request, from, None).await?, from)),
        None => None,
    };
    let form = |subject: &Credential| {
        let kind = identifier(exchange.subject_token_type, subject);
        let mut form = Form::new("urn:ietf:params:oauth:grant-type:token-exchange")
            .secret("subject_token", token(subject, &exchange.subject)?)
            .text("subject_token_type", kind.urn());
        if let Some((actor, from)) = &actor {
            let kind = identifier(exchange.actor_token_type, actor);
            form = form
                .secret("actor_token", token(actor, from)?)
                .text("actor_token_type", kind.urn());
        }
        if let Some(wanted) = exchange.requested_token_type {
            form = form.text("requested_token_type", wanted.urn());
        }
        let audience = request.key().variant.get("audience");
        let audience = audience.as_deref().or(exchange.audience.as_deref());
        Ok::<_, CredentialError>(asked_for(
            core,
            request,
            described,
            form.optional("audience", audience),
        ))
    };
    let subject = shown(request, &exchange.subject, None).await?;
    match sent(core, request, described, form(&subject)?, Speaker::Client).await {
        Err(Refusal::Grant(_)) => {
            let newer = shown(request, &exchange.subject, Some(&subject)).await?;
            let sent = sent(core, request, described, form(&newer)?, Speaker::Client).await;
            sent.map_err(Refusal::error)
        }
        other => other.map_err(Refusal::error),
    }
}

/// Another credential, of the same session, and not the one that was refused.
async fn shown(
    request: &Request,
    from: &CredentialRef,
    refused: Option<&Credential>,
) -> Result<Arc<Credential>, CredentialError> {
    let want = Want::new(from.clone());
    request.depend_on(want.rejecting(refused.and_then(Credential::revision))).await
}

fn token<'a>(
    credential: &'a Credential,
    from: &CredentialRef,
) -> Result<&'a SecretString, CredentialError> {
    credential.secret().ok_or_else(|| {
        let detail = "a credential of several values is no token";
        CredentialError::new(ErrorCode::ConfigurationInvalid, detail).about(from)
    })
}

fn identifier(said: Option<TokenTypeIdentifier>, credential: &Credential) -> TokenTypeIdentifier {
    said.unwrap_or_else(|| match credential.kind() {
        CredentialKind::OAuth2 => TokenTypeIdentifier::AccessToken,
        _ => TokenTypeIdentifier::Jwt,
    })
}

/// The scopes and the resource wanted.
fn asked_for(core: &Core, request: &Request, described: &OAuthCredential, form: Form) -> Form {
    let scopes = (!described.scopes.is_empty()).then(|| described.scopes.join(" "));
    form.optional("scope", scopes.as_deref())
        .optional("resource", core.resource(request, described).as_deref())
}

async fn sent(
    core: &Arc<Core>,
    request: &Request,
    described: &OAuthCredential,
    form: Form,
    speaker: Speaker,
) -> Result<Credential, Refusal> {
    let key = core.new_key(described).map_err(Refusal::Other)?;
    let sent_at = core.clock.now();
    let answer = match speaker {
        Speaker::Client => core.endpoint.send(request, form, key.as_ref()).await,
        Speaker::Assertion => core.endpoint.send_unnamed(form, key.as_ref()).await,
    };
    let tokens = match answer {
        TokenAnswer::Tokens(tokens) => *tokens,
        TokenAnswer::Refused { detail, .. } => {
            return Err(Refusal::Grant(CredentialError::new(ErrorCode::Rejected, detail)));
        }
        TokenAnswer::Rotated { error, .. }
        | TokenAnswer::Unspent(error)
        | TokenAnswer::Unanswered(error) => {
            return Err(Refusal::Other(error));
        }
    };
    let received = Received { tokens, identity: None, sent_at, key: key.as_ref(), before: None };
    let credential = received.credential(core.party(), described).map_err(Refusal::Other)?;
    Ok(match key {
        Some(key) => core.bound(key, credential),
        None => credential,
    })
}

impl Core {
    /// A key for a token of `described`, if it is bound to one.
    pub(crate) fn new_key(
        &self,
        described: &OAuthCredential,
    ) -> Result<Option<ProofKey>, CredentialError> {
        match described.binding {
            TokenBinding::Bearer => Ok(None),
            TokenBinding::DPoP => ProofKey::generate(&*self.random).map(Some),
        }
    }
}
