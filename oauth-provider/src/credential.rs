//! [`OAuthCredential`]: one credential of a provider, as described by whoever sets it up.

use credential_provider_api::{
    AccountId, CredentialDescriptor, CredentialId, CredentialKind, Origin, Scope,
};
use serde::Deserialize;

use crate::grant_type::{GrantType, TokenTypeIdentifier};

/// Which of the issuer's tokens a credential is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IssuedToken {
    /// The access token: an `oauth2` credential.
    #[default]
    AccessToken,
    /// The ID token: a `token` credential that only other providers can be granted. It says who
    /// somebody is; sent to a service it would let that service pose as them.
    IdToken,
}

/// Whether an access token is good for whoever has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TokenBinding {
    /// It is (RFC 6750).
    #[default]
    Bearer,
    /// It is not: each request carries a proof of a key that never leaves the credential (RFC 9449).
    DPoP,
}

/// One credential: a login of its own, with its own grant; or a token that nobody signs in for.
#[derive(Clone, Debug)]
#[must_use = "it is handed to the builder"]
pub struct OAuthCredential {
    pub(crate) id: CredentialId,
    pub(crate) owner: Scope,
    pub(crate) token: IssuedToken,
    pub(crate) grant_type: GrantType,
    pub(crate) binding: TokenBinding,
    pub(crate) scopes: Vec<String>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) account: Option<AccountId>,
    pub(crate) resource: Option<String>,
    pub(crate) description: String,
    /// The parameters a request's variant may have, for an access token.
    pub(crate) variants: &'static [&'static str],
}

impl OAuthCredential {
    /// One for each effective session.
    pub const fn session(id: CredentialId) -> Self {
        Self::of(id, Scope::Session)
    }

    /// One for the whole gateway.
    pub const fn gateway(id: CredentialId) -> Self {
        Self::of(id, Scope::Gateway)
    }

    pub(crate) const fn of(id: CredentialId, owner: Scope) -> Self {
        Self {
            id,
            owner,
            token: IssuedToken::AccessToken,
            grant_type: GrantType::SignIn,
            binding: TokenBinding::Bearer,
            scopes: Vec::new(),
            origins: Vec::new(),
            account: None,
            resource: None,
            description: String::new(),
            variants: &["resource"],
        }
    }

    /// Which token it is; the access token without this.
    pub const fn token(mut self, token: IssuedToken) -> Self {
        self.token = token;
        self
    }

    /// How it is obtained; by a sign-in without this.
    pub fn grant_type(mut self, grant_type: GrantType) -> Self {
        if matches!(grant_type, GrantType::TokenExchange(_)) {
            self.variants = &["audience", "resource"];
        }
        self.grant_type = grant_type;
        self
    }

    /// Whether its access token is bound to a key; to none without this.
    pub const fn binding(mut self, binding: TokenBinding) -> Self {
        self.binding = binding;
        self
    }

    /// The scopes to ask for (RFC 6749 §3.3). With `openid` among them the issuer must say who signed
    /// in.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an origin it may be sent to. Without any it authorizes no request.
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }

    /// The account that should sign in: another one needs a confirmation. For a gateway's own.
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// The resource it is for (RFC 8707), unless a request's variant names one.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// A line for people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Whether the issuer must say who signed in (OpenID Connect Core §3.1.2.1).
    pub(crate) fn is_openid(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "openid")
    }

    /// Whether somebody signs in for it.
    pub(crate) const fn is_signed_in(&self) -> bool {
        matches!(self.grant_type, GrantType::SignIn)
    }

    /// Whether it says who somebody is: sent to a service it would let that service pose as them.
    pub(crate) fn is_identity(&self) -> bool {
        self.token == IssuedToken::IdToken || self.requested() == Some(TokenTypeIdentifier::IdToken)
    }

    /// What an exchange is asked for.
    pub(crate) const fn requested(&self) -> Option<TokenTypeIdentifier> {
        match &self.grant_type {
            GrantType::TokenExchange(exchange) => match exchange.requested_token_type {
                Some(requested) => Some(requested),
                None => Some(TokenTypeIdentifier::AccessToken),
            },
            _ => None,
        }
    }

    /// Of what kind it is.
    pub(crate) const fn kind(&self) -> CredentialKind {
        match (self.token, self.requested()) {
            (IssuedToken::AccessToken, None | Some(TokenTypeIdentifier::AccessToken)) => {
                CredentialKind::OAuth2
            }
            _ => CredentialKind::Token,
        }
    }

    pub(crate) fn descriptor(&self) -> CredentialDescriptor {
        let id = (&self.id).into();
        let kind = self.kind();
        let descriptor = match self.owner {
            Scope::Gateway => CredentialDescriptor::gateway(id, kind),
            _ => CredentialDescriptor::session(id, kind),
        };
        let descriptor = descriptor.with_description(&self.description);
        if self.is_identity() { descriptor.for_providers() } else { descriptor }
    }
}
