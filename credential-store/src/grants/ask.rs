//! [`Renewal`]: what somebody wants instead of what there is.

use std::time::Duration;

use credential_provider_api::{
    Commit, Credential, CredentialError, Key, Request, Revision, Timestamp,
};

/// An engine serves nothing in the last 100 ms of its life, and would take a source that gives it for
/// one that answers wrongly.
const LEAST_LIFE: Duration = Duration::from_millis(250);

/// Asks for a credential that is good enough. What the store has is given if it is; else the grant
/// is exchanged.
#[derive(Clone, Debug)]
#[must_use = "it is handed to `Grants::renew`"]
pub struct Renewal {
    key: Key,
    newer_than: Option<Revision>,
    rejected: Option<Revision>,
    min_validity: Duration,
    request: Option<Request>,
    /// The revision of the record when this was first looked at.
    asked_at: Option<Revision>,
}

impl Renewal {
    /// Of `key`: any credential that has not ended is good enough.
    pub const fn of(key: Key) -> Self {
        Self {
            key,
            newer_than: None,
            rejected: None,
            min_validity: Duration::ZERO,
            request: None,
            asked_at: None,
        }
    }

    /// As an engine's request says: its key, its minimum validity (250 ms at least: an engine does not
    /// serve what is about to end), the revision it saw rejected. The exchange is committed to the
    /// request, so the engine lets it end.
    pub fn for_request(request: &Request) -> Self {
        Self::of(request.key().clone())
            .min_validity(request.min_validity().max(LEAST_LIFE))
            .rejected(request.rejected())
            .committed_to(request.clone())
    }

    /// Only a later one than this is good enough, the one to be replaced.
    pub const fn newer_than(mut self, revision: Option<Revision>) -> Self {
        self.newer_than = revision;
        self
    }

    /// Not this one: somebody saw it rejected.
    pub const fn rejected(mut self, revision: Option<Revision>) -> Self {
        self.rejected = revision;
        self
    }

    /// It should last at least this long. One that was issued since this was asked, or that is
    /// [newer](Self::newer_than), need not: it is the best the issuer gave.
    pub const fn min_validity(mut self, span: Duration) -> Self {
        self.min_validity = span;
        self
    }

    fn committed_to(mut self, request: Request) -> Self {
        self.request = Some(request);
        self
    }

    /// Looked at first when the record had this revision.
    pub(crate) const fn begun_at(mut self, revision: Option<Revision>) -> Self {
        self.asked_at = revision;
        self
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn wants_more_than(&self, life: Duration) -> bool {
        self.min_validity > life
    }

    pub(crate) fn commit(&self) -> Result<Option<Commit>, CredentialError> {
        self.request.as_ref().map(Request::commit).transpose()
    }

    /// Whether a credential issued at `revision` will do at `now`; the issuer gave none that lasts
    /// longer than the `best`.
    pub(crate) fn accepts(
        &self,
        credential: &Credential,
        revision: Revision,
        now: Timestamp,
        best: Option<Revision>,
    ) -> bool {
        if self.rejected == Some(revision) || self.newer_than.is_some_and(|than| revision <= than) {
            return false;
        }
        let later = self.newer_than.is_some()
            || self.asked_at.is_some_and(|at| revision > at)
            || best == Some(revision);
        let span = if later { Duration::ZERO } else { self.min_validity };
        credential.expires_at().is_none_or(|end| end > now.plus(span))
    }
}
