//! Which secrets are known, for whose sake, and until when.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use credential_provider_api::{Credential, Timestamp};

use super::fingerprint::Fingerprint;
use super::known::{Known, Tally};

/// All that is known; changed by one at a time.
pub(super) struct Register {
    secrets: HashMap<u128, Secret, foldhash::fast::RandomState>,
    tally: Tally,
    added: u64,
    /// How many there may be before some are forgotten.
    room: usize,
    /// The latest time anybody told.
    now: Timestamp,
}

/// One secret, by the strong hash of its text.
struct Secret {
    prints: Box<[Fingerprint]>,
    /// Whoever holds one of these holds the secret.
    holders: Vec<Weak<Credential>>,
    /// The host's own: held until then.
    kept_until: Option<Timestamp>,
    ends: Ends,
    /// When it was first seen to be held by nobody.
    gone_at: Option<Timestamp>,
    /// Its place in the order of addition.
    nth: u64,
}

/// Until when a secret that nobody holds is known.
#[derive(Clone, Copy, Default)]
struct Ends {
    /// The latest expiry.
    at: Option<Timestamp>,
    /// One of its credentials has none.
    open: bool,
}

/// Who wants a secret known.
pub(super) enum Claim<'a> {
    Credential(&'a Arc<Credential>),
    Host { until: Timestamp },
}

/// Why a secret is forgotten.
pub(super) enum Why {
    /// Nobody holds it, and its time is over.
    Over { unexpiring: Duration },
    /// Nobody holds it, and there are too many.
    CrowdedOut,
}

/// How many are forgotten under one lock.
pub(super) const BATCH: usize = 256;

impl Register {
    pub(super) fn new(room: usize) -> Self {
        let (secrets, tally) = (HashMap::default(), Tally::default());
        Self { secrets, tally, added: 0, room, now: Timestamp::EPOCH }
    }

    pub(super) fn len(&self) -> usize {
        self.secrets.len()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds a claim to a secret that is known; whether it is.
    pub(super) fn claim(&mut self, secret: u128, claim: &Claim<'_>) -> bool {
        let Some(secret) = self.secrets.get_mut(&secret) else { return false };
        secret.gone_at = None;
        match claim {
            Claim::Credential(credential) => {
                // Amortised: let go of those nobody holds before the list would grow.
                if secret.holders.len() == secret.holders.capacity() {
                    secret.holders.retain(|holder| holder.strong_count() > 0);
                }
                secret.holders.push(Arc::downgrade(credential));
                match credential.expires_at() {
                    Some(at) => secret.ends.at = secret.ends.at.max(Some(at)),
                    None => secret.ends.open = true,
                }
            }
            Claim::Host { until } => secret.kept_until = secret.kept_until.max(Some(*until)),
        }
        true
    }

    /// Adds a secret and its first claim.
    pub(super) fn add(
        &mut self,
        known: &Known,
        secret: u128,
        prints: Box<[Fingerprint]>,
        claim: &Claim<'_>,
    ) {
        if self.claim(secret, claim) {
            return;
        }
        for print in &prints {
            known.insert(&mut self.tally, print);
        }
        self.added += 1;
        let (holders, ends) = (Vec::new(), Ends::default());
        let nth = self.added;
        let new = Secret { prints, holders, kept_until: None, ends, gone_at: None, nth };
        self.secrets.insert(secret, new);
        self.claim(secret, claim);
    }

    /// Looks at all of them at `now`: those to forget.
    pub(super) fn due(&mut self, now: Timestamp, unexpiring: Duration) -> Vec<u128> {
        self.now = now;
        let due = |(id, secret): (&u128, &mut Secret)| {
            secret.look(now);
            secret.is_over(now, unexpiring).then_some(*id)
        };
        self.secrets.iter_mut().filter_map(due).collect()
    }

    /// If there are more than there is room for: those withdrawn first, to forget before their
    /// time. A tenth of the room is made at once, so that looking at all of them is seldom.
    pub(super) fn crowded_out(&mut self, now: Timestamp, limit: usize) -> Vec<u128> {
        if self.secrets.len() <= self.room {
            return Vec::new();
        }
        let mut withdrawn: Vec<(Timestamp, u64, u128)> = Vec::new();
        for (id, secret) in &mut self.secrets {
            secret.look(now);
            withdrawn.extend(secret.gone_at.map(|at| (at, secret.nth, *id)));
        }
        let keep = limit.saturating_sub(tenth(limit));
        withdrawn.sort_unstable();
        withdrawn.truncate(self.secrets.len().saturating_sub(keep));
        // Those that are held stay, however many they are.
        let left = self.secrets.len() - withdrawn.len();
        let most = left.max(limit);
        self.room = if left <= keep { limit } else { most + tenth(most) };
        withdrawn.into_iter().map(|(_, _, id)| id).collect()
    }

    /// Forgets those of `ids` that still nobody holds, and whose time is still over if that is why;
    /// how many.
    pub(super) fn forget(
        &mut self,
        known: &Known,
        now: Timestamp,
        ids: &[u128],
        why: &Why,
    ) -> usize {
        let before = self.secrets.len();
        for id in ids {
            let Some(secret) = self.secrets.get_mut(id) else { continue };
            secret.look(now);
            let goes = match why {
                Why::Over { unexpiring } => secret.is_over(now, *unexpiring),
                Why::CrowdedOut => secret.gone_at.is_some(),
            };
            if !goes {
                continue;
            }
            if let Some(secret) = self.secrets.remove(id) {
                for print in &secret.prints {
                    known.remove(&mut self.tally, print);
                }
            }
        }
        before - self.secrets.len()
    }
}

/// So that looking at all is seldom, however few they may be and however many are held.
fn tenth(count: usize) -> usize {
    (count / 10).max(1)
}

impl Secret {
    /// Notes whether anybody holds it.
    fn look(&mut self, now: Timestamp) {
        self.holders.retain(|holder| holder.strong_count() > 0);
        let kept = self.kept_until.is_some_and(|until| now < until || until == Timestamp::MAX);
        if kept || !self.holders.is_empty() {
            self.gone_at = None;
        } else {
            self.gone_at.get_or_insert(now);
        }
    }

    fn is_over(&self, now: Timestamp, unexpiring: Duration) -> bool {
        let Some(gone_at) = self.gone_at else { return false };
        let open = self.ends.open.then(|| gone_at.plus(unexpiring));
        self.ends.at.max(open).is_none_or(|end| now >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_looked_at_seldom_where_few_are_kept_and_many_are_held() {
        let (known, host) = (Known::new(), Claim::Host { until: Timestamp::MAX });
        let mut register = Register::new(3);
        let mut looks = 0;
        for secret in 0..1_000 {
            register.add(&known, secret, Box::default(), &host);
            looks += usize::from(register.len() > register.room);
            register.crowded_out(Timestamp::EPOCH, 3);
        }
        assert_eq!(register.len(), 1_000);
        assert!(looks < 100, "{looks}");
    }
}
