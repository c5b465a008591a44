//! [`OAuthProviderBuilder`]: a provider for hosts without configuration files, and what the factory
//! builds with.

use std::collections::BTreeMap;
use std::sync::Arc;

use credential_provider_api::{
    Clock, ConfigError, CredentialKind, CredentialRef, Origin, ProviderId, Random, Scope,
    SecretString, SignInMethod,
};
use credential_store::Grants;

use crate::catalogue::{Has, Setup};
use crate::client::{AssertionAudience, Client, ClientAuthentication, ClientKey, Kept};
use crate::configuration::at;
use crate::core::{Core, check_resource};
use crate::credential::{IssuedToken, OAuthCredential, TokenBinding};
use crate::dpop::Nonces;
use crate::endpoint::Endpoint;
use crate::endpoints::Endpoints;
use crate::grant_type::GrantType;
use crate::http::HttpClient;
use crate::issuer::{Issuer, IssuerId};
use crate::jose::{SigningAlgorithm, SigningKey};
use crate::provider::OAuthProvider;
use crate::sign_in::{IdTokenAlgorithm, IdTokenRules, PushedAuthorization, RESERVED};
use crate::token::{Dialect, TokenEndpoint};

/// Makes an [`OAuthProvider`].
#[must_use = "a builder does nothing until `build`"]
pub struct OAuthProviderBuilder {
    id: ProviderId,
    issuer: Option<String>,
    service: Option<String>,
    service_parameters: BTreeMap<String, String>,
    dialect: Dialect,
    client_id: String,
    display_name: Option<String>,
    secret: Option<Kept<SecretString>>,
    key: Option<Kept<SecretString>>,
    key_id: Option<String>,
    key_algorithm: Option<SigningAlgorithm>,
    assertion_audience: AssertionAudience,
    authentication: Option<ClientAuthentication>,
    endpoints: Option<Endpoints>,
    jwks_origins: Vec<Origin>,
    algorithms: Vec<IdTokenAlgorithm>,
    trusted_audiences: Vec<String>,
    account_claim: String,
    methods: Option<Vec<SignInMethod>>,
    pushed: PushedAuthorization,
    redirect_uri: Option<String>,
    post_logout_redirect_uri: Option<String>,
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
        OAuthProviderBuilder::new(id, Some(issuer.into()), client_id.into())
    }

    /// A provider `id` for `client_id` at a [service](crate::Service) of the catalogue, by its id. What
    /// its row says stands where the builder is told nothing else: issuer, endpoints, the client's
    /// authentication, parameters of the sign-in page, origins of access tokens.
    pub fn builder_for(
        id: ProviderId,
        service: impl Into<String>,
        client_id: impl Into<String>,
    ) -> OAuthProviderBuilder {
        OAuthProviderBuilder::new(id, None, client_id.into()).service(service)
    }
}

impl OAuthProviderBuilder {
    pub(crate) fn new(id: ProviderId, issuer: Option<String>, client_id: String) -> Self {
        Self {
            id,
            issuer,
            service: None,
            service_parameters: BTreeMap::new(),
            dialect: Dialect::default(),
            client_id,
            display_name: None,
            secret: None,
            key: None,
            key_id: None,
            key_algorithm: None,
            assertion_audience: AssertionAudience::Issuer,
            authentication: None,
            endpoints: None,
            jwks_origins: Vec::new(),
            algorithms: vec![IdTokenAlgorithm::RS256],
            trusted_audiences: Vec::new(),
            account_claim: "sub".to_owned(),
            methods: None,
            pushed: PushedAuthorization::WhenRequired,
            redirect_uri: None,
            post_logout_redirect_uri: None,
            authorization_parameters: BTreeMap::new(),
            credentials: Vec::new(),
        }
    }

    pub(crate) fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Says what a placeholder in the service's addresses stands for (`tenant`).
    pub fn service_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.service_parameters.insert(name.into(), value.into());
        self
    }

    /// The issuer's identifier, in place of the service's.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Its name for people; its id without this.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The client's secret.
    pub fn client_secret(mut self, secret: SecretString) -> Self {
        self.secret = Some(Kept::Here(secret));
        self
    }

    /// The client's secret is a credential of another provider, asked for each time it is needed.
    pub fn client_secret_from(mut self, reference: CredentialRef) -> Self {
        self.secret = Some(Kept::Asked(reference));
        self
    }

    /// The client's private key in PEM, PKCS #8 of RSA or P-256: it signs the client's assertions.
    pub fn client_key(mut self, pem: SecretString) -> Self {
        self.key = Some(Kept::Here(pem));
        self
    }

    /// The client's private key is a credential of another provider, asked for each time it is needed.
    pub fn client_key_from(mut self, reference: CredentialRef) -> Self {
        self.key = Some(Kept::Asked(reference));
        self
    }

    /// The key's name at the issuer (`kid`).
    pub fn client_key_id(mut self, id: impl Into<String>) -> Self {
        self.key_id = Some(id.into());
        self
    }

    /// The algorithm it signs with. Without this: RS256 for RSA, ES256 for P-256.
    pub const fn client_key_algorithm(mut self, algorithm: SigningAlgorithm) -> Self {
        self.key_algorithm = Some(algorithm);
        self
    }

    /// Whom the client's assertions are for; the issuer without this.
    pub const fn assertion_audience(mut self, audience: AssertionAudience) -> Self {
        self.assertion_audience = audience;
        self
    }

    /// How the client proves who it is. Without this: `client_secret_basic` with a secret,
    /// `private_key_jwt` with a key and no secret, `none` with neither.
    pub const fn client_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = Some(authentication);
        self
    }

    /// The endpoints, for an issuer without metadata: nothing is discovered then.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = Some(endpoints);
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

    /// The ways to sign in. Without this: with a browser, and on another device if the endpoints that
    /// were [given](Self::endpoints) have an address for it.
    pub fn sign_in_methods(mut self, methods: impl IntoIterator<Item = SignInMethod>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// When authorization requests are pushed to the issuer first (RFC 9126).
    pub const fn pushed_authorization(mut self, when: PushedAuthorization) -> Self {
        self.pushed = when;
        self
    }

    /// Where a person comes back to from the issuer's logout page.
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.post_logout_redirect_uri = Some(uri.into());
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
        mut self,
        path: &str,
        runtime: OAuthRuntime,
    ) -> Result<OAuthProvider, ConfigError> {
        let wrong = |name: &str, problem: &str| at(path, name, problem);
        self.set_up(&wrong)?;
        let authentication = self.client_authentication_checked(&wrong)?;
        let methods = self.methods_checked(&wrong)?;
        let key = self.key_checked(&wrong)?;
        let issuer = self.issuer.as_deref().ok_or("is missing, and so is `service`");
        let issuer = issuer.and_then(IssuerId::parse).map_err(|p| wrong("issuer", p))?;
        let given = self.endpoints.as_ref().map(|endpoints| endpoints.metadata(&issuer));
        let given =
            given.transpose().map_err(|(name, p)| wrong(&format!("endpoints.{name}"), p))?;
        for (name, uri) in [
            ("redirectUri", &self.redirect_uri),
            ("postLogoutRedirectUri", &self.post_logout_redirect_uri),
        ] {
            if let Some(uri) = uri {
                Endpoint::parse(uri).map_err(|p| wrong(name, p))?;
            }
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
        let issuer = Arc::new(issuer);
        let rules = IdTokenRules {
            client_id: self.client_id.clone(),
            algorithms: self.algorithms,
            trusted_audiences: self.trusted_audiences,
            account_claim: self.account_claim,
        };
        let client = Client {
            id: self.client_id,
            authentication,
            secret: self.secret,
            key,
            clock: clock.clone(),
            random: random.clone(),
        };
        let nonces = Arc::new(Nonces::default());
        let endpoint = TokenEndpoint {
            http,
            issuer: issuer.clone(),
            client,
            dialect: self.dialect,
            nonces: nonces.clone(),
            clock: clock.clone(),
            random: random.clone(),
        };
        let core = Core {
            endpoint,
            issuer,
            nonces,
            methods,
            pushed: self.pushed,
            post_logout_redirect_uri: self.post_logout_redirect_uri,
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

    /// Takes from the catalogue what was not said.
    fn set_up(&mut self, wrong: &impl Fn(&str, &str) -> ConfigError) -> Result<(), ConfigError> {
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

    fn client_authentication_checked(
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

    fn methods_checked(
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

    fn key_checked(
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
