//! Undoing: secrets come back from the sink.

use credential_provider_api::{CredentialError, CredentialRef, ErrorCode};
use secrecy::SecretString;

use super::apply::{Migration, same};
use super::journal::{Entry, Fresh, Journal};
use super::place;
use crate::file::blocking;
use crate::openclaw::{Profiles, about};

/// What became of each profile whose secret was moved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Undoing {
    /// By profile id.
    pub profiles: Vec<(String, Undone)>,
}

/// What became of one of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Undone {
    /// Its secret is in it again, and out of the sink if the migration had put it there.
    Restored,
    /// It was changed or removed since, and stays as it is; the secret stays in the sink, there.
    Left(CredentialRef),
    /// Its secret is in it again. What comes after that failed: the sink may keep it still, and undoing
    /// again takes it out there.
    Unfinished(CredentialError),
    /// It is as it was, also where what is written down of it cannot be understood; undoing again tries
    /// again.
    Failed(CredentialError),
}

/// What a look at a profile found.
enum Standing {
    Restored,
    Left,
}

impl Migration {
    /// Takes back what was applied: reads each secret from the sink and puts it where it was.
    ///
    /// Dropping the future leaves each profile moved or restored; undoing again goes on.
    ///
    /// # Errors
    /// `unsupported` for a store that cannot be written, `store_unreadable` for what was written down.
    /// What one profile failed for is in the answer.
    pub async fn undo(&self) -> Result<Undoing, CredentialError> {
        self.store.check_writable().await?;
        let file = self.journal.clone();
        let journal = blocking(move || Journal::read(&file)).await?;
        let mut profiles = Vec::new();
        for id in journal.ids() {
            let undone = match journal.get(&id) {
                Ok(Some(entry)) => self.undo_one(&id, &entry).await.unwrap_or_else(Undone::Failed),
                Ok(None) => continue,
                Err(error) => Undone::Failed(error),
            };
            profiles.push((id, undone));
        }
        Ok(Undoing { profiles })
    }

    async fn undo_one(&self, id: &str, entry: &Entry) -> Result<Undone, CredentialError> {
        let kept = self.sink.read(&entry.to).await?;
        let standing = {
            let (id, entry, kept) = (id.to_owned(), entry.clone(), kept);
            self.store.edit(move |profiles| restore(profiles, &id, &entry, kept.as_ref())).await?
        };
        match standing {
            Standing::Restored => {
                let ended = self.end(id, entry).await;
                Ok(ended.map_or_else(Undone::Unfinished, |()| Undone::Restored))
            }
            Standing::Left => {
                self.forget(id).await?;
                Ok(Undone::Left(entry.to.clone()))
            }
        }
    }

    /// The profile has its secret, durably: only now may the sink forget it.
    async fn end(&self, id: &str, entry: &Entry) -> Result<(), CredentialError> {
        if entry.fresh == Fresh::Yes {
            self.sink.remove(&entry.to).await?;
        }
        self.forget(id).await
    }

    async fn forget(&self, id: &str) -> Result<(), CredentialError> {
        let (file, forgotten) = (self.journal.clone(), id.to_owned());
        let forget = move |_: &mut Profiles| {
            let mut journal = Journal::read(&file)?;
            journal.remove(&forgotten);
            journal.write(&file)
        };
        self.store.edit(forget).await
    }
}

fn restore(
    profiles: &mut Profiles,
    id: &str,
    entry: &Entry,
    kept: Option<&SecretString>,
) -> Result<Standing, CredentialError> {
    let Some(mut profile) = profiles.profile(id) else { return Ok(Standing::Left) };
    if place::is_replaced(&profile, &entry.to, &entry.replacement) {
        let Some(secret) = kept else {
            let what = "has its secret elsewhere, and it is no longer kept there";
            return Err(about(ErrorCode::CredentialNotFound, id, what).about(&entry.to));
        };
        place::restore(&mut profile, &entry.field, &entry.replacement, secret);
        profiles.put(id, &profile);
        return Ok(Standing::Restored);
    }
    // Never moved to the end, or restored by an undoing that did not get to its end.
    let now = place::find(&profile).ok();
    let is_same = match (now, kept) {
        (Some(now), Some(kept)) => same(&now.secret, kept),
        // The sink has forgotten it already.
        (Some(_), None) => true,
        _ => false,
    };
    Ok(if is_same { Standing::Restored } else { Standing::Left })
}
