//! [`Bound`]: the provider of one client at one issuer, for one resource. It has the sign-in, the
//! renewal and the revocation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use credential_provider_api::{
    CredentialError, Detail, ErrorCode, Origin, ProviderId, Request, Scope,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::discovery::Finder;
use super::registered::{Place, RegisteredClient};
use super::wire::{Confined, Watched};
use crate::builder::OAuthRuntime;
use crate::client::{ClientAuthentication, Kept};
use crate::credential::OAuthCredential;
use crate::issuer::{IssuerId, Order};
use crate::provider::OAuthProvider;
use crate::sign_in::IdTokenAlgorithm;

/// All that need no shared secret: nobody has said which of them the issuer uses.
const ALGORITHMS: [IdTokenAlgorithm; 8] = [
    IdTokenAlgorithm::RS256,
    IdTokenAlgorithm::RS384,
    IdTokenAlgorithm::RS512,
    IdTokenAlgorithm::PS256,
    IdTokenAlgorithm::PS384,
    IdTokenAlgorithm::PS512,
    IdTokenAlgorithm::ES256,
    IdTokenAlgorithm::ES384,
];

/// A client, wherever it comes from.
#[derive(Clone)]
pub(super) struct UsedClient {
    pub(super) id: String,
    pub(super) secret: Option<Kept<SecretString>>,
    pub(super) authentication: Option<ClientAuthentication>,
    pub(super) origin: ClientOrigin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientOrigin {
    Configured,
    /// It is what stands at its id, an address.
    Document,
    /// The issuer registered it, and may have forgotten that.
    Registered,
}

impl From<&RegisteredClient> for UsedClient {
    fn from(client: &RegisteredClient) -> Self {
        Self {
            id: client.client_id.clone(),
            secret: client.secret.clone().map(Kept::Here),
            authentication: Some(client.authentication.into()),
            origin: ClientOrigin::Registered,
        }
    }
}

impl UsedClient {
    fn same(&self, other: &Self) -> bool {
        let secret = match (&self.secret, &other.secret) {
            (Some(Kept::Here(one)), Some(Kept::Here(other))) => {
                one.expose_secret() == other.expose_secret()
            }
            (Some(Kept::Asked(one)), Some(Kept::Asked(other))) => one == other,
            (None, None) => true,
            _ => false,
        };
        secret && self.id == other.id && self.origin == other.origin
    }
}

/// What one is made for.
#[derive(Clone)]
pub(super) struct Binding {
    pub(super) place: Place,
    pub(super) client: UsedClient,
    pub(super) scopes: Vec<String>,
}

pub(super) struct Bound {
    pub(super) provider: OAuthProvider,
    pub(super) binding: Binding,
    wire: Arc<Watched>,
}

impl Bound {
    /// Whether the issuer has forgotten the client that it registered.
    pub(super) fn is_forgotten(&self) -> bool {
        self.binding.client.origin == ClientOrigin::Registered && self.wire.is_unknown()
    }
}

/// What all of them have in common.
pub(super) struct Binder {
    pub(super) finder: Finder,
    pub(super) runtime: OAuthRuntime,
    pub(super) provider: ProviderId,
    /// The credential as described, without scopes and resource.
    pub(super) credential: OAuthCredential,
    kept: Mutex<Vec<Arc<Bound>>>,
}

/// Each keeps metadata and keys; more than a few are in use only while scopes differ.
const MOST_KEPT: usize = 16;

impl Binder {
    pub(super) const fn new(
        finder: Finder,
        runtime: OAuthRuntime,
        provider: ProviderId,
        credential: OAuthCredential,
    ) -> Self {
        Self { finder, runtime, provider, credential, kept: Mutex::new(Vec::new()) }
    }

    /// The one that is kept, or a new one. Nothing is sent.
    pub(super) fn bound(&self, binding: Binding) -> Result<Arc<Bound>, CredentialError> {
        let same = |bound: &&Arc<Bound>| {
            bound.binding.place == binding.place
                && bound.binding.scopes == binding.scopes
                && bound.binding.client.same(&binding.client)
                && !bound.is_forgotten()
        };
        if let Some(bound) = self.kept().iter().find(same) {
            return Ok(bound.clone());
        }
        let bound = Arc::new(self.bind(binding)?);
        let mut kept = self.kept();
        kept.push(bound.clone());
        let beyond = kept.len().saturating_sub(MOST_KEPT);
        kept.drain(..beyond);
        Ok(bound)
    }

    fn bind(&self, binding: Binding) -> Result<Bound, CredentialError> {
        let unusable = |problem: String| {
            let words = format!("what was found of the issuer cannot be used: {problem}");
            CredentialError::new(ErrorCode::InvalidResponse, Detail::composed(words))
        };
        let Binding { place, client, scopes } = &binding;
        let issuer = IssuerId::parse(&place.issuer).map_err(|problem| unusable(problem.into()))?;
        let reach = self.finder.reach_of(&issuer);
        let wire = Confined { http: self.finder.http.clone(), reach };
        let wire = Arc::new(Watched::new(wire));
        let credential = self.credential.clone().scopes(scopes).resource(&place.resource);
        let mut builder = OAuthProvider::builder(self.provider.clone(), &place.issuer, &client.id)
            .discovery_order(Order::OAuthFirst)
            .id_token_algorithms(ALGORITHMS)
            .credential(credential);
        if let Some(keys) = place.keys.as_deref().and_then(|keys| Origin::parse(keys).ok()) {
            builder = builder.jwks_origin(keys);
        }
        if let Some(authentication) = client.authentication {
            builder = builder.client_authentication(authentication);
        }
        builder = match client.secret.clone() {
            None => builder,
            Some(Kept::Here(secret)) => builder.client_secret(secret),
            Some(Kept::Asked(from)) => builder.client_secret_from(from),
        };
        let runtime = OAuthRuntime { http: wire.clone(), ..self.runtime.clone() };
        let provider = builder.build(runtime).map_err(|error| unusable(error.to_string()))?;
        Ok(Bound { provider, binding, wire })
    }

    /// The request is for the credential there is, with session and variant that fit it.
    pub(super) fn check(&self, request: &Request) -> Result<(), CredentialError> {
        let key = request.key();
        if key.credential != self.credential.id {
            let unknown = CredentialError::new(ErrorCode::CredentialNotFound, "");
            return Err(unknown.about(&key.reference()));
        }
        request.require_variant(self.credential.variants)?;
        if self.credential.owner == Scope::Session {
            request.session()?;
        }
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Arc<Bound>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
