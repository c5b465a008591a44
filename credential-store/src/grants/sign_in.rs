//! Signing in and out: the ways a grant comes and goes without its lease.

use std::time::Duration;

use credential_provider_api::{
    Credential, CredentialError, ErrorCode, Grant, Key, Loaded, Record, Timestamp,
};

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
    /// Cancel-safe: dropped, it has happened, may yet happen until somebody signs in or out, or has not.
    ///
    /// # Errors
    /// The store's. It may count or not then; the same call can be made again.
    pub async fn sign_in(
        &self,
        key: &Key,
        grant: Option<Grant>,
        credential: Option<Credential>,
    ) -> Result<SignedIn, CredentialError> {
        let credential = credential.map(Credential::without_revision);
        let mut ours: Option<Ours> = None;
        for _ in 0..TRIES {
            let found = self.inner.load(key).await?;
            let mine = ours.as_ref().is_some_and(|ours| ours.stands(&found));
            let Ours { record, replaced, .. } = match ours.take() {
                // It failed after it had taken its place: saved once more, it is durable.
                Some(ours) if mine => ours,
                Some(Ours { failed: Some(error), .. }) => return Err(error),
                _ => Ours::in_place_of(found.record, &grant, &credential, self.inner.clock.now()),
            };
            match self.inner.store.save(key, found.revision, record.clone()).await {
                Ok(revision) => {
                    self.inner.known.did(key, revision, Some(&record));
                    let credential = credential.map(|issued| issued.with_revision(revision));
                    return Ok(SignedIn { credential, replaced });
                }
                Err(error) if error.code() == ErrorCode::Conflict => {}
                // Nothing was written if nobody else let us.
                Err(error) if error.code() == ErrorCode::StoreLocked || mine => return Err(error),
                Err(error) => ours = Some(Ours { record, replaced, failed: Some(error) }),
            }
        }
        Err(contended())
    }

    /// Removes the grant and what was issued from it, and returns it, so that it can be revoked at
    /// its issuer. `None` if there was none. Neither a renewal under way nor a sign-in that was given
    /// up brings it back: a tombstone is left even where nobody was signed in.
    ///
    /// Cancel-safe: dropped, it has happened, may yet happen until somebody signs in or out, or has not.
    ///
    /// # Errors
    /// The store's. The grant may be gone or not then; the same call can be made again.
    pub async fn sign_out(&self, key: &Key) -> Result<Option<Grant>, CredentialError> {
        let mut taken: Option<Grant> = None;
        let mut failed: Option<CredentialError> = None;
        for _ in 0..TRIES {
            let found = self.inner.load(key).await?;
            match (found.record, &failed) {
                (Some(record), None) => taken = record.grant,
                (Some(_), Some(error)) => return Err(error.clone()),
                // Nothing there, or gone with the try that failed: made durable by another tombstone.
                (None, _) => {}
            }
            match self.inner.store.remove(key, found.revision).await {
                Ok(revision) => {
                    self.inner.known.did(key, revision, None);
                    return Ok(taken);
                }
                Err(error) if error.code() == ErrorCode::Conflict => {}
                Err(error) if error.code() == ErrorCode::StoreLocked || failed.is_some() => {
                    return Err(error);
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(contended())
    }
}

/// A sign-in on its way into the store.
struct Ours {
    record: Record,
    replaced: Option<Grant>,
    failed: Option<CredentialError>,
}

impl Ours {
    fn in_place_of(
        before: Option<Record>,
        grant: &Option<Grant>,
        credential: &Option<Credential>,
        now: Timestamp,
    ) -> Self {
        let (replaced, before) = match before {
            Some(record) => (record.grant, record.signed_in),
            None => (None, None),
        };
        // Told apart from the one before by its time.
        let at = match before {
            Some(before) if before >= now => before.plus(Duration::from_millis(1)),
            _ => now,
        };
        let record = Record::new(grant.clone(), credential.clone()).with_sign_in(at);
        Self { record, replaced, failed: None }
    }

    /// Whether it is what was found.
    fn stands(&self, found: &Loaded) -> bool {
        found.record.as_ref().is_some_and(|found| {
            let [one, other] = [found, &self.record].map(|r| r.grant.as_ref().map(Grant::expose));
            found.signed_in == self.record.signed_in && one == other
        })
    }
}

fn contended() -> CredentialError {
    CredentialError::new(
        ErrorCode::Conflict,
        "others change the record faster than it can be saved",
    )
}
