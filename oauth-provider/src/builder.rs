//! [`OAuthProviderBuilder`]: a provider for hosts without configuration files, and what the factory
//! builds with.

use std::collections::BTreeMap;
use std::sync::Arc;

use credential_provider_api::{
    Clock, ConfigError, CredentialRef, Origin, ProviderId, Random, Scope, SecretString,
};
use credential_store::Grants;

use crate::client::{Client, ClientAuthentication, ClientSecret};
use crate::configuration::at;
use crate::core::{Core, check_resource};
use crate::credential::{IssuedToken, OAuthCredential};
use crate::endpoint::Endpoint;
use crate::endpoints::Endpoints;
use crate::http::HttpClient;
use crate::issuer::{Issuer, IssuerId, Order};
use crate::provider::OAuthProvider;
use crate::sign_in::{IdTokenAlgorithm, IdTokenRules, RESERVED};
use crate::token::TokenEndpoint;

/// Makes an [`OAuthProvider`].
#[must_use = "a builder does nothing until `build`"]
pub struct OAuthProviderBuilder {
    id: ProviderId,
    issuer: String,
    client_id: String,
    display_name: Option<String>,
    secret: Option<ClientSecret>,
    authentication: Option<ClientAuthentication>,
    endpoints: Option<Endpoints>,
    order: Order,
    jwks_origins: Vec<Origin>,
    algorithms: Vec<IdTokenAlgorithm>,
    trusted_audiences: Vec<String>,
    account_claim: String,
    redirect_uri: Option<String>,
    authorization_parameters: BTreeMap<String, String>,
    credentials: Vec<OAuthCredential>,
}

/// What a provider runs on: lent by its host.
#[derive(Clone)]
#[allow(clippy::exhaustive_structs, reason = "a host fills in each of them")]
pub struct OAuthRuntime {
    /// The HTTP client.
    pub http: Arc<dyn HttpClient>,
    /// Where logins are kept and renewed; built with the same clock.
    pub grants: Grants,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, cryptographically secure.
    pub random: Arc<dyn Random>,
}

impl OAuthProvider {
    /// A provider `id` for `client_id` at `issuer`, whose metadata is discovered unless
    /// [given](OAuthProviderBuilder::endpoints).
    pub fn builder(
        id: ProviderId,
        issuer: impl Into<String>,
        client_id: impl Into<String>,
    ) -> OAuthProviderBuilder {
        OAuthProviderBuilder {
            id,
            issuer: issuer.into(),
            client_id: client_id.into(),
            display_name: None,
            secret: None,
            authentication: None,
            endpoints: None,
            order: Order::default(),
            jwks_origins: Vec::new(),
            algorithms: vec![IdTokenAlgorithm::RS256],
            trusted_audiences: Vec::new(),
            account_claim: "sub".to_owned(),
            redirect_uri: None,
            authorization_parameters: BTreeMap::new(),
            credentials: Vec::new(),
        }
    }
}

impl OAuthProviderBuilder {
    /// Its name for people; its id without this.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The client's secret.
    pub fn client_secret(mut self, secret: SecretString) -> Self {
        self.secret = Some(ClientSecret::Held(secret));
        self
    }

    /// The client's secret is a credential of another provider, asked for each time it is needed.
    pub fn client_secret_from(mut self, reference: CredentialRef) -> Self {
        self.secret = Some(ClientSecret::Asked(reference));
        self
    }

    /// How the client proves who it is. Without this: `client_secret_basic` with a secret, `none`
    /// without.
    pub const fn client_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = Some(authentication);
        self
    }

    /// The endpoints, for an issuer without metadata: nothing is discovered then.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = Some(endpoints);
        self
    }

    /// In which order the issuer's metadata is looked for.
    pub(crate) const fn discovery_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Adds an origin, beside the issuer's own, at which its keys may be.
    pub fn jwks_origin(mut self, origin: Origin) -> Self {
        self.jwks_origins.push(origin);
        self
    }

    /// The algorithms that may sign ID tokens; RS256 without this.
    pub fn id_token_algorithms(
        mut self,
        algorithms: impl IntoIterator<Item = IdTokenAlgorithm>,
    ) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Adds an audience that an ID token may have beside this client.
    pub fn trusted_audience(mut self, audience: impl Into<String>) -> Self {
        self.trusted_audiences.push(audience.into());
        self
    }

    /// The claim of the ID token that names the account; `sub` without this.
    pub fn account_claim(mut self, claim: impl Into<String>) -> Self {
        self.account_claim = claim.into();
        self
    }

    /// Where a sign-in comes back to if the host that starts it names no address.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Adds a parameter to the address that a person opens, for issuers that want one of their own
    /// (`access_type=offline`).
    pub fn authorization_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.authorization_parameters.insert(name.into(), value.into());
        self
    }

    /// Adds a credential.
    pub fn credential(mut self, credential: OAuthCredential) -> Self {
        self.credentials.push(credential);
        self
    }

    /// The provider. Nothing is sent.
    ///
    /// # Errors
    /// [`ConfigError`] with the name of the first setting that cannot be used.
    pub fn build(self, runtime: OAuthRuntime) -> Result<OAuthProvider, ConfigError> {
        self.build_at("", runtime)
    }

    /// As [`build`](Self::build), for settings that stand at `path`.
    pub(crate) fn build_at(
        self,
        path: &str,
        runtime: OAuthRuntime,
    ) -> Result<OAuthProvider, ConfigError> {
        let wrong = |name: &str, problem: &str| at(path, name, problem);
        let authentication = self.client_authentication_checked(&wrong)?;
        let issuer = IssuerId::parse(&self.issuer).map_err(|p| wrong("issuer", p))?;
        let given = self.endpoints.as_ref().map(|endpoints| endpoints.metadata(&issuer));
        let given =
            given.transpose().map_err(|(name, p)| wrong(&format!("endpoints.{name}"), p))?;
        if let Some(uri) = &self.redirect_uri {
            Endpoint::parse(uri).map_err(|p| wrong("redirectUri", p))?;
        }
        if let Some(name) =
            self.authorization_parameters.keys().find(|n| RESERVED.contains(&n.as_str()))
        {
            return Err(wrong(
                &format!("authorizationParameters.{name}"),
                "is set by this provider",
            ));
        }
        if self.algorithms.is_empty() {
            return Err(wrong("idToken.algorithms", "names at least one algorithm"));
        }
        let mut credentials = BTreeMap::new();
        let keyless = given.as_ref().is_some_and(|metadata| metadata.jwks_uri.is_none());
        for credential in self.credentials {
            let id = credential.id.clone();
            let wrong =
                |name: &str, problem: &str| wrong(&format!("credentials.{id}.{name}"), problem);
            check(&credential, &wrong)?;
            if keyless && credential.is_openid() {
                return Err(wrong("scopes", "has `openid`, and `endpoints` has no `jwks`"));
            }
            credentials.insert(id, credential);
        }
        if credentials.is_empty() {
            return Err(wrong("credentials", "names at least one credential"));
        }
        let OAuthRuntime { http, grants, clock, random } = runtime;
        let issuer = Issuer::new(issuer, given, self.jwks_origins, http.clone(), clock.clone());
        let issuer = Arc::new(issuer.ordered(self.order));
        let rules = IdTokenRules {
            client_id: self.client_id.clone(),
            algorithms: self.algorithms,
            trusted_audiences: self.trusted_audiences,
            account_claim: self.account_claim,
        };
        let client = Client { id: self.client_id, authentication, secret: self.secret };
        let core = Core {
            endpoint: TokenEndpoint { http, issuer: issuer.clone(), client },
            issuer,
            rules,
            credentials,
            redirect_uri: self.redirect_uri,
            authorization_parameters: self.authorization_parameters,
            grants,
            clock,
            random,
        };
        let name = self.display_name.unwrap_or_else(|| self.id.as_str().to_owned());
        Ok(OAuthProvider::of(core, self.id, name))
    }

    fn client_authentication_checked(
        &self,
        wrong: &impl Fn(&str, &str) -> ConfigError,
    ) -> Result<ClientAuthentication, ConfigError> {
        if self.client_id.is_empty() || !self.client_id.chars().all(|c| matches!(c, ' '..='~')) {
            return Err(wrong("clientId", "is made of visible ASCII (RFC 6749 §A.1)"));
        }
        match (self.authentication, &self.secret) {
            (None, None) => Ok(ClientAuthentication::None),
            (None, Some(_)) => Ok(ClientAuthentication::ClientSecretBasic),
            (Some(ClientAuthentication::None), Some(_)) => {
                Err(wrong("clientSecret", "is there and would not be used"))
            }
            (Some(other), None) if other != ClientAuthentication::None => {
                Err(wrong("clientSecret", "is missing; the client's authentication needs it"))
            }
            (Some(authentication), _) => Ok(authentication),
        }
    }
}

fn check(
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
    if credential.token == IssuedToken::IdToken {
        if !credential.is_openid() {
            return Err(wrong("scopes", "needs `openid` for an ID token"));
        }
        if !credential.origins.is_empty() {
            return Err(wrong(
                "origins",
                "is for access tokens; an ID token is sent to no service",
            ));
        }
        if credential.resource.is_some() {
            return Err(wrong("resource", "is for access tokens"));
        }
    }
    Ok(())
}
