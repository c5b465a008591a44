//! How much of an access token's life must be left for it to be handed out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use credential_provider_api::{SecretString, Timestamp};

use super::answer::digest;

/// OpenClaw's margin: a login with less than this left is renewed before it is used.
pub(crate) const MARGIN: Duration = Duration::from_secs(300);

/// The access tokens seen last, by profile.
///
/// Of a token that appeared while we looked, the life is known: the margin is then a fifth of it at
/// most. Otherwise one that lives for five minutes would be renewed at every look, and two processes
/// would do so in turn.
#[derive(Debug, Default)]
pub(crate) struct Lives(Mutex<HashMap<String, Seen>>);

#[derive(Debug)]
struct Seen {
    access: [u8; 32],
    margin: Duration,
}

impl Lives {
    /// The margin for this access token of a profile.
    pub(crate) fn margin(
        &self,
        id: &str,
        access: &SecretString,
        end: Timestamp,
        now: Timestamp,
    ) -> Duration {
        let access = digest(access);
        let mut lives = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let margin = match lives.get(id) {
            None => MARGIN,
            Some(seen) if seen.access == access => return seen.margin,
            Some(_) => MARGIN.min(now.until(end) / 5),
        };
        lives.insert(id.to_owned(), Seen { access, margin });
        margin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_life_has_a_short_margin_once_its_begin_was_seen() {
        let lives = Lives::default();
        let now = Timestamp::from_secs(1_000);
        let end = |secs| now.plus(Duration::from_secs(secs));
        let margin = |access: &str, secs| lives.margin("a", &access.into(), end(secs), now);
        assert_eq!(margin("one", 100), MARGIN, "nobody knows how long it has been there");
        assert_eq!(margin("two", 100), Duration::from_secs(20));
        assert_eq!(margin("two", 50), Duration::from_secs(20), "its begin counts");
        assert_eq!(margin("three", 3600), MARGIN);
        assert_eq!(lives.margin("b", &"two".into(), end(100), now), MARGIN);
    }
}
