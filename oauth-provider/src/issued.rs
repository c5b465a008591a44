//! From an issuer's tokens to what is kept and served: the grant and the credential.

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, Grant, Timestamp,
};

use crate::credential::{IssuedToken, OAuthCredential};
use crate::grant::Login;
use crate::sign_in::Identity;
use crate::token::Tokens;

/// Facts that a credential carries, so that it is never taken for another issuer's or client's.
const ISSUER: &str = "issuer";
const CLIENT_ID: &str = "client_id";

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

    /// Whether `login` may be sent to this issuer, by this client.
    pub(crate) fn owns(self, login: &Login) -> bool {
        login.issuer == self.issuer && login.client_id == self.client_id
    }
}

/// What came, when it was asked for, and what was there before.
pub(crate) struct Received<'a> {
    pub(crate) tokens: Tokens,
    pub(crate) identity: Option<Identity>,
    pub(crate) sent_at: Timestamp,
    pub(crate) before: Option<(&'a Login, Option<&'a Credential>)>,
}

impl Received<'_> {
    /// The grant that follows, if there is a new one, and the credential.
    pub(crate) fn issue(
        self,
        party: Party<'_>,
        described: &OAuthCredential,
    ) -> Result<(Option<Login>, Credential), CredentialError> {
        let Self { tokens, identity, sent_at, before } = self;
        let (login_before, before) = before.unzip();
        let before = before.flatten();
        let scopes = tokens.scopes.unwrap_or_else(|| {
            login_before.map_or_else(|| described.scopes.clone(), |login| login.scopes.clone())
        });
        let sub = identity.as_ref().map(|identity| identity.sub.clone());
        let sub = sub.or_else(|| login_before.and_then(|login| login.sub.clone()));
        let login = tokens.refresh_token.map(|refresh_token| Login {
            issuer: party.issuer.to_owned(),
            client_id: party.client_id.to_owned(),
            refresh_token,
            scopes: scopes.clone(),
            sub,
        });
        let credential = match described.token {
            IssuedToken::AccessToken => {
                let credential = Credential::oauth2(tokens.access_token).with_issue_time(sent_at);
                match tokens.expires_in {
                    Some(span) => credential.with_expiry(sent_at.plus(span)),
                    None => credential,
                }
            }
            IssuedToken::IdToken => match (tokens.id_token, &identity, before) {
                (Some(token), Some(identity), _) => Credential::token(token)
                    .with_issue_time(identity.issued_at)
                    .with_expiry(identity.expires_at),
                // OpenID Connect Core §12.2: a renewal may come without one. What came must still be
                // kept, so the old one stands until its end.
                (_, _, Some(before)) => before.clone().without_revision(),
                _ => return Err(wrong("the issuer sent no ID token")),
            },
        };
        let account = identity.map(|identity| identity.account);
        let account = account.or_else(|| before.and_then(Credential::account).cloned());
        let credential = stamp(credential.with_scopes(scopes), party, described, account);
        credential.validate().map_err(|_| wrong("the issuer sent a mark in place of a token"))?;
        Ok((login, credential))
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
