//! What provider and sign-in share: which item a key is, and the calls to the keychain.

use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Clock, Credential, CredentialError, ErrorCode, Freshness, Key, Material, ProviderDescriptor,
    Request, Scope,
};
use sha2::{Digest as _, Sha256};

use crate::access::{Access, Asker};
use crate::credential::KeychainCredential;
use crate::error::unsupported;
use crate::item::{Item, OwnItem};
use crate::keychain::{Call, Keychain, OpenKeychain};
use crate::secret;

pub(crate) struct Core {
    pub(crate) descriptor: ProviderDescriptor,
    pub(crate) credentials: Vec<KeychainCredential>,
    pub(crate) service: String,
    pub(crate) access: Access,
    pub(crate) opener: Arc<dyn OpenKeychain>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reread: Duration,
}

impl Core {
    /// What is configured for the credential asked for.
    pub(crate) fn described(
        &self,
        request: &Request,
    ) -> Result<&KeychainCredential, CredentialError> {
        let key = request.key();
        let found = self.descriptor.credential(&key.credential);
        let found = found.and_then(|found| self.credentials.iter().find(|c| c.id == found.id));
        let Some(credential) = found else {
            let detail = "the keychain's configuration names no such credential";
            return Err(
                CredentialError::new(ErrorCode::CredentialNotFound, detail).about(&key.reference())
            );
        };
        request.require_no_variant()?;
        if credential.scope == Scope::Session {
            request.session()?;
        }
        Ok(credential)
    }

    /// The item that keeps `key`.
    pub(crate) fn item(
        &self,
        credential: &KeychainCredential,
        key: &Key,
    ) -> Result<Item, CredentialError> {
        match &credential.foreign {
            Some(foreign) => Ok(Item::Foreign(foreign.clone())),
            None => self.own(credential, key).map(Item::Own),
        }
    }

    /// The item of ours that keeps `key`.
    pub(crate) fn own(
        &self,
        credential: &KeychainCredential,
        key: &Key,
    ) -> Result<OwnItem, CredentialError> {
        if credential.foreign.is_some() {
            let detail = "another program keeps this item: set and delete it there";
            return Err(unsupported(detail).about(&key.reference()));
        }
        let id = key.credential.as_str();
        let own = match (credential.scope, &key.session) {
            (Scope::Gateway, _) => OwnItem::new(self.service.as_str(), id),
            (_, Some(session)) => OwnItem::new(
                session_service(&self.service),
                format!("{id}:{}", digest(session.encoded())),
            ),
            (_, None) => Err(CredentialError::new(ErrorCode::SessionRequired, "")),
        };
        own.map_err(|error| error.about(&key.reference()))
    }

    /// A call to the keychain that changes nothing.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        request: &Request,
        item: &Item,
        work: impl FnMut(&mut dyn Keychain, &Call) -> Result<T, CredentialError>
        + Clone
        + Send
        + 'static,
    ) -> Result<T, CredentialError> {
        let answer = self.access.ask(asker(request), item, work).await;
        answer.map_err(|error| error.about(&request.key().reference()))
    }

    /// A call to the keychain that changes something.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        request: &Request,
        item: &Item,
        work: impl FnMut(&mut dyn Keychain, &Call) -> Result<T, CredentialError>
        + Clone
        + Send
        + 'static,
    ) -> Result<T, CredentialError> {
        let commit = || request.commit().map(Some);
        let answer = self.access.change(asker(request), item, commit, work).await;
        answer.map_err(|error| error.about(&request.key().reference()))
    }

    /// The credential that stands in an item.
    pub(crate) fn credential(
        &self,
        credential: &KeychainCredential,
        material: Material,
    ) -> Credential {
        credential.credential(material).with_freshness(Freshness::For(self.reread))
    }

    /// Reads the item of `key`; `None` if there is none.
    pub(crate) async fn read(
        &self,
        request: &Request,
        credential: &KeychainCredential,
    ) -> Result<Option<Credential>, CredentialError> {
        let item = self.item(credential, request.key())?;
        let wanted = item.clone();
        let found = self.ask(request, &item, move |k, call| k.read(&wanted, call)).await?;
        let Some(bytes) = found else {
            return Ok(None);
        };
        let material = secret::to_material(credential.kind, &bytes)
            .map_err(|error| error.about(&request.key().reference()))?;
        Ok(Some(self.credential(credential, material)))
    }
}

fn asker(request: &Request) -> Asker {
    Asker { interaction: request.interaction(), deadline: request.deadline() }
}

/// A session in the name of an item: as long for each, and of letters that every store takes.
pub(crate) fn digest(session: &str) -> String {
    Sha256::digest(session).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The service of what belongs to sessions. No configured service has a `#`.
pub(crate) fn session_service(service: &str) -> String {
    format!("{service}#session")
}
