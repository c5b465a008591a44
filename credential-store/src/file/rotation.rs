//! Rotating the data key while others read and write.

use credential_provider_api::{CredentialError, ErrorCode};

use super::disk::Lock;
use super::header::Header;
use super::problem::Problem;
use super::records::Keys;
use super::store::{FileStore, Inner, blocking, no_keys};
use crate::key::{DataKey, KeyId, KeyRing};

/// What a rotation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotated {
    /// The key that encrypts now.
    pub active: KeyId,
    /// How many records were encrypted anew, tombstones included.
    pub records: usize,
}

impl FileStore {
    /// Makes a new data key, encrypts every record with it and forgets the old ones. Others go on
    /// reading and writing meanwhile, however slow the key source is. Revisions stay, so no watcher is
    /// woken.
    ///
    /// Dropping it cancels nothing. If the process ends meanwhile, old and new key are both kept and
    /// nothing is lost; rotate again.
    ///
    /// # Errors
    /// `unsupported` if the keys are the [host's](crate::HostKeys); `store_unreadable` if a record
    /// cannot be read: the old keys are kept then; `store_locked` if another rotation is under way.
    pub async fn rotate_key(&self) -> Result<Rotated, CredentialError> {
        let store = self.clone();
        // A ring that is being written must not be overtaken by the next rotation's.
        let done = tokio::spawn(async move { store.rotate().await }).await;
        done.unwrap_or_else(|_| {
            Err(CredentialError::new(ErrorCode::Internal, "the task of a rotation has ended"))
        })
    }

    async fn rotate(&self) -> Result<Rotated, CredentialError> {
        let inner = self.inner.clone();
        let limit = inner.limit;
        // Among rotations alone: writers wait for the header only.
        let _alone = blocking(limit, move || inner.records.rotating()).await?;
        let source = &self.inner.source;
        let found = source.load().await?.ok_or_else(|| no_keys(&**source))?;
        let ring = found.rotated(DataKey::generate()?);
        source.replace(ring.clone()).await?;
        let inner = self.inner.clone();
        let next = blocking(limit, move || {
            let _no_writers = inner.records.rotation(Lock::Exclusive)?;
            let path = inner.records.header();
            let mut header = Header::read(&inner.records.disk, &path)?
                .ok_or_else(|| Problem::unreadable(&path, "is missing"))?;
            header.generation += 1;
            inner.records.disk.replace(&path, &header.bytes())?;
            Ok(header.generation)
        });
        // From here on whoever writes has seen the new generation, and uses the new key.
        let generation = next.await?;
        self.inner.set_keys(Keys { generation, ring: ring.clone() });
        let rotated = self.reencrypt().await?;
        source.replace(KeyRing::new(ring.active().clone())).await?;
        Ok(rotated)
    }

    /// Encrypts every record anew that another than the active key encrypted. Part of
    /// [`rotate_key`](Self::rotate_key); called by itself where the host keeps the keys.
    ///
    /// # Errors
    /// `store_unreadable` if a record cannot be read; those before it are done.
    pub async fn reencrypt(&self) -> Result<Rotated, CredentialError> {
        let names = self.inner.with_keys(|inner, _| inner.records.names()).await?;
        let mut records = 0;
        for name in names {
            let work = move |inner: &Inner, keys: &Keys| inner.records.reseal(keys, name);
            records += usize::from(self.inner.with_keys(work).await?);
        }
        Ok(Rotated { active: self.inner.keys().ring.active().id(), records })
    }
}
