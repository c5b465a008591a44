//! All entries: by key for requests, by session for its end, within bounds.

use std::borrow::Borrow;
use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::{Arc, Mutex, Weak};

use credential_provider_api::{
    CredentialError, CredentialRef, Detail, EffectiveSession, ErrorCode, Key, Timestamp, Variant,
};
use dashmap::DashSet;

use super::cell::Entry;
use crate::sync::lock;
use crate::tuning::Tuning;

/// The entries of an engine.
pub(crate) struct Table {
    entries: DashSet<Slot, foldhash::fast::RandomState>,
    order: Mutex<Order>,
}

/// What creation and removal keep in step. Requests for known keys never come here.
#[derive(Default)]
struct Order {
    /// By session encoding, so that a session and its descendants are one range.
    by_session: BTreeSet<BySession>,
    sessions: usize,
    /// New entries in order of creation: what a flood of unknown keys leaves behind.
    recent: VecDeque<Weak<Entry>>,
    /// The second in which all entries were last looked at for room.
    scanned_at: u32,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { entries: DashSet::default(), order: Mutex::default() }
    }

    /// Looks an entry up without building a key, and lets `read` look at it.
    pub(crate) fn read<R>(
        &self,
        probe: &Probe<'_>,
        read: impl FnOnce(&Arc<Entry>) -> Option<R>,
    ) -> Option<R> {
        let slot = self.entries.get(probe as &dyn Parts)?;
        read(&slot.0)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key as &dyn Parts).map(|slot| slot.0.clone())
    }

    /// The entry of `key`, made if need be.
    ///
    /// At the bound, entries that never held a credential go first, then those unused for long;
    /// if there are none the request is refused, so that a flood never pushes out what is in use.
    pub(crate) fn get_or_create(
        &self,
        key: &Key,
        now: Timestamp,
        now_secs: u32,
        tuning: &Tuning,
    ) -> Result<Arc<Entry>, CredentialError> {
        if let Some(entry) = self.get(key) {
            return Ok(entry);
        }
        let mut order = lock(&self.order);
        if let Some(entry) = self.get(key) {
            return Ok(entry);
        }
        if self.entries.len() >= tuning.entries {
            self.make_room(&mut order, now, now_secs, tuning);
            if self.entries.len() >= tuning.entries {
                return Err(full("entries", tuning.entries));
            }
        }
        if let Some(session) = &key.session
            && !order.knows(session)
        {
            if order.sessions >= tuning.sessions {
                self.make_room(&mut order, now, now_secs, tuning);
                if order.sessions >= tuning.sessions {
                    return Err(full("sessions", tuning.sessions));
                }
            }
            order.sessions += 1;
        }
        let entry = Arc::new(Entry::new(key.clone(), now_secs));
        if key.session.is_some() {
            order.by_session.insert(BySession(entry.clone()));
        }
        order.recent.push_back(Arc::downgrade(&entry));
        self.entries.insert(Slot(entry.clone()));
        Ok(entry)
    }

    /// The entries of `session` and its descendants.
    pub(crate) fn within(&self, session: &EffectiveSession) -> Vec<Arc<Entry>> {
        let order = lock(&self.order);
        order
            .from(session)
            .take_while(|item| item.session().is_some_and(|s| s.is_within(session)))
            .map(|item| item.0.clone())
            .collect()
    }

    /// All entries, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.iter().map(|slot| slot.0.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn sessions(&self) -> usize {
        lock(&self.order).sessions
    }

    /// Forgets entries that are idle since before `used_before` and that nobody holds.
    /// Revocations are remembered longer: since before `revoked_before`.
    pub(crate) fn sweep(&self, now: Timestamp, used_before: u32, revoked_before: u32) {
        let mut order = lock(&self.order);
        for entry in self.unused_since(used_before) {
            self.forget_if(&mut order, &entry, |entry| {
                entry.is_idle(now, used_before, revoked_before)
            });
        }
        // What holds a credential is no newcomer any more.
        order.recent.retain(|weak| weak.upgrade().is_some_and(|entry| entry.is_vacant(now)));
    }

    /// Forgets one entry, unless a flight or a handle still holds it.
    pub(crate) fn forget(&self, entry: &Arc<Entry>) {
        self.forget_if(&mut lock(&self.order), entry, |_| true);
    }

    /// Forgets one entry likewise, unless it remembers a revocation.
    pub(crate) fn forget_unless_revoked(&self, entry: &Arc<Entry>, now: Timestamp) {
        self.forget_if(&mut lock(&self.order), entry, |entry| entry.is_idle(now, u32::MAX, 0));
    }

    fn make_room(&self, order: &mut Order, now: Timestamp, now_secs: u32, tuning: &Tuning) {
        // A tenth at a time, so that the cost of making room is spread over many requests.
        let target = (tuning.entries / 10).max(1);
        let mut freed = 0;
        for _ in 0..order.recent.len() {
            if freed >= target {
                return;
            }
            let Some(entry) = order.recent.pop_front().and_then(|weak| weak.upgrade()) else {
                continue;
            };
            if entry.glance(now).revision.is_some() {
                // It holds a credential: no longer a newcomer.
                continue;
            }
            if self.forget_if(order, &entry, |entry| entry.is_vacant(now)) {
                freed += 1;
            } else {
                order.recent.push_back(Arc::downgrade(&entry));
            }
        }
        // Looking at all of them helps at most once a second, whatever the flood.
        if freed > 0 || order.scanned_at == now_secs {
            return;
        }
        order.scanned_at = now_secs;
        let idle = u32::try_from(tuning.idle.as_secs() / 4).unwrap_or(u32::MAX);
        let used_before = now_secs.saturating_sub(idle);
        for entry in self.unused_since(used_before) {
            self.forget_if(order, &entry, |entry| entry.is_idle(now, used_before, 0));
        }
    }

    /// What may be idle, at the cost of a glance at each entry: most are in use.
    fn unused_since(&self, used_before: u32) -> Vec<Arc<Entry>> {
        let unused = self.entries.iter().filter(|slot| slot.0.last_used() < used_before);
        unused.map(|slot| slot.0.clone()).collect()
    }

    /// Removes `entry` if nobody but this table and the caller refer to it and `test` agrees.
    fn forget_if(
        &self,
        order: &mut Order,
        entry: &Arc<Entry>,
        test: impl Fn(&Entry) -> bool,
    ) -> bool {
        let indexed = usize::from(entry.key().session.is_some());
        // Under the shard's lock, so that no request picks the entry up between check and removal.
        let removed = self.entries.remove_if(entry.key() as &dyn Parts, |slot| {
            let unheld = Arc::ptr_eq(&slot.0, entry) && Arc::strong_count(entry) == 2 + indexed;
            let removed = unheld && test(entry);
            if removed {
                // The scheduler may have picked it up by its weak reference just now.
                entry.leave();
            }
            removed
        });
        if removed.is_none() {
            return false;
        }
        if let Some(session) = &entry.key().session {
            order.by_session.remove(&BySession(entry.clone()));
            if !order.knows(session) {
                order.sessions = order.sessions.saturating_sub(1);
            }
        }
        true
    }
}

impl Order {
    fn knows(&self, session: &EffectiveSession) -> bool {
        self.from(session).next().and_then(BySession::session) == Some(session)
    }

    /// The entries from the first of `session` on.
    fn from(&self, session: &EffectiveSession) -> impl Iterator<Item = &BySession> {
        let start = Start(session);
        let from = Bound::Included(&start as &dyn Place);
        self.by_session.range::<dyn Place, _>((from, Bound::Unbounded))
    }
}

fn full(what: &'static str, limit: usize) -> CredentialError {
    let detail = Detail::composed(format!("the limit of {limit} {what} is reached"));
    CredentialError::new(ErrorCode::Overloaded, detail)
}

/// An entry in the map: found by its key, which it holds once.
struct Slot(Arc<Entry>);

/// What is hashed and compared, without owning it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe<'a> {
    pub(crate) provider: &'a str,
    pub(crate) credential: &'a str,
    pub(crate) session: Option<&'a str>,
    pub(crate) variant: &'a str,
}

impl Hash for Probe<'_> {
    /// Bytes alone, without the ends of texts: where one ends is for the comparison to say, and
    /// this is half of what a hit costs.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for text in [self.provider, self.credential, self.session.unwrap_or_default()] {
            state.write(text.as_bytes());
        }
        if !self.variant.is_empty() {
            state.write(self.variant.as_bytes());
        }
    }
}

impl<'a> Probe<'a> {
    pub(crate) fn new(
        reference: &'a CredentialRef,
        session: Option<&'a EffectiveSession>,
        variant: &'a Variant,
    ) -> Self {
        Self {
            provider: reference.provider.as_str(),
            credential: reference.id.as_str(),
            session: session.map(EffectiveSession::encoded),
            variant: variant.encoded(),
        }
    }
}

/// Anything that can be looked up.
pub(crate) trait Parts {
    fn parts(&self) -> Probe<'_>;
}

impl Parts for Probe<'_> {
    fn parts(&self) -> Probe<'_> {
        *self
    }
}

impl Parts for Key {
    fn parts(&self) -> Probe<'_> {
        Probe {
            provider: self.provider.as_str(),
            credential: self.credential.as_str(),
            session: self.session.as_ref().map(EffectiveSession::encoded),
            variant: self.variant.encoded(),
        }
    }
}

impl Parts for Slot {
    fn parts(&self) -> Probe<'_> {
        self.0.key().parts()
    }
}

impl PartialEq for dyn Parts + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Parts + '_ {}

impl Hash for dyn Parts + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl<'a> Borrow<dyn Parts + 'a> for Slot {
    fn borrow(&self) -> &(dyn Parts + 'a) {
        self
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Slot {}

impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// An entry in the order: one pointer, found by its session.
struct BySession(Arc<Entry>);

/// Comes before every entry of its session.
struct Start<'a>(&'a EffectiveSession);

/// Anything that has a place in the order: by session, then by address.
trait Place {
    fn place(&self) -> (Option<&EffectiveSession>, usize);
}

impl BySession {
    fn session(&self) -> Option<&EffectiveSession> {
        self.0.key().session.as_ref()
    }
}

impl Place for BySession {
    fn place(&self) -> (Option<&EffectiveSession>, usize) {
        (self.session(), Arc::as_ptr(&self.0).addr())
    }
}

impl Place for Start<'_> {
    fn place(&self) -> (Option<&EffectiveSession>, usize) {
        (Some(self.0), 0)
    }
}

impl<'a> Borrow<dyn Place + 'a> for BySession {
    fn borrow(&self) -> &(dyn Place + 'a) {
        self
    }
}

impl PartialEq for dyn Place + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for dyn Place + '_ {}

impl PartialOrd for dyn Place + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn Place + '_ {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialEq for BySession {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for BySession {}

impl PartialOrd for BySession {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BySession {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}
