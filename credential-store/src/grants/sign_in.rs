//! Signing in and out: the ways a grant comes and goes without its lease.

use std::time::Duration;

use credential_provider_api::{Credential, CredentialError, ErrorCode, Grant, Key, Record};

use super::handle::Grants;

/// Others may change the record meanwhile, each of them for a moment.
const TRIES: usize = 32;

/// What a sign-in left behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The credential issued with it, with its revision.
    pub credential: Option<Credential>,
    /// The grant it replaced: revoke it where that is possible.
    pub replaced: Option<Grant>,
}

impl Grants {
    /// Keeps the grant of a sign-in that counts. A renewal of the old grant that is under way is
    /// overtaken: what it brings is discarded.
    ///
    /// Cancel-safe: dropped, it has happened or not.
    ///
    /// # Errors
    /// The store's; nothing counts then, and the same call can be made again.
    pub async fn sign_in(
        &self,
        key: &Key,
        grant: Option<Grant>,
        credential: Option<Credential>,
    ) -> Result<SignedIn, CredentialError> {
        let credential = credential.map(Credential::without_revision);
        for _ in 0..TRIES {
            let found = self.inner.load(key).await?;
            let (replaced, before) = match found.record {
                Some(record) => (record.grant, record.signed_in),
                None => (None, None),
            };
            // Told apart from the one before by its time.
            let mut at = self.inner.clock.now();
            if before.is_some_and(|before| before >= at) {
                at = before.unwrap_or(at).plus(Duration::from_millis(1));
            }
            let record = Record::new(grant.clone(), credential.clone()).with_sign_in(at);
            match self.inner.store.save(key, found.revision, record.clone()).await {
                Ok(revision) => {
                    self.inner.known.did(key, revision, Some(&record));
                    let credential = credential.map(|issued| issued.with_revision(revision));
                    return Ok(SignedIn { credential, replaced });
                }
                Err(error) if error.code() == ErrorCode::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    /// Removes the grant and what was issued from it, and returns it, so that it can be revoked at
    /// its issuer. `None` if there was none. A renewal under way does not bring it back.
    ///
    /// Cancel-safe: dropped, it has happened or not.
    ///
    /// # Errors
    /// The store's; the grant is still there then.
    pub async fn sign_out(&self, key: &Key) -> Result<Option<Grant>, CredentialError> {
        for _ in 0..TRIES {
            let found = self.inner.load(key).await?;
            let Some(record) = found.record else {
                return Ok(None);
            };
            match self.inner.store.remove(key, found.revision).await {
                Ok(revision) => {
                    self.inner.known.did(key, revision, None);
                    return Ok(record.grant);
                }
                Err(error) if error.code() == ErrorCode::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }
}

fn contended() -> CredentialError {
    CredentialError::new(
        ErrorCode::Conflict,
        "others change the record faster than it can be saved",
    )
}
