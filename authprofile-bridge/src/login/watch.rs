//! The watch: notices that a login is another than the one that was resolved.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{Change, Changes, Clock, Timestamp};
use futures::stream;

use super::file::{Stamp, stamp};
use super::format::Problem;
use super::live::{Live, Seen};
use super::source::Store;

/// How often files are looked at.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// How often keychains are asked, and files are read whose stamp has not changed.
pub(super) const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// When a login was last looked at, and what was there.
struct Look {
    at: Timestamp,
    stamp: Option<Stamp>,
    seen: Seen,
}

struct Watcher {
    logins: Arc<[Live]>,
    clock: Arc<dyn Clock>,
    looks: Vec<Option<Look>>,
    waiting: VecDeque<Change>,
}

/// The changes of these logins from now on. A login nobody has resolved is not looked at.
pub(super) fn watch(logins: Arc<[Live]>, clock: Arc<dyn Clock>) -> Changes {
    let looks = logins.iter().map(|_| None).collect();
    let watcher = Watcher { logins, clock, looks, waiting: VecDeque::new() };
    Box::pin(stream::unfold(watcher, |mut watcher| async move {
        loop {
            if let Some(change) = watcher.waiting.pop_front() {
                return Some((change, watcher));
            }
            watcher.clock.sleep_until(watcher.clock.now().plus(EVERY)).await;
            watcher.look().await;
        }
    }))
}

impl Watcher {
    async fn look(&mut self) {
        for (login, last) in self.logins.iter().zip(&mut self.looks) {
            let Some(known) = *login.known() else { continue };
            let (now, stamp) = (self.clock.now(), stamp(login.path.clone()).await);
            if last.as_ref().is_some_and(|last| last.holds(&login.stores, known, stamp, now)) {
                continue;
            }
            let seen = match login.look(&self.clock).await {
                // It is being written: the next look tells.
                (_, Err(Problem::Torn)) => continue,
                (seen, _) => seen,
            };
            *last = Some(Look { at: now, stamp, seen });
            let mut known = login.known();
            if *known != Some(seen) {
                *known = Some(seen);
                self.waiting.push_back(Change::Credential(login.id.clone()));
            }
        }
    }
}

impl Look {
    /// Whether another look would show the same.
    fn holds(&self, stores: &[Store], known: Seen, stamp: Option<Stamp>, now: Timestamp) -> bool {
        let recent = self.at <= now && self.at.until(now) < AT_LEAST_EVERY;
        // Without a file there is no stamp to be settled; the keychain is asked once a minute.
        let settled = match &self.stamp {
            Some(stamp) => stamp.is_settled(self.at),
            None => true,
        };
        let has_file = stores.contains(&Store::File);
        recent && known == self.seen && (!has_file || (settled && stamp == self.stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_secs(1_800_000_000);
    const KEYCHAIN: &[Store] = &[Store::Keychain];
    const FILE: &[Store] = &[Store::Keychain, Store::File];
    const OTHER: Seen = Seen::Content { digest: [1; 32], written: None };

    fn later(seconds: u64) -> Timestamp {
        AT.plus(Duration::from_secs(seconds))
    }

    fn look(stamp: Option<Stamp>) -> Look {
        Look { at: AT, stamp, seen: Seen::Nothing }
    }

    #[test]
    fn what_has_the_same_stamp_is_read_again_after_a_minute() {
        for (stores, stamp) in
            [(KEYCHAIN, None), (FILE, None), (FILE, Some(Stamp::written(AT.minus(EVERY * 3))))]
        {
            assert!(look(stamp).holds(stores, Seen::Nothing, stamp, later(59)));
            assert!(!look(stamp).holds(stores, Seen::Nothing, stamp, later(60)));
            assert!(!look(stamp).holds(stores, OTHER, stamp, later(1)), "it was resolved since");
            assert!(!look(stamp).holds(stores, Seen::Nothing, stamp, AT.minus(EVERY)), "set back");
        }
    }

    #[test]
    fn another_stamp_or_one_of_a_moment_ago_is_read() {
        let (old, new) = (Stamp::written(AT.minus(EVERY * 3)), Stamp::written(AT.minus(EVERY)));
        assert!(!look(Some(old)).holds(FILE, Seen::Nothing, Some(new), later(1)));
        assert!(!look(Some(old)).holds(FILE, Seen::Nothing, None, later(1)));
        assert!(!look(None).holds(FILE, Seen::Nothing, Some(old), later(1)));
        // It may have been written again within the same grain of the file system's clock.
        assert!(!look(Some(new)).holds(FILE, Seen::Nothing, Some(new), later(1)));
        assert!(look(Some(new)).holds(KEYCHAIN, Seen::Nothing, None, later(1)));
    }
}
