//! What the settings say together: defaults, and contradictions named by their setting.

use std::sync::Arc;

use credential_provider_api::{ConfigError, CredentialKind, Scope, SignInMethod};

use super::settings::OAuthProviderBuilder;
use crate::catalogue::{Has, Setup};
use crate::client::{ClientAuthentication, ClientKey, Kept};
use crate::core::check_resource;
use crate::credential::{IssuedToken, OAuthCredential, TokenBinding};
use crate::grant_type::GrantType;
use crate::jose::SigningKey;

impl OAuthProviderBuilder {
    /// Takes from the catalogue what was not said.
    pub(super) fn set_up(
        &mut self,
        wrong: &impl Fn(&str, &str) -> ConfigError,
    ) -> Result<(), ConfigError> {
        let Some(service) = &self.service else {
            return match self.service_parameters.keys().next() {
                None => Ok(()),
                Some(_) => Err(wrong("serviceParameters", "is for a `service`")),
            };
        };
        let setup = Setup::of(service, &self.service_parameters)
            .map_err(|(name, problem)| wrong(&name, problem))?;
        if self.authentication.is_none() {
            let has = match (&self.secret, &self.key) {
                (Some(_), _) => Has::Secret,
                (None, Some(_)) => Has::Key,
                (None, None) => Has::Nothing,
            };
            self.authentication = setup.way(has).map_err(|(name, problem)| wrong(name, problem))?;
        }
        self.dialect = setup.dialect;
        self.display_name.get_or_insert(setup.name);
        // An issuer of one's own has endpoints of its own.
        if self.issuer.is_none() {
            self.issuer = Some(setup.issuer);
            self.endpoints = self.endpoints.take().or(setup.endpoints);
            self.jwks_origins.extend(setup.jwks_origins);
        }
        for (name, value) in setup.authorization_parameters {
            self.authorization_parameters.entry(name).or_insert(value);
        }
        for credential in &mut self.credentials {
            if credential.token == IssuedToken::AccessToken && credential.origins.is_empty() {
                credential.origins.clone_from(&setup.origins);
            }
        }
        Ok(())
    }

    pub(super) fn client_authentication_checked(
        &self,
        wrong: &impl Fn(&str, &str) -> ConfigError,
    ) -> Result<ClientAuthentication, ConfigError> {
        if self.client_id.is_empty() || !self.client_id.chars().all(|c| matches!(c, ' '..='~')) {
            return Err(wrong("clientId", "is made of visible ASCII (RFC 6749 §A.1)"));
        }
        use ClientAuthentication as By;
        let signs = self.credentials.iter().any(|credential| {
            matches!(&credential.grant_type, GrantType::JwtBearer(by) if by.assertion.is_none())
        });
        let chosen = self.authentication.unwrap_or(match (&self.secret, &self.key) {
            (Some(_), _) => By::ClientSecretBasic,
            (None, Some(_)) if !signs => By::PrivateKeyJwt,
            (None, _) => By::None,
        });
        match (chosen, &self.secret, &self.key) {
            (By::None | By::PrivateKeyJwt, Some(_), _) => {
                Err(wrong("clientSecret", "is there and would not be used"))
            }
            (By::ClientSecretBasic | By::ClientSecretPost, None, _) => {
                Err(wrong("clientSecret", "is missing; the client's authentication needs it"))
            }
            (By::PrivateKeyJwt, _, None) => {
                Err(wrong("clientKey", "is missing; the client's authentication needs it"))
            }
            (_, _, None) if signs => Err(wrong("clientKey", "is missing; assertions need it")),
            (By::None | By::ClientSecretBasic | By::ClientSecretPost, _, Some(_)) if !signs => {
                Err(wrong("clientKey", "is there and would not be used"))
            }
            (chosen, _, _) => Ok(chosen),
        }
    }

    pub(super) fn methods_checked(
        &self,
        wrong: &impl Fn(&str, &str) -> ConfigError,
    ) -> Result<Vec<SignInMethod>, ConfigError> {
        if !self.credentials.iter().any(OAuthCredential::is_signed_in) {
            return Ok(Vec::new());
        }
        let (code, device) = (SignInMethod::AuthorizationCode, SignInMethod::DeviceCode);
        let given = self.endpoints.as_ref();
        let Some(methods) = &self.methods else {
            let device = given.is_some_and(|given| given.device_authorization.is_some());
            let device = device.then_some(SignInMethod::DeviceCode);
            return Ok([code].into_iter().chain(device).collect());
        };
        if methods.is_empty() || methods.iter().any(|method| ![code, device].contains(method)) {
            return Err(wrong("signIn", "is made of `authorization_code` and `device_code`"));
        }
        let missing = given.is_some_and(|given| given.device_authorization.is_none());
        if methods.contains(&device) && missing {
            return Err(wrong("signIn", "has a way for which `endpoints` has no address"));
        }
        Ok(methods.clone())
    }

    pub(super) fn key_checked(
        &mut self,
        wrong: &impl Fn(&str, &str) -> ConfigError,
    ) -> Result<Option<ClientKey>, ConfigError> {
        let key = match self.key.take() {
            None => return Ok(None),
            Some(Kept::Asked(from)) => Kept::Asked(from),
            Some(Kept::Here(pem)) => {
                let key = SigningKey::from_pem(&pem, self.key_algorithm);
                Kept::Here(Arc::new(key.map_err(|problem| wrong("clientKey", problem))?))
            }
        };
        Ok(Some(ClientKey {
            key,
            algorithm: self.key_algorithm,
            id: self.key_id.take(),
            audience: self.assertion_audience,
        }))
    }
}

/// What is wrong with one credential by itself.
pub(super) fn check(
    credential: &OAuthCredential,
    wrong: &impl Fn(&str, &str) -> ConfigError,
) -> Result<(), ConfigError> {
    // RFC 6749 §3.3
    let valid = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    if !credential.scopes.iter().all(|scope| !scope.is_empty() && scope.chars().all(valid)) {
        return Err(wrong("scopes", "has scopes of visible ASCII without quotes or backslashes"));
    }
    if let Some(resource) = &credential.resource {
        check_resource(resource).map_err(|problem| wrong("resource", problem))?;
    }
    if credential.account.is_some() {
        if credential.owner == Scope::Session {
            return Err(wrong("account", "is for a credential of the gateway"));
        }
        if !credential.is_openid() {
            return Err(wrong("account", "cannot be compared without the scope `openid`"));
        }
    }
    if !credential.is_signed_in() {
        if credential.token == IssuedToken::IdToken {
            return Err(wrong("token", "is an ID token only where somebody signs in"));
        }
        if credential.is_openid() {
            return Err(wrong("scopes", "has `openid`, and nobody signs in"));
        }
    }
    if credential.grant_type == GrantType::ClientCredentials && credential.owner == Scope::Session {
        return Err(wrong("owner", "is the gateway: the client acts for itself"));
    }
    if credential.kind() != CredentialKind::OAuth2 && credential.binding == TokenBinding::DPoP {
        return Err(wrong("binding", "is for access tokens"));
    }
    if credential.is_identity() && !credential.origins.is_empty() {
        return Err(wrong("origins", "is for access tokens; an ID token is sent to no service"));
    }
    if credential.token == IssuedToken::IdToken {
        if !credential.is_openid() {
            return Err(wrong("scopes", "needs `openid` for an ID token"));
        }
        if credential.resource.is_some() {
            return Err(wrong("resource", "is for access tokens"));
        }
    }
    Ok(())
}
