//! The trait.

use async_trait::async_trait;

use super::changes::{Changes, NoChanges};
use super::descriptor::{CredentialDescriptor, ProviderDescriptor};
use super::observation::Observation;
use super::request::{Reason, Request};
use super::resolution::{Health, Resolution, Revocation};
use crate::credential::Credential;
use crate::error::{CredentialError, ErrorCode};
use crate::sign_in::SignIn;

/// A source of credentials.
///
/// An engine calls it; consumers never do. The engine decides *when* and *exactly once*; the
/// provider knows *how*. Only [`descriptor`](Self::descriptor) and [`resolve`](Self::resolve) must
/// be written.
///
/// # What a provider promises
/// 1. It answers for exactly the key in the request: never another account, never another session's.
/// 2. It returns a credential of the kind its descriptor states, not yet expired, or an error.
/// 3. It does not cache: the engine does. (A grant store is not a cache.)
/// 4. Its futures may be dropped at any await, except while a [`Commit`](super::Commit) guard
///    lives: from [`Request::commit`] until the guard is dropped the engine runs them to their end.
/// 5. It never blocks the thread; blocking work goes to a thread of its own.
/// 6. Text from outside enters an error only through [`Detail::cleaned`](crate::Detail::cleaned).
/// 7. A failing [`Source`](super::Source) is passed on with `?`, so that the sign-in it names is seen.
/// 8. A parameter of the variant that it does not know is an error (`unsupported`), not ignored.
///
/// The [conformance kit](crate#testing-a-provider) tests these.
///
/// ```
/// use credential_provider_api::*;
///
/// /// Keys from the environment the host passes in.
/// struct EnvProvider {
///     descriptor: ProviderDescriptor,
///     vars: std::collections::BTreeMap<String, SecretString>,
/// }
///
/// #[async_trait]
/// impl CredentialProvider for EnvProvider {
///     fn descriptor(&self) -> &ProviderDescriptor {
///         &self.descriptor
///     }
///
///     async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
///         request.require_no_variant()?;
///         let name = request.key().credential.as_str();
///         let value = self.vars.get(name).ok_or_else(|| {
///             CredentialError::new(ErrorCode::CredentialNotFound, "no such variable")
///         })?;
///         Ok(Credential::api_key(value.clone()).into())
///     }
/// }
/// ```
#[async_trait]
pub trait CredentialProvider: Send + Sync {
    /// What it offers. Constant for the life of the provider.
    fn descriptor(&self) -> &ProviderDescriptor;

    /// Obtains the credential anew, or from the provider's grant.
    ///
    /// # Errors
    /// `needs_reauth` if a person must sign in first; see [`ErrorCode`] for the others.
    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError>;

    /// Obtains another credential in place of `current`, because of `why`.
    ///
    /// By default this is [`resolve`](Self::resolve), answered with [`Resolution::Unchanged`] if the
    /// secret and its end are the same as before: a source without renewal must not have a rejected
    /// secret taken for a new one.
    ///
    /// # Errors
    /// As for [`resolve`](Self::resolve).
    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        why: Reason,
    ) -> Result<Resolution, CredentialError> {
        let resolution = self.resolve(request).await?;
        if let Resolution::Credential(credential) = &resolution
            && credential.same_secrets(current)
            && (why == Reason::Rejected || credential.expires_at() == current.expires_at())
        {
            return Ok(Resolution::Unchanged);
        }
        Ok(resolution)
    }

    /// Whether the source is reachable and, if `current` is given, accepts it. Cheap.
    ///
    /// # Errors
    /// `unsupported` unless [`Capability::Check`](super::Capability::Check) is declared.
    async fn check(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        let _ = (request, current);
        Err(CredentialError::new(ErrorCode::Unsupported, "this provider has no health check"))
    }

    /// Makes the credential worthless at its source, as far as the source can. Without
    /// [`Capability::Revoke`](super::Capability::Revoke) the answer is
    /// [`Revocation::LocalOnly`].
    ///
    /// # Errors
    /// As for [`resolve`](Self::resolve). The engine has dropped the credential already.
    async fn revoke(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        let _ = (request, current);
        Ok(Revocation::LocalOnly)
    }

    /// The credentials it has now, where the descriptor can only give a pattern.
    ///
    /// # Errors
    /// `unsupported` unless [`Capability::List`](super::Capability::List) is declared.
    async fn list(&self, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let _ = request;
        Err(CredentialError::new(ErrorCode::Unsupported, "this provider does not list credentials"))
    }

    /// Changes made outside: keys the engine should forget. Called once; the engine polls the
    /// stream for as long as the provider is registered.
    fn changes(&self) -> Changes {
        Box::pin(NoChanges)
    }

    /// What a consumer saw when it used a credential, for sources that keep such books.
    ///
    /// # Errors
    /// Counted by the engine, never shown to the consumer that reported.
    async fn report(
        &self,
        request: &Request,
        observation: &Observation,
    ) -> Result<(), CredentialError> {
        let _ = (request, observation);
        Ok(())
    }

    /// How a person signs in, if that is possible here.
    fn sign_in(&self) -> Option<&dyn SignIn> {
        None
    }
}
