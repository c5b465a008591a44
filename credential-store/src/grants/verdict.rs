//! What a record means to somebody who wants a credential.

use credential_provider_api::{
    Credential, CredentialError, Grant, Loaded, ReauthReason, Record, Revision, Timestamp,
};

use super::ask::Renewal;

/// What to do about it.
pub(crate) enum Verdict {
    /// This one is good enough.
    Give(Given),
    /// The grant must be exchanged.
    Renew(Held),
    /// Nothing but a sign-in helps.
    Fail(CredentialError),
}

/// A credential, and the grant it was issued with.
pub(crate) struct Given {
    pub(crate) credential: Credential,
    pub(crate) grant: Option<Grant>,
}

/// A record with a grant in it.
pub(crate) struct Held {
    pub(crate) revision: Revision,
    pub(crate) record: Record,
    pub(crate) grant: Grant,
}

pub(crate) fn judge(
    ask: &Renewal,
    loaded: Loaded,
    now: Timestamp,
    best: Option<Revision>,
) -> Verdict {
    let (revision, record) = match (loaded.revision, loaded.record) {
        (Some(revision), Some(record)) => (revision, issued(record, revision)),
        (revision, _) => return Verdict::Fail(absent(revision)),
    };
    if let Some(credential) = &record.credential {
        let at = credential.revision().unwrap_or(revision);
        if ask.accepts(credential, at, now, best) {
            let given = Given { credential: credential.clone(), grant: record.grant };
            return Verdict::Give(given);
        }
    }
    match (&record.refusal, &record.grant) {
        (Some(refusal), _) => Verdict::Fail(refusal.error()),
        (None, Some(grant)) => {
            let grant = grant.clone();
            Verdict::Renew(Held { revision, record, grant })
        }
        (None, None) => {
            let detail = "there is nothing to renew it with";
            Verdict::Fail(CredentialError::needs_reauth(ReauthReason::GrantExpired, detail))
        }
    }
}

/// The record with its credential's revision said aloud: later saves mint others for the record.
pub(crate) fn issued(mut record: Record, revision: Revision) -> Record {
    record.credential = record.credential.map(|credential| match credential.revision() {
        Some(_) => credential,
        None => credential.with_revision(revision),
    });
    record
}

/// Nothing is kept: was there ever anything?
pub(crate) fn absent(revision: Option<Revision>) -> CredentialError {
    match revision {
        None => CredentialError::needs_reauth(ReauthReason::NotSignedIn, ""),
        Some(_) => CredentialError::needs_reauth(ReauthReason::SignedOut, ""),
    }
}
