//! [`Exchange`]: the one thing a provider supplies.

use async_trait::async_trait;
use credential_provider_api::{Credential, CredentialError, Detail, Grant, ReauthReason};

/// Sends a grant to its issuer and says what came of it.
///
/// [`Grants::renew`](super::Grants::renew) calls it under the lease of the key, after the intent is
/// durable, on a task of its own: callers that give up do not cancel it. It should have limits of its
/// own on connecting, reading and in total, below [`exchange_limit`](super::GrantsBuilder::exchange_limit);
/// when that is reached it is dropped, and counts as [`Unanswered`](Exchanged::Unanswered).
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends `grant`, once: no retry of its own after the request may have left.
    async fn exchange(&self, grant: &Grant, current: Option<&Credential>) -> Exchanged;

    /// Attaches what is not stored to a credential on its way out, from the grant it came with: a
    /// signer whose key is in the grant. Nothing without this.
    fn attach(&self, grant: Option<&Grant>, credential: Credential) -> Credential {
        let _ = grant;
        credential
    }

    /// Revokes a grant that was issued too late: somebody signed out, or signed in anew, while it was
    /// on its way. Best effort.
    async fn discard(&self, grant: Grant) {
        let _ = grant;
    }
}

/// What came of an exchange. The difference between `Unspent` and `Unanswered` decides whether a login survives:
/// when in doubt, say [`Unanswered`](Self::Unanswered).
#[derive(Debug)]
#[non_exhaustive]
pub enum Exchanged {
    /// A credential, and the grant that follows if the issuer rotates them.
    Issued {
        /// Without revision: the store mints it.
        credential: Credential,
        /// `None`: the old grant stays good.
        grant: Option<Grant>,
    },
    /// The grant that follows, beside something that cannot be served: it is kept, so that the login
    /// is not lost with it, and those who wait get the error.
    Rotated {
        /// What the issuer will accept next.
        grant: Grant,
        /// What was wrong.
        error: CredentialError,
    },
    /// The issuer does not accept this grant any more (`invalid_grant`).
    Refused {
        /// Why a person must sign in again.
        reason: ReauthReason,
        /// What the issuer said, cleaned.
        detail: Detail,
    },
    /// It failed and the grant is as good as before: nothing was sent, or the issuer answered that
    /// it would not try (a rate limit, a wrong client secret).
    Unspent(CredentialError),
    /// It may have been sent and no answer was understood: the grant may be spent, nobody knows.
    Unanswered(CredentialError),
}
