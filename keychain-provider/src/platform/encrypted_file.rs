//! A folder encrypted by `credential-store`, for machines without a keychain.

use std::future::Future;
use std::path::Path;

use credential_provider_api::{
    CredentialError, CredentialId, CredentialRef, ExposeSecret as _, Grant, GrantStore as _, Key,
    ProviderId, Record,
};
use credential_store::{FileStore, KeyFile};
use secrecy::SecretSlice;
use tokio::runtime::Runtime;

use crate::error::{timeout, unsupported};
use crate::item::{Item, OwnItem};
use crate::keychain::{Call, Condition, Keychain};

/// Each item is a record whose grant is the secret.
pub(super) struct EncryptedFile {
    store: FileStore,
    runtime: Runtime,
}

impl EncryptedFile {
    pub(super) fn open(folder: &Path, keys: &Path, call: &Call) -> Result<Self, CredentialError> {
        let runtime = super::runtime()?;
        let opening = FileStore::open(folder, KeyFile::new(keys));
        let store = wait(&runtime, call, opening)?;
        Ok(Self { store, runtime })
    }
}

fn wait<T>(
    runtime: &Runtime,
    call: &Call,
    work: impl Future<Output = Result<T, CredentialError>>,
) -> Result<T, CredentialError> {
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            () = call.ended() => Err(timeout()),
        }
    })
}

/// The name of a record. It names no provider: whoever has the folder has its items.
fn key(item: &OwnItem) -> Result<Key, CredentialError> {
    let id = CredentialId::new(item.joined())?;
    Ok(Key::gateway(&CredentialRef::new(ProviderId::new("keychain")?, id)))
}

fn own(item: &Item) -> Result<&OwnItem, CredentialError> {
    match item {
        Item::Own(own) => Ok(own),
        Item::Foreign(_) => Err(unsupported("other programs keep nothing in the encrypted file")),
    }
}

impl Keychain for EncryptedFile {
    fn read(
        &mut self,
        item: &Item,
        call: &Call,
    ) -> Result<Option<SecretSlice<u8>>, CredentialError> {
        let key = key(own(item)?)?;
        let loaded = wait(&self.runtime, call, self.store.load(&key))?;
        let grant = loaded.record.and_then(|record| record.grant);
        Ok(grant.map(|grant| grant.expose().to_vec().into()))
    }

    fn write(
        &mut self,
        item: &OwnItem,
        _: &str,
        secret: &SecretSlice<u8>,
        call: &Call,
    ) -> Result<(), CredentialError> {
        let key = key(item)?;
        wait(&self.runtime, call, async {
            let loaded = self.store.load(&key).await?;
            let grant = Grant::from(secret.expose_secret().to_vec());
            let record = Record::new(Some(grant), None);
            self.store.save(&key, loaded.revision, record).await.map(drop)
        })
    }

    fn delete(&mut self, item: &OwnItem, call: &Call) -> Result<bool, CredentialError> {
        let key = key(item)?;
        wait(&self.runtime, call, async {
            let loaded = self.store.load(&key).await?;
            if loaded.record.is_none() {
                return Ok(false);
            }
            self.store.remove(&key, loaded.revision).await.map(|_| true)
        })
    }

    fn holds(&mut self, item: &Item, call: &Call) -> Result<bool, CredentialError> {
        Ok(self.read(item, call)?.is_some())
    }

    fn accounts(&mut self, service: &str, call: &Call) -> Result<Vec<String>, CredentialError> {
        let keys = wait(&self.runtime, call, self.store.list())?;
        let names = keys.iter().filter_map(|key| {
            let (of, account) = key.credential.as_str().split_once(':')?;
            (of == service).then(|| account.to_owned())
        });
        Ok(names.collect())
    }

    fn condition(&mut self, _: &Call) -> Result<Condition, CredentialError> {
        Ok(Condition::Ready)
    }

    fn unlock(&mut self, _: &Item, _: &Call) -> Result<(), CredentialError> {
        Err(unsupported("the encrypted file is never locked"))
    }
}
