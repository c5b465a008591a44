//! A refresh token for new tokens (RFC 6749 §6): the one call that a renewal asks for.

use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialError, Grant, ReauthReason, Request, async_trait,
};
use credential_store::{Exchange, Exchanged};

use crate::core::Core;
use crate::credential::OAuthCredential;
use crate::form::Form;
use crate::grant::Login;
use crate::issued::{Received, kept};
use crate::sign_in::{Identity, Nonce};
use crate::token::{TokenAnswer, Tokens};

/// One renewal of one credential, on behalf of one request.
pub(crate) struct Refresh {
    pub(crate) core: Arc<Core>,
    pub(crate) request: Request,
    pub(crate) described: OAuthCredential,
}

#[async_trait]
impl Exchange for Refresh {
    async fn exchange(&self, grant: &Grant, current: Option<&Credential>) -> Exchanged {
        let login = match self.ready(grant).await {
            Ok(login) => login,
            Err(error) => return Exchanged::Unspent(error),
        };
        let form = Form::new("refresh_token")
            .secret("refresh_token", &login.refresh_token)
            .optional("resource", self.core.resource(&self.request, &self.described).as_deref());
        let sent_at = self.core.clock.now();
        let tokens = match self.core.endpoint.send(&self.request, form).await {
            TokenAnswer::Tokens(tokens) => *tokens,
            TokenAnswer::Refused { reason, detail } => {
                return Exchanged::Refused { reason, detail };
            }
            TokenAnswer::Unspent(error) => return Exchanged::Unspent(error),
            TokenAnswer::Unanswered(error) => return Exchanged::Unanswered(error),
        };
        let identity = match self.identity(&tokens).await {
            Ok(identity) => identity,
            Err(error) => return Exchanged::Unanswered(error),
        };
        // OpenID Connect Core §12.2: it must be the same person.
        let other = identity.as_ref().zip(login.sub.as_ref());
        if other.is_some_and(|(identity, sub)| identity.sub != *sub) {
            return Exchanged::Refused {
                reason: ReauthReason::GrantRejected,
                detail: "the issuer answered for another account".into(),
            };
        }
        let received = Received { tokens, identity, sent_at, before: Some((&login, current)) };
        let issued = received.issue(self.core.party(), &self.described);
        match issued.and_then(|(login, credential)| Ok((kept(login.as_ref())?, credential))) {
            Ok((grant, credential)) => Exchanged::Issued { credential, grant },
            Err(error) => Exchanged::Unanswered(error),
        }
    }

    async fn discard(&self, grant: Grant) {
        let Ok(login) = Login::from_grant(&grant) else { return };
        self.core.discard(&self.request, &login, None).await;
    }
}

impl Refresh {
    /// What the exchange needs besides, had before the grant is spent: after that nothing may fail
    /// that need not.
    async fn ready(&self, grant: &Grant) -> Result<Login, CredentialError> {
        let login = Login::from_grant(grant)?;
        if !self.core.party().owns(&login) {
            return Err(foreign());
        }
        if login.sub.is_some() {
            self.core.issuer.keys().await?;
        }
        Ok(login)
    }

    async fn identity(&self, tokens: &Tokens) -> Result<Option<Identity>, CredentialError> {
        let Some(token) = tokens.id_token.as_ref().filter(|_| self.described.is_openid()) else {
            return Ok(None);
        };
        let (issuer, now) = (&self.core.issuer, self.core.clock.now());
        self.core.rules.verify(issuer, token, Nonce::Free, now).await.map(Some)
    }
}

/// What is kept belongs to another issuer or client, and is not sent to this one.
pub(crate) fn foreign() -> CredentialError {
    let detail = "the login that is kept is of another issuer or client";
    CredentialError::needs_reauth(ReauthReason::NotSignedIn, detail)
}
