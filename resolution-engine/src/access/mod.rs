//! Who may have what: denied unless granted.

mod rules;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use credential_provider_api::{ConsumerName, CredentialRef};

pub use rules::{AccessRules, Effect, Rule};

use crate::sync::lock;

/// Bits of a mark word that name consumers; the rest is the epoch of the rules.
const INDEXED: u32 = 40;

pub(crate) struct Access {
    rules: ArcSwap<AccessRules>,
    /// Counts replacements of the rules.
    epoch: AtomicU64,
    /// The first consumers get a bit each; later ones are judged at every request.
    bits: Mutex<HashMap<ConsumerName, u64>>,
}

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Granted,
    Denied,
}

impl Access {
    pub(crate) fn new(rules: AccessRules) -> Self {
        Self {
            rules: ArcSwap::from_pointee(rules),
            epoch: AtomicU64::new(1),
            bits: Mutex::default(),
        }
    }

    pub(crate) fn decide(&self, who: &ConsumerName, what: &CredentialRef) -> Decision {
        self.rules.load().decide(who, what)
    }

    /// Whether a rule forbids it by name, whatever else grants it.
    pub(crate) fn forbids(&self, who: &ConsumerName, what: &CredentialRef) -> bool {
        self.rules.load().forbids(who, what)
    }

    /// Whether a child session gets its top session's credential.
    pub(crate) fn inherits(&self, who: &ConsumerName, what: &CredentialRef) -> bool {
        self.rules.load().inherits(who, what)
    }

    /// Whether a provider may derive, for a child session, from its parent session's credential.
    pub(crate) fn derives(&self, who: &ConsumerName, what: &CredentialRef) -> bool {
        self.rules.load().derives(who, what)
    }

    /// The epoch as it stands in a mark word; never that of an untouched word.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire) & ((1 << 24) - 1)
    }

    /// Replaces the rules. Whoever then reads the new epoch finds the new rules.
    pub(crate) fn replace(&self, rules: AccessRules) -> Wrapped {
        self.rules.store(Arc::new(rules));
        let before = self.epoch.fetch_add(1, Ordering::AcqRel);
        if (before + 1) & ((1 << 24) - 1) == 0 {
            // Zero is the epoch of untouched words.
            self.epoch.fetch_add(1, Ordering::AcqRel);
            return Wrapped::Yes;
        }
        Wrapped::No
    }

    pub(crate) fn bit(&self, who: &ConsumerName) -> u64 {
        let mut bits = lock(&self.bits);
        let next = u32::try_from(bits.len()).unwrap_or(u32::MAX);
        if let Some(bit) = bits.get(who) {
            return *bit;
        }
        if next >= INDEXED {
            return 0;
        }
        bits.insert(who.clone(), 1 << next);
        1 << next
    }
}

/// Whether the epoch began anew, so that old marks could be taken for new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapped {
    Yes,
    No,
}
