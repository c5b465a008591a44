//! A refresh token for new tokens (RFC 6749 §6): the one call that a renewal asks for.

use std::sync::Arc;

use credential_provider_api::{
    Credential, CredentialError, ErrorCode, Grant, ReauthReason, Request, async_trait,
};
use credential_store::{Exchange, Exchanged};

use crate::core::Core;
use crate::credential::{OAuthCredential, TokenBinding};
use crate::dpop::ProofKey;
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
        let ready = match self.ready(grant).await {
            Ok(ready) => ready,
            Err(error) => return Exchanged::Unspent(error),
        };
        let Ready { login, key } = ready;
        let Some(refresh_token) = &login.refresh_token else {
            let detail = "the issuer gave nothing to renew it with".into();
            return Exchanged::Refused { reason: ReauthReason::GrantExpired, detail };
        };
        let form = Form::new("refresh_token")
            .secret("refresh_token", refresh_token)
            .optional("resource", self.core.resource(&self.request, &self.described).as_deref());
        let sent_at = self.core.clock.now();
        let tokens = match self.core.endpoint.send(&self.request, form, key.as_ref()).await {
            TokenAnswer::Tokens(tokens) => *tokens,
            TokenAnswer::Rotated { refresh_token, error } => {
                let follower = Login { refresh_token: Some(refresh_token), ..login };
                return match kept(Some(&follower)) {
                    Ok(Some(grant)) => Exchanged::Rotated { grant, error },
                    Ok(None) | Err(_) => Exchanged::Unanswered(error),
                };
            }
            TokenAnswer::Refused { reason, detail } => {
                return Exchanged::Refused { reason, detail };
            }
            TokenAnswer::Unspent(error) => return Exchanged::Unspent(error),
            TokenAnswer::Unanswered(error) => return Exchanged::Unanswered(error),
        };
        let identity = self.identity(&tokens).await;
        // OpenID Connect Core §12.2: it must be the same person.
        let other = identity.as_ref().ok().and_then(Option::as_ref).zip(login.sub.as_ref());
        if other.is_some_and(|(identity, sub)| identity.sub != *sub) {
            return Exchanged::Refused {
                reason: ReauthReason::GrantRejected,
                detail: "the issuer answered for another account".into(),
            };
        }
        let (identity, doubt) = match identity {
            Ok(identity) => (identity, None),
            Err(error) => (None, Some(error)),
        };
        let key = key.as_ref();
        let before = Some((&login, current));
        let received = Received { tokens, identity, sent_at, key, before };
        let follower = received.login(self.core.party(), &self.described);
        let issued = match doubt {
            None => received.credential(self.core.party(), &self.described),
            Some(error) => Err(error),
        };
        match (issued, kept(follower.as_ref())) {
            (Ok(credential), Ok(grant)) => Exchanged::Issued { credential, grant },
            // The old one is spent, and this is all that is left of the login.
            (Err(error), Ok(Some(grant))) => Exchanged::Rotated { grant, error },
            (Err(error), Ok(None)) => Exchanged::Unspent(error),
            (_, Err(error)) => Exchanged::Unanswered(error),
        }
    }

    fn attach(&self, grant: Option<&Grant>, credential: Credential) -> Credential {
        match grant.and_then(|grant| Login::from_grant(grant).ok()?.key()) {
            Some(key) => self.core.bound(key, credential),
            None => credential,
        }
    }

    async fn discard(&self, grant: Grant) {
        let Ok(login) = Login::from_grant(&grant) else { return };
        self.core.discard(&self.request, &login, None).await;
    }
}

/// A grant that can be sent.
struct Ready {
    login: Login,
    key: Option<ProofKey>,
}

impl Refresh {
    /// What the exchange needs besides, had before the grant is spent: after that nothing may fail
    /// that need not.
    async fn ready(&self, grant: &Grant) -> Result<Ready, CredentialError> {
        let login = Login::from_grant(grant)?;
        if !self.core.party().owns(&login) {
            return Err(foreign());
        }
        // Set up anew with another binding: what the issuer would give could not be served.
        if login.proof_key.is_some() != (self.described.binding == TokenBinding::DPoP) {
            return Err(foreign());
        }
        if login.sub.is_some() {
            self.core.issuer.keys().await?;
        }
        let key = login.key();
        if login.proof_key.is_some() && key.is_none() {
            let detail = "the key of the login is damaged";
            return Err(CredentialError::new(ErrorCode::StoreUnreadable, detail));
        }
        Ok(Ready { login, key })
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
    let detail = "the login that is kept is of another issuer or client, or bound otherwise";
    CredentialError::needs_reauth(ReauthReason::NotSignedIn, detail)
}
