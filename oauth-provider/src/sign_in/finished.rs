//! [`Finished`]: a sign-in that is over and does not count yet.

use credential_provider_api::{
    Credential, CredentialError, ErrorCode, Request, SecretString, SignInProgress, SignedIn,
    Timestamp,
};

use super::id_token::{Identity, Nonce};
use crate::core::Core;
use crate::credential::OAuthCredential;
use crate::dpop::ProofKey;
use crate::grant::Login;
use crate::issued::Received;
use crate::token::Tokens;

pub(super) struct Finished {
    pub(super) login: Option<Login>,
    pub(super) credential: Credential,
}

/// What a sign-in was asked to prove.
pub(super) struct Asked<'a> {
    pub(super) sent_at: Timestamp,
    pub(super) key: Option<&'a ProofKey>,
    pub(super) nonce: Option<&'a SecretString>,
}

impl Finished {
    /// What came, believed. A login that is not believed is ended where it came from.
    pub(super) async fn of(
        core: &Core,
        request: &Request,
        described: &OAuthCredential,
        tokens: Tokens,
        asked: Asked<'_>,
    ) -> Result<SignInProgress, CredentialError> {
        let Asked { sent_at, key, nonce } = asked;
        let (identity, doubt) = match identity(core, described, &tokens, nonce).await {
            Ok(identity) => (identity, None),
            Err(error) => (None, Some(error)),
        };
        let received = Received { tokens, identity, sent_at, key, before: None };
        let login = received.login(core.party(), described);
        let believed = match doubt {
            None => received.credential(core.party(), described),
            Some(error) => Err(error),
        };
        match believed {
            Ok(credential) => {
                let account = credential.account().cloned();
                let finished = Self { login, credential };
                Ok(SignInProgress::Finished(SignedIn::new(account, Box::new(finished))))
            }
            Err(error) => {
                if let Some(login) = &login {
                    core.discard(request, login, None).await;
                }
                Err(error)
            }
        }
    }

    /// Ends a login of which nothing but its refresh token could be read.
    pub(super) async fn unusable(core: &Core, request: &Request, refresh_token: SecretString) {
        let party = core.party();
        let login = Login {
            issuer: party.issuer.to_owned(),
            client_id: party.client_id.to_owned(),
            refresh_token: Some(refresh_token),
            scopes: Vec::new(),
            sub: None,
            proof_key: None,
        };
        core.discard(request, &login, None).await;
    }

    pub(super) fn from(done: SignedIn) -> Result<Self, CredentialError> {
        done.state.downcast::<Self>().map(|finished| *finished).map_err(|_| strange())
    }
}

/// Who signed in, where the issuer was asked.
async fn identity(
    core: &Core,
    described: &OAuthCredential,
    tokens: &Tokens,
    nonce: Option<&SecretString>,
) -> Result<Option<Identity>, CredentialError> {
    if !described.is_openid() {
        return Ok(None);
    }
    let token = tokens.id_token.as_ref().ok_or_else(|| {
        let detail = "the issuer was asked who signed in and sent no ID token";
        CredentialError::new(ErrorCode::InvalidResponse, detail)
    })?;
    let nonce = nonce.map_or(Nonce::Free, Nonce::Expected);
    core.rules.verify(&core.issuer, token, nonce, core.clock.now()).await.map(Some)
}

pub(super) fn strange() -> CredentialError {
    CredentialError::new(ErrorCode::Internal, "the state belongs to another sign-in")
}
