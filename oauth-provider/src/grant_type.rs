//! [`GrantType`]: how a token is obtained.

use std::collections::BTreeMap;

use credential_provider_api::CredentialRef;
use serde::Deserialize;
use serde_json::Value;

/// What a client shows its issuer to obtain a token (RFC 6749 §1.3 and its extensions).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum GrantType {
    /// A person signs in: with a browser (RFC 6749 §4.1) or on another device (RFC 8628).
    #[default]
    SignIn,
    /// The client acts for itself (RFC 6749 §4.4).
    ClientCredentials,
    /// An assertion (RFC 7523 §2.1).
    JwtBearer(JwtBearer),
    /// Another token in exchange for one that somebody has (RFC 8693).
    TokenExchange(TokenExchange),
}

/// Whose assertion it is, and of what. Without `assertion` the client signs it with its own key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct JwtBearer {
    /// A credential that is the assertion: another issuer's ID token, a workload's token.
    pub assertion: Option<CredentialRef>,
    /// `iss`; the client's id without this.
    pub issuer: Option<String>,
    /// `sub`; as `iss` without this.
    pub subject: Option<String>,
    /// `aud`; the token endpoint's address without this.
    pub audience: Option<String>,
    /// Further claims.
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
}

/// What is exchanged for what. It is the session's own if the credential is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TokenExchange {
    /// The token of whoever is acted for.
    pub subject: CredentialRef,
    /// What it is; by its kind without this: an access token, or a JWT.
    pub subject_token_type: Option<TokenTypeIdentifier>,
    /// The token of whoever acts.
    pub actor: Option<CredentialRef>,
    /// What it is, as for the subject's.
    pub actor_token_type: Option<TokenTypeIdentifier>,
    /// What is wanted; an access token without this.
    pub requested_token_type: Option<TokenTypeIdentifier>,
    /// Who it is for, by the name the issuer knows it by; a request's variant may name another.
    pub audience: Option<String>,
}

impl TokenExchange {
    /// An access token in exchange for `subject`.
    #[must_use]
    pub const fn of(subject: CredentialRef) -> Self {
        Self {
            subject,
            subject_token_type: None,
            actor: None,
            actor_token_type: None,
            requested_token_type: None,
            audience: None,
        }
    }
}

/// A kind of token by its registered name (RFC 8693 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenTypeIdentifier {
    /// An access token.
    AccessToken,
    /// An ID token.
    IdToken,
    /// A JWT of any purpose.
    Jwt,
    /// A SAML 2.0 assertion.
    Saml2,
}

impl TokenTypeIdentifier {
    pub(crate) const fn urn(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::Saml2 => "urn:ietf:params:oauth:token-type:saml2",
        }
    }
}
