//! [`Revision`]: which issue of a credential it is.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// Names one issue of one key. Compared for equality; a store's revisions also grow.
///
/// A credential from a store carries the revision its compare-and-swap minted; the engine gives one
/// to every other credential. A revision is never used again for the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(NonZeroU64);

impl Revision {
    /// The first revision.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The revision numbered `number`; `None` for zero.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}
