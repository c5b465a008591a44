//! From an issuer's tokens to what is kept and served: the grant and the credential.

use credential_provider_api::{
    AccountId, Credential, CredentialError, CredentialKind, ErrorCode, Grant, Placement,
    SecretString, Timestamp,
};

use crate::credential::{IssuedToken, OAuthCredential, TokenBinding};
use crate::dpop::ProofKey;
use crate::grant::Login;
use crate::grant_type::TokenTypeIdentifier;
use crate::sign_in::Identity;
use crate::token::{TokenType, Tokens};

/// Facts that a credential carries, so that it is never taken for another issuer's or client's.
const ISSUER: &str = "issuer";
const CLIENT_ID: &str = "client_id";
const RESOURCE: &str = "resource";

/// On an ID token that stayed as it was: renewals bring no other.
pub(crate) const NOT_RENEWED: &str = "id_token_not_renewed";

/// On an access token that is bound to a key.
const BOUND: &str = "binding";

/// Whose name tokens are issued in.
#[derive(Clone, Copy)]
pub(crate) struct Party<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
}

impl<'a> Party<'a> {
    /// Who issued `credential`, as it says itself.
    pub(crate) fn of(credential: &'a Credential) -> Option<Self> {
        let (issuer, client_id) = (credential.property(ISSUER)?, credential.property(CLIENT_ID)?);
        Some(Self { issuer, client_id })
    }

    /// Whether `credential` came from this issuer, by this client.
    pub(crate) fn issued(self, credential: &Credential) -> bool {
        credential.property(ISSUER) == Some(self.issuer)
            && credential.property(CLIENT_ID) == Some(self.client_id)
    }

    /// Whether `credential` is bound as `described` now.
    pub(crate) fn fits(credential: &Credential, described: &OAuthCredential) -> bool {
        credential.property(BOUND).is_some() == (described.binding == TokenBinding::DPoP)
    }

    /// Whether `login` may be sent to this issuer, by this client.
    pub(crate) fn owns(self, login: &Login) -> bool {
        login.issuer == self.issuer && login.client_id == self.client_id
    }
}

/// The one resource that `credential` was asked for (RFC 8707), as it says itself; only where no
/// request can name another.
pub(crate) fn resource_of(credential: &Credential) -> Option<&str> {
    credential.property(RESOURCE)
}

/// What came, when it was asked for, and what was there before.
pub(crate) struct Received<'a> {
    pub(crate) tokens: Tokens,
    pub(crate) identity: Option<Identity>,
    pub(crate) sent_at: Timestamp,
    /// The key it was asked to be bound to.
    pub(crate) key: Option<&'a ProofKey>,
    pub(crate) before: Option<(&'a Login, Option<&'a Credential>)>,
}

impl Received<'_> {
    /// The grant that follows, if there is a new one. Whatever is wrong with the rest of the answer,
    /// the issuer accepts only this from now on.
    pub(crate) fn login(&self, party: Party<'_>, described: &OAuthCredential) -> Option<Login> {
        let before = self.before.map(|(login, _)| login);
        // A key has to be kept even if there is nothing to renew with.
        let alone = before.is_none().then_some(self.key).flatten();
        if self.tokens.refresh_token.is_none() && alone.is_none() {
            return None;
        }
        let sub = self.identity.as_ref().map(|identity| identity.sub.clone());
        Some(Login {
            issuer: party.issuer.to_owned(),
            client_id: party.client_id.to_owned(),
            refresh_token: self.tokens.refresh_token.clone(),
            scopes: self.scopes(described),
            sub: sub.or_else(|| before.and_then(|login| login.sub.clone())),
            proof_key: self.key.map(|key| key.scalar().clone()),
        })
    }

    /// What is served.
    pub(crate) fn credential(
        self,
        party: Party<'_>,
        described: &OAuthCredential,
    ) -> Result<Credential, CredentialError> {
        let scopes = self.scopes(described);
        let Self { tokens, identity, sent_at, before, .. } = self;
        let before = before.and_then(|(_, credential)| credential);
        let credential = match (described.kind(), described.token) {
            (kind, IssuedToken::AccessToken) => {
                check_issued_type(tokens.issued_token_type.as_deref(), described)?;
                let token = access_token(tokens.access_token, tokens.token_type, described, kind)?;
                let credential = token.with_issue_time(sent_at);
                match tokens.expires_in {
                    Some(span) => credential.with_expiry(sent_at.plus(span)),
                    None => credential,
                }
            }
            (_, IssuedToken::IdToken) => match (tokens.id_token, &identity, before) {
                (Some(token), Some(identity), _) => Credential::token(token)
                    .with_issue_time(identity.issued_at)
                    .with_expiry(identity.expires_at),
                // OpenID Connect Core §12.2: a renewal may come without one. What came must still be
                // kept, so the old one stands until its end.
                (_, _, Some(before)) => {
                    before.clone().without_revision().with_property(NOT_RENEWED, "1")
                }
                _ => return Err(wrong("the issuer sent no ID token")),
            },
        };
        let account = identity.map(|identity| identity.account);
        let account = account.or_else(|| before.and_then(Credential::account).cloned());
        let credential = stamp(credential.with_scopes(scopes), party, described, account);
        credential.validate().map_err(|_| wrong("the issuer sent a mark in place of a token"))?;
        Ok(credential)
    }

    fn scopes(&self, described: &OAuthCredential) -> Vec<String> {
        let before = || self.before.map(|(login, _)| login.scopes.clone());
        self.tokens.scopes.clone().or_else(before).unwrap_or_else(|| described.scopes.clone())
    }
}

/// RFC 8693 §2.2.1: what came is what was asked for. A JWT may be either token.
fn check_issued_type(
    came: Option<&str>,
    described: &OAuthCredential,
) -> Result<(), CredentialError> {
    use TokenTypeIdentifier::{AccessToken, IdToken, Jwt};
    let (Some(came), Some(asked)) = (came, described.requested()) else { return Ok(()) };
    let jwt = matches!(asked, AccessToken | IdToken) && came == Jwt.urn();
    if came == asked.urn() || jwt {
        return Ok(());
    }
    Err(wrong("the issuer gave another kind of token than was asked for"))
}

/// A token that is used as it was asked to be: one that is not bound after all is anybody's.
fn access_token(
    token: SecretString,
    came: TokenType,
    described: &OAuthCredential,
    kind: CredentialKind,
) -> Result<Credential, CredentialError> {
    match (kind, described.binding, came) {
        (CredentialKind::OAuth2, TokenBinding::Bearer, TokenType::Bearer) => {
            Ok(Credential::oauth2(token))
        }
        (CredentialKind::OAuth2, TokenBinding::DPoP, TokenType::DPoP) => {
            let placement = Placement::header("Authorization", "DPoP ");
            Ok(Credential::oauth2(token).with_placement(placement))
        }
        (CredentialKind::OAuth2, TokenBinding::DPoP, _) => {
            Err(wrong("the issuer did not bind the token to its key"))
        }
        (CredentialKind::OAuth2, ..) => {
            Err(wrong("the issuer gave a token of another type than was asked for"))
        }
        _ => Ok(Credential::token(token)),
    }
}

fn stamp(
    credential: Credential,
    party: Party<'_>,
    described: &OAuthCredential,
    account: Option<AccountId>,
) -> Credential {
    let mut credential =
        credential.with_property(ISSUER, party.issuer).with_property(CLIENT_ID, party.client_id);
    if described.binding == TokenBinding::DPoP {
        credential = credential.with_property(BOUND, "dpop");
    }
    let fixed = !described.variants.contains(&RESOURCE);
    if let Some(resource) = described.resource.as_ref().filter(|_| fixed) {
        credential = credential.with_property(RESOURCE, resource);
    }
    for origin in &described.origins {
        if !credential.origins().contains(origin) {
            credential = credential.with_origin(origin.clone());
        }
    }
    match account {
        Some(account) => credential.with_account(account),
        None => credential,
    }
}

/// The bytes to keep of a login.
pub(crate) fn kept(login: Option<&Login>) -> Result<Option<Grant>, CredentialError> {
    login.map(Login::to_grant).transpose()
}

fn wrong(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::InvalidResponse, detail)
}
