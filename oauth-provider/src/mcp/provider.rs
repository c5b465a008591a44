//! [`McpProvider`]: the token of one MCP server.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use credential_provider_api::{
    Change, Changes, Credential, CredentialDescriptor, CredentialError, CredentialProvider, Grant,
    Health, ProviderDescriptor, Reason, ReauthReason, Request, Resolution, Revocation, SignIn,
    async_trait,
};
use credential_store::{Exchange, Exchanged, Renewal};
use futures::{StreamExt as _, stream};
use tokio::sync::watch;

use super::bound::{Binder, Binding, Bound, ClientOrigin, UsedClient};
use super::challenge::scopes;
use super::memory::{Memory, RECORD};
use super::registered::{Place, Remembered};
use crate::exchange::foreign;
use crate::issued::{Party, resource_of};

/// The token of one MCP server. See [the crate's page](crate#mcp-servers).
pub struct McpProvider {
    pub(super) descriptor: ProviderDescriptor,
    pub(super) binder: Binder,
    pub(super) memory: Memory,
    pub(super) clients: Clients,
    pub(super) redirect_uri: Option<String>,
    /// Asked for in place of what the server asks for.
    pub(super) scopes: Option<Vec<String>>,
    /// Clients of sign-ins that did not work out.
    pub(super) doubts: Doubts,
    /// Counts changes of the place.
    pub(super) moved: watch::Sender<u64>,
}

/// How it gets a client, as configured.
pub(super) struct Clients {
    pub(super) configured: Option<UsedClient>,
    pub(super) document: Option<UsedClient>,
    pub(super) name: String,
}

/// Issuer and client of sign-ins that were given up, or that came back with words against the client.
/// The page may have said that it does not know the client, which no redirect tells; and what a
/// browser brings is not the issuer's word.
#[derive(Default)]
pub(super) struct Doubts(Mutex<BTreeSet<(String, String)>>);

impl Doubts {
    pub(super) fn of(&self, issuer: &str, client_id: &str) -> bool {
        self.all().contains(&(issuer.to_owned(), client_id.to_owned()))
    }

    pub(super) fn add(&self, binding: &Binding) {
        self.all().insert((binding.place.issuer.clone(), binding.client.id.clone()));
    }

    /// Whether there was a doubt.
    pub(super) fn clear(&self, binding: &Binding) -> bool {
        self.all().remove(&(binding.place.issuer.clone(), binding.client.id.clone()))
    }

    /// Drops doubts of clients that are not remembered any more.
    pub(super) fn only(&self, remembered: &Remembered) {
        self.all().retain(|(issuer, id)| remembered.client(issuer, id).is_some());
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose login is kept.
pub(super) enum Standing {
    /// Nobody's.
    Absent,
    /// Of this issuer, by this client.
    Ours(Arc<Bound>),
    /// Of an issuer that is not the server's any more, of a client that is forgotten, or for another
    /// server.
    Foreign,
}

impl McpProvider {
    pub(super) async fn standing(&self, request: &Request) -> Result<Standing, CredentialError> {
        self.binder.check(request)?;
        let current = self.binder.runtime.grants.current(request.key()).await?;
        let Some(current) = current else { return Ok(Standing::Absent) };
        let remembered = self.memory.load().await?;
        let Some((place, client)) = self.of_party(&current, &remembered) else {
            return Ok(Standing::Foreign);
        };
        // What an issuer granted is outside text.
        let scopes = scopes(current.scopes().iter().map(String::as_str));
        self.binder.bound(Binding { place, client, scopes }).map(Standing::Ours)
    }

    /// The place and the client that `credential` is of, if they still are the server's and ours. The
    /// place has the resource to the letter of that login, so it is renewed for what it is bound to.
    fn of_party(
        &self,
        credential: &Credential,
        remembered: &Remembered,
    ) -> Option<(Place, UsedClient)> {
        let party = Party::of(credential)?;
        let resource = self.own_resource(credential)?.to_owned();
        let place = remembered.place.as_ref().filter(|place| place.issuer == party.issuer)?;
        let pinned = self.binder.finder.pinned.as_ref();
        if pinned.is_some_and(|pinned| pinned.as_str() != place.issuer) {
            return None;
        }
        let own = [&self.clients.configured, &self.clients.document];
        let own = own.into_iter().flatten().find(|client| client.id == party.client_id);
        let registered = || remembered.client(party.issuer, party.client_id).map(UsedClient::from);
        let place = Place { resource, ..place.clone() };
        Some((place, own.cloned().or_else(registered)?))
    }

    /// What `credential` is bound to, if that is the server.
    fn own_resource<'a>(&self, credential: &'a Credential) -> Option<&'a str> {
        resource_of(credential).filter(|resource| self.binder.finder.server.is(resource))
    }

    /// Says that a sign-in is needed if the issuer has forgotten the client that it registered, or if
    /// somebody has meanwhile signed in for another server.
    async fn settled(
        &self,
        request: &Request,
        bound: &Bound,
        outcome: Result<Resolution, CredentialError>,
    ) -> Result<Resolution, CredentialError> {
        match outcome {
            Ok(Resolution::Credential(other)) if self.own_resource(&other).is_none() => {
                Err(foreign().about(&request.key().reference()))
            }
            Err(_) if bound.is_forgotten() => {
                self.forget(bound).await;
                let error = CredentialError::needs_reauth(ReauthReason::GrantRejected, FORGOTTEN);
                Err(error.about(&request.key().reference()))
            }
            other => other,
        }
    }

    /// The next sign-in registers anew.
    pub(super) async fn forget(&self, bound: &Bound) {
        let Binding { place, client, .. } = &bound.binding;
        if client.origin != ClientOrigin::Registered {
            return;
        }
        let forgotten = self.memory.update(|kept| kept.forget(&place.issuer, &client.id)).await;
        if let Err(error) = forgotten {
            tracing::warn!(code = error.code().as_str(), "a registration was not forgotten");
        }
    }

    async fn end(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        let _commit = request.commit()?;
        let Standing::Ours(bound) = self.standing(request).await? else {
            // Sent to nobody: the issuer that it is of may not be the server's any more.
            self.binder.runtime.grants.sign_out(request.key()).await?;
            return Ok(Revocation::LocalOnly);
        };
        match bound.provider.revoke(request, current).await {
            Err(_) if bound.is_forgotten() => {
                self.forget(&bound).await;
                Ok(Revocation::LocalOnly)
            }
            other => other,
        }
    }

    pub(super) async fn signed_out(
        &self,
        request: &Request,
    ) -> Result<Revocation, CredentialError> {
        self.end(request, None).await
    }
}

pub(super) const FORGOTTEN: &str = "the issuer has forgotten the client that it registered";

/// There is nothing to exchange: the store says why.
struct Nothing;

#[async_trait]
impl Exchange for Nothing {
    async fn exchange(&self, _: &Grant, _: Option<&Credential>) -> Exchanged {
        Exchanged::Unspent(foreign())
    }
}

#[async_trait]
impl CredentialProvider for McpProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        match self.standing(request).await? {
            Standing::Ours(bound) => {
                let resolved = bound.provider.resolve(request).await;
                self.settled(request, &bound, resolved).await
            }
            Standing::Absent => {
                let ask = Renewal::for_request(request);
                self.binder.runtime.grants.renew(ask, Arc::new(Nothing)).await?;
                // Somebody has signed in between the two looks.
                self.resolve(request).await
            }
            Standing::Foreign => Err(foreign().about(&request.key().reference())),
        }
    }

    async fn refresh(
        &self,
        request: &Request,
        current: &Credential,
        why: Reason,
    ) -> Result<Resolution, CredentialError> {
        match self.standing(request).await? {
            Standing::Ours(bound) => {
                let renewed = bound.provider.refresh(request, current, why).await;
                self.settled(request, &bound, renewed).await
            }
            _ => self.resolve(request).await,
        }
    }

    async fn check(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        self.binder.check(request)?;
        let known = self.memory.load().await?.place.map(|place| place.issuer);
        self.binder.finder.discover(known.as_deref()).await.map(|_| Health::healthy())
    }

    async fn revoke(
        &self,
        request: &Request,
        current: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        self.end(request, current).await
    }

    async fn list(&self, _: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        Ok(self.descriptor.credentials.clone())
    }

    /// What other processes do to the same logins. Where the server has moved to another issuer, here
    /// or elsewhere, no login of the old one is served any more.
    fn changes(&self) -> Changes {
        let all = Change::Credential(self.binder.credential.id.clone());
        let elsewhere = self.binder.runtime.grants.changes().map({
            let all = all.clone();
            move |change| match &change {
                Change::Key(key)
                | Change::Renewed(key, _)
                | Change::SignedIn(key)
                | Change::SignedOut(key)
                    if key.credential.as_str() == RECORD =>
                {
                    all.clone()
                }
                _ => change,
            }
        });
        let here = stream::unfold(self.moved.subscribe(), move |mut moved| {
            let all = all.clone();
            async move { moved.changed().await.ok().map(|()| (all, moved)) }
        });
        Box::pin(stream::select(elsewhere, here))
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}

impl fmt::Debug for McpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpProvider")
            .field("id", &self.descriptor.id)
            .field("server", &self.binder.finder.server.url())
            .finish_non_exhaustive()
    }
}
