//! [`Core`]: what sign-in, renewal and revocation share.

use std::collections::BTreeMap;
use std::sync::Arc;

use credential_provider_api::{
    AccountId, Clock, Credential, CredentialError, CredentialId, CredentialKind, ErrorCode, Random,
    Request, Revocation, Scope, SignInMethod,
};
use credential_store::Grants;

use crate::credential::{IssuedToken, OAuthCredential};
use crate::dpop::{Nonces, ProofKey, ProofSigner};
use crate::exchange::foreign;
use crate::grant::Login;
use crate::issued::Party;
use crate::issuer::Issuer;
use crate::sign_in::{IdTokenRules, PushedAuthorization};
use crate::token::{TokenEndpoint, TokenKind};

pub(crate) struct Core {
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) endpoint: TokenEndpoint,
    pub(crate) rules: IdTokenRules,
    pub(crate) credentials: BTreeMap<CredentialId, OAuthCredential>,
    /// The ways to sign in, as set up.
    pub(crate) methods: Vec<SignInMethod>,
    pub(crate) pushed: PushedAuthorization,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) post_logout_redirect_uri: Option<String>,
    pub(crate) authorization_parameters: BTreeMap<String, String>,
    pub(crate) nonces: Arc<Nonces>,
    pub(crate) grants: Grants,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Core {
    /// What is said about the credential a request is for; and the request has the session and the
    /// variant that fit it.
    pub(crate) fn described(&self, request: &Request) -> Result<&OAuthCredential, CredentialError> {
        let key = request.key();
        let described = self.credentials.get(&key.credential).ok_or_else(|| {
            CredentialError::new(ErrorCode::CredentialNotFound, "").about(&key.reference())
        })?;
        match described.token {
            IssuedToken::AccessToken => request.require_variant(described.variants)?,
            IssuedToken::IdToken => request.require_no_variant()?,
        }
        if let Some(resource) = key.variant.get("resource") {
            check_resource(&resource).map_err(|problem| {
                CredentialError::new(ErrorCode::ConfigurationInvalid, problem)
                    .about(&key.reference())
            })?;
        }
        if described.owner == Scope::Session {
            request.session()?;
        }
        Ok(described)
    }

    /// The resource a token is asked for (RFC 8707).
    pub(crate) fn resource(
        &self,
        request: &Request,
        described: &OAuthCredential,
    ) -> Option<String> {
        let asked = request.key().variant.get("resource");
        asked.map(std::borrow::Cow::into_owned).or_else(|| described.resource.clone())
    }

    pub(crate) fn party(&self) -> Party<'_> {
        Party { issuer: self.issuer.id.as_str(), client_id: &self.endpoint.client.id }
    }

    /// Forgets the login of a request's key in the store, for everybody who shares it, then ends it at
    /// the issuer.
    pub(crate) async fn end(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.described(request)?;
        // Once it is out of the store nobody else could end it there.
        let _commit = request.commit()?;
        let current = self.grants.current(request.key()).await?;
        if let Some(grant) = self.grants.sign_out(request.key()).await? {
            let login = Login::from_grant(&grant)?;
            if !self.party().owns(&login) {
                return Ok(Revocation::LocalOnly);
            }
            if let Some(token) = &login.refresh_token {
                return self.endpoint.revoke(request, token, TokenKind::Refresh).await;
            }
        }
        // A login without a refresh token: the access token is all there is to revoke.
        self.revoke_access(request, current.as_ref()).await
    }

    /// Revokes an access token that came from this issuer, by this client.
    pub(crate) async fn revoke_access(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        let ours = current.filter(|current| self.party().issued(current));
        let token = ours.filter(|current| current.kind() == CredentialKind::OAuth2);
        match token.and_then(Credential::secret) {
            Some(token) => self.endpoint.revoke(request, token, TokenKind::Access).await,
            None => Ok(Revocation::LocalOnly),
        }
    }

    /// Revokes a login that does not count, `account`'s where that is known, unless the same person
    /// may be signed in: at many issuers (RFC 7009 §2.1) that would end what does count too.
    pub(crate) async fn discard(
        &self,
        request: &Request,
        login: &Login,
        account: Option<&AccountId>,
    ) {
        let Ok(current) = self.grants.current(request.key()).await else { return };
        let other = match (current.as_ref().map(Credential::account), account) {
            (None, _) => true,
            (Some(Some(current)), Some(account)) => current != account,
            (Some(_), _) => false,
        };
        if other && self.party().owns(login) {
            self.revoke_quietly(request, login).await;
        }
    }

    /// Nobody waits for the result: an issuer that is down forgets the grant by age.
    pub(crate) async fn revoke_quietly(&self, request: &Request, login: &Login) {
        let Some(token) = &login.refresh_token else { return };
        let revoked = self.endpoint.revoke(request, token, TokenKind::Refresh).await;
        if let Err(error) = revoked {
            tracing::debug!(code = error.code().as_str(), "a login thrown away was not revoked");
        }
    }

    /// `credential` with the proofs that its token needs.
    pub(crate) fn bound(&self, key: ProofKey, credential: Credential) -> Credential {
        let (nonces, random) = (self.nonces.clone(), self.random.clone());
        credential.with_signer(Arc::new(ProofSigner { key, nonces, random }))
    }

    /// What is kept came from this issuer, by this client.
    pub(crate) fn ours(
        &self,
        credential: Credential,
        described: &OAuthCredential,
    ) -> Result<Credential, CredentialError> {
        let ours = self.party().issued(&credential) && Party::fits(&credential, described);
        if ours { Ok(credential) } else { Err(foreign()) }
    }
}

/// RFC 8707 §2: an absolute address without fragment. The problem does not repeat it.
pub(crate) fn check_resource(resource: &str) -> Result<(), &'static str> {
    match url::Url::parse(resource) {
        Ok(url) if url.fragment().is_none() => Ok(()),
        Ok(_) => Err("has a fragment"),
        Err(_) => Err("is no absolute address"),
    }
}
