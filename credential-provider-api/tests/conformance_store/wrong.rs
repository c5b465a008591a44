//! Stores that break a promise: the good one with a twist.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use credential_provider_api::{
    CredentialError, CredentialRef, Detail, ErrorCode, GrantStore, Key, Lease, Loaded, Record,
    Revision, StoreChange, StoreChanges, async_trait,
};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;

use crate::common::{Shared, breaks, turn};
use crate::memory::Memory;

type Answer<T> = Result<T, CredentialError>;

/// What differs from the good store: nothing, until a method is written.
#[async_trait]
trait Twist: Clone + Default + Send + Sync + 'static {
    async fn load(&self, good: &Memory, key: &Key) -> Answer<Loaded> {
        good.load(key).await
    }
    async fn list(&self, good: &Memory) -> Answer<Vec<Key>> {
        good.list().await
    }
    async fn save(
        &self,
        good: &Memory,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Answer<Revision> {
        good.save(key, expected, record).await
    }
    async fn remove(
        &self,
        good: &Memory,
        key: &Key,
        expected: Option<Revision>,
    ) -> Answer<Revision> {
        good.remove(key, expected).await
    }
    fn watch(&self, good: &Memory) -> StoreChanges {
        good.watch()
    }
    async fn lease(&self, good: &Memory, key: &Key) -> Answer<Box<dyn Lease>> {
        good.lease(key).await
    }
}

#[derive(Clone, Default)]
struct Twisted<T>(T, Memory);

#[async_trait]
impl<T: Twist> GrantStore for Twisted<T> {
    async fn load(&self, key: &Key) -> Answer<Loaded> {
        self.0.load(&self.1, key).await
    }
    async fn list(&self) -> Answer<Vec<Key>> {
        self.0.list(&self.1).await
    }
    async fn save(
        &self,
        key: &Key,
        expected: Option<Revision>,
        record: Record,
    ) -> Answer<Revision> {
        self.0.save(&self.1, key, expected, record).await
    }
    async fn remove(&self, key: &Key, expected: Option<Revision>) -> Answer<Revision> {
        self.0.remove(&self.1, key, expected).await
    }
    fn watch(&self) -> StoreChanges {
        self.0.watch(&self.1)
    }
    async fn lease(&self, key: &Key) -> Answer<Box<dyn Lease>> {
        self.0.lease(&self.1, key).await
    }
}

/// A test of them all at once, as most of their time is waiting: each twist of the good store breaks
/// its rule and no other.
macro_rules! wrong {
    ($($name:ident $(over $ms:literal ms)? breaks $rule:literal { $($method:tt)* })*) => {
        #[tokio::test]
        async fn each_wrong_store_breaks_its_rule() {
            futures_util::future::join_all([$(Box::pin($name()) as BoxFuture<'_, ()>,)*]).await;
        }

        $(async fn $name() {
            #[derive(Clone, Default)]
            #[allow(dead_code, reason = "most faults need no memory")]
            struct Wrong {
                stuck: Arc<Shared<Vec<Key>>>,
            }
            #[async_trait]
            impl Twist for Wrong { $($method)* }

            let suite = crate::suite(Twisted::<Wrong>::default()).limit(Duration::from_secs(1));
            $(let suite = suite.slow_holder(Duration::from_millis($ms));)?
            breaks(&suite.run().await, $rule);
        })*
    };
}

wrong! {
    invents_a_revision breaks "never-saved-is-empty" {
        async fn load(&self, good: &Memory, key: &Key) -> Answer<Loaded> {
            let loaded = good.load(key).await?;
            Ok(Loaded::new(loaded.revision.or(Some(Revision::FIRST)), loaded.record))
        }
    }
    keeps_half_of_it breaks "record-comes-back-whole" {
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, record: Record) -> Answer<Revision> {
            good.save(key, expected, Record::new(record.grant, record.credential)).await
        }
    }
    lists_what_is_gone breaks "list-names-what-is-kept" {
        async fn list(&self, good: &Memory) -> Answer<Vec<Key>> {
            let mut keys = good.list().await?;
            keys.extend(self.stuck.get().iter().cloned());
            Ok(keys)
        }
        async fn remove(&self, good: &Memory, key: &Key, expected: Option<Revision>) -> Answer<Revision> {
            self.stuck.get().push(key.clone());
            good.remove(key, expected).await
        }
    }
    mixes_up_sessions breaks "keys-do-not-mix" {
        async fn load(&self, good: &Memory, key: &Key) -> Answer<Loaded> {
            good.load(&Key::new(&key.reference(), None, key.variant.clone())).await
        }
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, record: Record) -> Answer<Revision> {
            let key = Key::new(&key.reference(), None, key.variant.clone());
            good.save(&key, expected, record).await
        }
    }
    compares_nothing breaks "save-compares-the-revision" {
        async fn save(&self, good: &Memory, key: &Key, _: Option<Revision>, record: Record) -> Answer<Revision> {
            let found = good.load(key).await?.revision;
            good.save(key, found, record).await
        }
    }
    compares_too_early breaks "one-of-two-at-once-wins" {
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, record: Record) -> Answer<Revision> {
            let found = good.load(key).await?.revision;
            if found != expected {
                return Err(CredentialError::new(ErrorCode::Conflict, ""));
            }
            turn().await;
            let next = found.map_or(Revision::FIRST, Revision::next);
            good.force(key, next, Some(record));
            Ok(next)
        }
    }
    uses_a_revision_again breaks "revisions-grow" {
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, record: Record) -> Answer<Revision> {
            let removed = good.load(key).await?.record.is_none();
            let revision = good.save(key, expected, record.clone()).await?;
            if !removed {
                return Ok(revision);
            }
            good.force(key, Revision::FIRST, Some(record));
            Ok(Revision::FIRST)
        }
    }
    forgets_what_it_removed breaks "removal-leaves-a-tombstone" {
        async fn load(&self, good: &Memory, key: &Key) -> Answer<Loaded> {
            let loaded = good.load(key).await?;
            Ok(if loaded.record.is_some() { loaded } else { Loaded::default() })
        }
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, record: Record) -> Answer<Revision> {
            let found = good.load(key).await?;
            match (expected, found.record) {
                (None, None) => good.save(key, found.revision, record).await,
                _ => good.save(key, expected, record).await,
            }
        }
    }
    keeps_an_old_intent breaks "intent-stays-until-saved-away" {
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, mut record: Record) -> Answer<Revision> {
            let old = good.load(key).await?.record.and_then(|old| old.intent);
            record.intent = record.intent.or(old);
            good.save(key, expected, record).await
        }
    }
    saves_before_the_intent breaks "intent-stays-until-saved-away" {
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, mut record: Record) -> Answer<Revision> {
            // Announcing costs a write; it is left for the save that follows.
            if expected.is_some() {
                record.intent = None;
            }
            good.save(key, expected, record).await
        }
    }
    saves_in_two_steps breaks "dropped-save-is-whole" {
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, record: Record) -> Answer<Revision> {
            let found = good.load(key).await?.revision;
            if let (Some(found), true) = (found, found == expected) {
                good.force(key, found, Some(record.clone()));
                turn().await;
            }
            good.save(key, expected, record).await
        }
    }
    panics_when_asked_to_lease breaks "lease-excludes" {
        async fn lease(&self, _: &Memory, _: &Key) -> Answer<Box<dyn Lease>> {
            unreachable!("nobody leases")
        }
    }
    leases_to_everybody breaks "lease-excludes" {
        async fn lease(&self, _: &Memory, _: &Key) -> Answer<Box<dyn Lease>> {
            Ok(Box::new(Nobody))
        }
    }
    loses_the_lease_of_a_slow_holder over 1200 ms breaks "lease-outlasts-a-slow-holder" {
        async fn lease(&self, good: &Memory, key: &Key) -> Answer<Box<dyn Lease>> {
            let term = Duration::from_millis(800);
            match tokio::time::timeout(term, good.lease(key)).await {
                Ok(lease) => lease,
                Err(_) => Ok(Box::new(Nobody)),
            }
        }
    }
    never_frees_a_lease breaks "lease-excludes" {
        async fn lease(&self, good: &Memory, key: &Key) -> Answer<Box<dyn Lease>> {
            std::mem::forget(good.lease(key).await?);
            Ok(Box::new(Nobody))
        }
    }
    leaves_the_lease_to_a_dropped_waiter breaks "dropped-waiter-takes-no-lease" {
        async fn lease(&self, good: &Memory, key: &Key) -> Answer<Box<dyn Lease>> {
            let waiting = Waiting { stuck: Some((self.stuck.clone(), key.clone())) };
            let lease = good.lease(key).await?;
            waiting.over();
            poll_fn(|_| match self.stuck.get().contains(key) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }).await;
            Ok(lease)
        }
    }
    lets_the_last_starve breaks "everybody-gets-the-lease" {
        async fn lease(&self, good: &Memory, key: &Key) -> Answer<Box<dyn Lease>> {
            self.stuck.get().push(key.clone());
            // Whoever comes when many have asked is never served.
            if self.stuck.get().iter().filter(|asked| *asked == key).count() > 20 {
                std::future::pending::<()>().await;
            }
            good.lease(key).await
        }
    }
    has_one_lease_for_all breaks "other-keys-do-not-wait" {
        async fn lease(&self, good: &Memory, _: &Key) -> Answer<Box<dyn Lease>> {
            good.lease(&Key::gateway(&CredentialRef::parse("one/lease").unwrap())).await
        }
    }
    watches_in_silence breaks "watch-sees-saves-and-removals" {
        fn watch(&self, _: &Memory) -> StoreChanges {
            Box::pin(futures_util::stream::pending())
        }
    }
    sees_first_saves_only breaks "watch-sees-saves-and-removals" {
        fn watch(&self, good: &Memory) -> StoreChanges {
            let quiet = futures_util::stream::pending::<StoreChange>();
            Box::pin(good.watch().take(1).chain(quiet))
        }
    }
    shows_the_grant breaks "secrets-stay-secret" {
        async fn save(&self, good: &Memory, key: &Key, expected: Option<Revision>, record: Record) -> Answer<Revision> {
            let grant = record.grant.as_ref().map(|g| g.expose().to_vec()).unwrap_or_default();
            good.save(key, expected, record).await.map_err(|error| {
                let words = format!("not saved: {}", String::from_utf8_lossy(&grant));
                CredentialError::new(error.code(), Detail::composed(words))
            })
        }
    }
}

/// A lease that excludes nobody.
struct Nobody;

impl Lease for Nobody {
    fn holder(&self) -> &str {
        "nobody"
    }
}

/// Keeps a key stuck if it is dropped before the wait is over.
struct Waiting {
    stuck: Option<(Arc<Shared<Vec<Key>>>, Key)>,
}

impl Waiting {
    fn over(mut self) {
        self.stuck = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((stuck, key)) = self.stuck.take() {
            stuck.get().push(key);
        }
    }
}
