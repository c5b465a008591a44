//! [`KeychainProvider`]: credentials in the platform's keychain.

use std::fmt;
use std::sync::Arc;

use credential_provider_api::{
    Change, Changes, Credential, CredentialDescriptor, CredentialError, CredentialId,
    CredentialProvider, Detail, ErrorCode, Health, HealthStatus, IdPattern, ProviderDescriptor,
    ProviderId, ReauthReason, Request, Resolution, Revocation, Scope, SignIn, async_trait,
};
use futures::StreamExt as _;
use futures::stream;

use crate::builder::KeychainProviderBuilder;
use crate::core::Core;
use crate::item::Item;
use crate::keychain::{Condition, Listener, Noticed};
use crate::platform::{Choice, Lasting};

/// Credentials in the platform's keychain. See the [crate's page](crate).
pub struct KeychainProvider {
    pub(crate) core: Arc<Core>,
}

impl KeychainProvider {
    /// A provider called `id`, without credentials yet.
    pub const fn builder(id: ProviderId) -> KeychainProviderBuilder {
        KeychainProviderBuilder::new(id)
    }

    /// Which store was opened last, and why; `None` before the first call.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        self.core.access.choice()
    }

    /// Names of what is there, of one service, without secrets.
    async fn accounts(
        &self,
        request: &Request,
        service: String,
    ) -> Result<Vec<String>, CredentialError> {
        let core = &self.core;
        let any = core.credentials.iter().find(|c| c.foreign.is_none());
        let Some(any) = any else { return Ok(Vec::new()) };
        let asked = crate::item::OwnItem::new(core.service.as_str(), any.id.as_str())?;
        core.ask(request, &Item::Own(asked), move |k, call| k.accounts(&service, call)).await
    }
}

#[async_trait]
impl CredentialProvider for KeychainProvider {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.core.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let credential = self.core.described(request)?;
        if let Some(found) = self.core.read(request, credential).await? {
            return Ok(found.into());
        }
        let error = if credential.foreign.is_some() {
            let detail = "the keychain has no such item: the program that keeps it has to make it";
            CredentialError::new(ErrorCode::CredentialNotFound, detail)
        } else {
            CredentialError::needs_reauth(ReauthReason::NotSignedIn, "it was not set yet")
        };
        Err(error.about(&request.key().reference()))
    }

    async fn check(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        let credential = self.core.described(request)?;
        let item = self.core.item(credential, request.key())?;
        let quiet = request.clone().with_interaction(Default::default());
        let condition = self.core.ask(&quiet, &item, |k, call| k.condition(call)).await?;
        let Some(choice) = self.choice() else {
            return Err(CredentialError::new(ErrorCode::Internal, "no store was noted"));
        };
        let (status, state) = match (condition, choice.store().lasting()) {
            (Condition::Locked, _) => (HealthStatus::Degraded, "; it is locked"),
            (_, Lasting::UntilRestart) => (HealthStatus::Degraded, "; it forgets at a restart"),
            (_, Lasting::OnDisk) => (HealthStatus::Healthy, ""),
        };
        Ok(Health::new(status, Detail::composed(format!("{choice}{state}"))))
    }

    /// Deletes an item of ours, so that a restart does not bring it back. The key itself stays good
    /// where it is used, so this is local.
    async fn revoke(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        let credential = self.core.described(request)?;
        if credential.foreign.is_none() {
            self.delete(request).await?;
        }
        Ok(Revocation::LocalOnly)
    }

    /// What is there: of the gateway's own, and of the request's session if it has one.
    async fn list(&self, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let core = &self.core;
        let mut found: Vec<CredentialDescriptor> = Vec::new();
        let mut add = |id: &CredentialId, scope: Scope| {
            let described = core.descriptor.credential(id).filter(|d| d.scope == scope);
            let Some(described) = described else { return };
            let of = core.credentials.iter().find(|c| c.id == described.id);
            if of.is_some_and(|c| c.foreign.is_none()) {
                let mut one = described.clone();
                one.id = IdPattern::from(id);
                found.push(one);
            }
        };
        for account in self.accounts(request, core.service.clone()).await? {
            if let Ok(id) = CredentialId::new(&account) {
                add(&id, Scope::Gateway);
            }
        }
        if let Some(session) = &request.key().session {
            let service = crate::core::session_service(&core.service);
            for account in self.accounts(request, service).await? {
                if let Some((id, of)) = session_account(&account)
                    && of == crate::core::digest(session.encoded())
                {
                    add(&id, Scope::Session);
                }
            }
        }
        for credential in &core.credentials {
            let Some(foreign) = &credential.foreign else { continue };
            let (item, wanted) = (Item::Foreign(foreign.clone()), Item::Foreign(foreign.clone()));
            match core.ask(request, &item, move |k, call| k.holds(&wanted, call)).await {
                Ok(true) => found.push(credential.descriptor()),
                Ok(false) => {}
                // A store that cannot have it does not have it.
                Err(error) if error.code() == ErrorCode::Unsupported => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn changes(&self) -> Changes {
        let (listener, heard) = Listener::new(self.core.clock.clone());
        let opener = self.core.opener.clone();
        let thread = std::thread::Builder::new().name("credential-keychain-watch".into());
        if thread.spawn(move || opener.watch(&listener)).is_err() {
            tracing::warn!("the system gives no thread to watch the keychain; it is read again");
        }
        let core = self.core.clone();
        let told = stream::unfold(heard, |mut heard| async {
            heard.recv().await.map(|noticed| (noticed, heard))
        });
        Box::pin(told.flat_map(move |noticed| stream::iter(core.meant(&noticed))))
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        (!self.core.descriptor.sign_in.is_empty()).then_some(self)
    }
}

impl Core {
    /// The changes that a store's signal means.
    fn meant(&self, noticed: &Noticed) -> Vec<Change> {
        let Noticed::Item(attributes) = noticed else {
            return vec![Change::All];
        };
        let mut changes: Vec<Change> = Vec::new();
        for credential in &self.credentials {
            if let Some(foreign) = &credential.foreign
                && Item::Foreign(foreign.clone()).matches(attributes)
                && let Ok(id) = CredentialId::new(credential.id.as_str())
            {
                changes.push(Change::Credential(id));
            }
        }
        let (service, account) = (attributes.get("service"), attributes.get("account"));
        let (Some(service), Some(account)) = (service, account) else {
            return changes;
        };
        if *service == self.service {
            changes.extend(CredentialId::new(account).ok().map(Change::Credential));
        } else if *service == crate::core::session_service(&self.service) {
            // In all sessions: the others are read again, too.
            changes.extend(session_account(account).map(|(id, _)| Change::Credential(id)));
        }
        changes
    }
}

/// The id in a session's account name, and the session's digest.
fn session_account(account: &str) -> Option<(CredentialId, &str)> {
    let (id, session) = account.rsplit_once(':')?;
    Some((CredentialId::new(id).ok()?, session))
}

impl fmt::Debug for KeychainProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeychainProvider")
            .field("id", &self.core.descriptor.id)
            .field("service", &self.core.service)
            .field("choice", &self.choice())
            .finish_non_exhaustive()
    }
}
