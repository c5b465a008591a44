//! Changes made outside.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::id::CredentialId;
use crate::key::Key;
use crate::revision::Revision;

/// What changed outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// One key: what was remembered of it is to be asked for again.
    Key(Key),
    /// Somebody else renewed one key, and the source has this revision now. An older one is still
    /// good, is served until the newer is fetched, and the renewal costs the issuer nothing.
    Renewed(Key, Revision),
    /// A credential in all its sessions and variants.
    Credential(CredentialId),
    /// Somebody signed in elsewhere: what was remembered of this key, a revocation too, is over.
    SignedIn(Key),
    /// Somebody signed out elsewhere.
    SignedOut(Key),
    /// It was revoked elsewhere.
    Revoked(Key),
    /// Anything of the provider.
    All,
}

/// A stream of changes. It ends when the provider notices none any more.
pub type Changes = Pin<Box<dyn Stream<Item = Change> + Send>>;

/// The stream of a provider whose credentials do not change outside: over at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoChanges;

impl Stream for NoChanges {
    type Item = Change;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Change>> {
        Poll::Ready(None)
    }
}
