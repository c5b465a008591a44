//! Providers that keep every promise, each with the outside world it stands on.

mod derived;
mod keys;
mod personal;
mod signing;
mod tokens;

use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    CredentialDescriptor, CredentialError, CredentialKind, CredentialProvider, ErrorCode,
    IdPattern, ProviderDescriptor, ProviderId, Request, Resolution,
};

pub(crate) use derived::Derived;
pub(crate) use keys::Keys;
pub(crate) use personal::{Personal, Saving, person};
pub(crate) use signing::Signing;
pub(crate) use tokens::Tokens;

pub(crate) type Answer = Result<Resolution, CredentialError>;

/// A provider, its world and its suite.
pub(crate) trait Good: CredentialProvider + Sized + 'static {
    /// What is outside: the providers of one suite share it.
    type World: Clone + Default + Send + Sync + 'static;

    fn new(world: Self::World) -> Self;

    /// The suite for what `alter` makes of this provider.
    fn suite(
        world: Self::World,
        alter: impl Fn(Self) -> Arc<dyn CredentialProvider> + Send + Sync + 'static,
    ) -> ProviderSuite;
}

fn describe(provider: &str, id: &str, kind: CredentialKind) -> ProviderDescriptor {
    let credential = CredentialDescriptor::gateway(IdPattern::new(id).unwrap(), kind);
    ProviderDescriptor::new(ProviderId::new(provider).unwrap(), provider)
        .with_credential(credential)
}

fn only(request: &Request, id: &str) -> Result<(), CredentialError> {
    request.require_no_variant()?;
    if request.key().credential.as_str() == id {
        return Ok(());
    }
    Err(CredentialError::new(ErrorCode::CredentialNotFound, "it has another name"))
}
