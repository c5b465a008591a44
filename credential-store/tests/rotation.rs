//! Promise 7: the data key is rotated while others read and write, and no record is lost by it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::fail::{EIO, Fail};
use common::{Place, grant, key, record, unreadable};
use credential_provider_api::{CredentialError, ErrorCode, GrantStore, Key, Revision, async_trait};
use credential_store::faults::Point;
use credential_store::{DataKey, FileStore, HostKeys, KeyFile, KeyId, KeyRing, KeySource};
use futures::StreamExt as _;
use tokio::sync::Notify;

/// The keys that the records in the folder are encrypted with, as they say.
fn sealed_with(place: &Place) -> Vec<String> {
    let mut keys: Vec<String> = place
        .records()
        .iter()
        .map(|file| fs::read(file).unwrap()[8..16].iter().map(|b| format!("{b:02x}")).collect())
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

async fn kept(place: &Place) -> Vec<KeyId> {
    place.keys().load().await.unwrap().unwrap().keys().map(DataKey::id).collect()
}

/// Every record is there and readable by somebody who comes now.
async fn all_there(place: &Place, wanted: &BTreeMap<Key, Revision>) {
    let store = place.open().await;
    for (key, revision) in wanted {
        let found = store.load(key).await.unwrap();
        assert_eq!(found.revision, Some(*revision), "{}", key.encoded());
        let id = key.credential.as_str();
        assert_eq!(grant(found.record.as_ref()), format!("grant-mail/{id}"));
    }
}

async fn some(place: &Place, store: &FileStore, many: usize) -> BTreeMap<Key, Revision> {
    let mut saved = BTreeMap::new();
    for number in 0..many {
        let one = place.save(store, &format!("mail/{number}")).await;
        saved.insert(one.key, one.revision);
    }
    saved
}

#[tokio::test]
async fn a_rotation_ends_with_one_new_key_and_the_same_revisions() {
    let place = Place::new();
    let (store, other) = (place.open().await, place.open().await);
    let mut saved = some(&place, &store, 3).await;
    let gone = place.save(&store, "mail/gone").await;
    let tombstone = store.remove(&gone.key, Some(gone.revision)).await.unwrap();
    let old = kept(&place).await;
    let mut changes = other.watch();

    let rotated = store.rotate_key().await.unwrap();
    assert_eq!(rotated.records, 4, "tombstones too");
    assert_eq!(kept(&place).await, [rotated.active]);
    assert_ne!(old, [rotated.active]);
    assert_eq!(sealed_with(&place), [rotated.active.to_string()]);
    all_there(&place, &saved).await;
    // Nobody was woken: the first that the watcher hears of is what is saved now. And whoever saves
    // without having read since uses the new key.
    let new = place.save(&other, "mail/new").await;
    saved.insert(new.key.clone(), new.revision);
    let told = tokio::time::timeout(Duration::from_secs(2), changes.next()).await.unwrap();
    assert_eq!(told, Some(credential_provider_api::StoreChange::Key(new.key)));
    assert_eq!(sealed_with(&place), [rotated.active.to_string()]);
    all_there(&place, &saved).await;
    assert_eq!(other.load(&gone.key).await.unwrap().revision, Some(tombstone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_7_readers_and_writers_see_nothing_of_a_rotation() {
    let place = Place::new();
    let handles = [place.open().await, place.open().await];
    some(&place, &handles[0], 6).await;
    let (done, saves) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for worker in 0..6 {
        let store = handles[worker % 2].clone();
        let (done, saves) = (done.clone(), saves.clone());
        tasks.push(tokio::spawn(async move {
            let mut turn = worker;
            while !done.load(Ordering::Relaxed) {
                let id = format!("mail/{}", turn % 6);
                let found = store.load(&key(&id)).await.unwrap();
                assert_eq!(grant(found.record.as_ref()), format!("grant-{id}"));
                match store.save(&key(&id), found.revision, record(&id)).await {
                    Ok(_) => drop(saves.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => assert_eq!(error.code(), ErrorCode::Conflict, "{error}"),
                }
                turn += 1;
            }
        }));
    }
    for turn in 0..6 {
        let before = saves.load(Ordering::Relaxed);
        handles[turn % 2].rotate_key().await.unwrap();
        // The next one begins when somebody has written under this one's key.
        while saves.load(Ordering::Relaxed) < before + 6 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let last = handles[0].rotate_key().await.unwrap();
    done.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(kept(&place).await, [last.active]);
    assert_eq!(sealed_with(&place), [last.active.to_string()]);
    assert_eq!(place.open().await.list().await.unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_has_its_turn_however_many_write() {
    let place = Place::new();
    let store = place.open().await;
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..48)
        .map(|number| {
            let (store, done) = (store.clone(), done.clone());
            tokio::spawn(async move {
                let (key, mut at) = (key(&format!("mail/{number}")), None);
                while !done.load(Ordering::Relaxed) {
                    at = Some(store.save(&key, at, record("text")).await.unwrap());
                }
            })
        })
        .collect();
    while place.records().len() < 48 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rotated = store.rotate_key().await;
    done.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(kept(&place).await, [rotated.unwrap().active]);
}

/// A key file that is slow to forget the old keys.
struct Slow {
    keys: KeyFile,
    forgetting: Arc<Notify>,
    go_on: Arc<Notify>,
}

#[async_trait]
impl KeySource for Slow {
    async fn load(&self) -> Result<Option<KeyRing>, CredentialError> {
        self.keys.load().await
    }

    async fn create(&self, ring: KeyRing) -> Result<KeyRing, CredentialError> {
        self.keys.create(ring).await
    }

    async fn replace(&self, ring: KeyRing) -> Result<(), CredentialError> {
        if ring.keys().count() == 1 {
            self.forgetting.notify_one();
            self.go_on.notified().await;
        }
        self.keys.replace(ring).await
    }

    fn describe(&self) -> String {
        self.keys.describe()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_7_two_rotations_at_once_lose_no_key() {
    let place = Place::new();
    let (forgetting, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let keys = Slow { keys: place.keys(), forgetting: forgetting.clone(), go_on: go_on.clone() };
    let store = place.open().await;
    let saved = some(&place, &store, 3).await;
    let slow = FileStore::open(place.folder(), keys).await.unwrap();
    let first = tokio::spawn(async move { slow.rotate_key().await.unwrap() });
    forgetting.notified().await;
    // Another begins while the first is about to write the key file it knows.
    let mut second = tokio::spawn(async move { store.rotate_key().await.unwrap() });
    let _ = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    go_on.notify_one();
    first.await.unwrap();
    if !second.is_finished() {
        second.await.unwrap();
    }
    all_there(&place, &saved).await;
    assert_eq!(kept(&place).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_7_rotations_that_overtake_each_other_end_with_one_key() {
    let place = Place::new();
    let handles = [place.open().await, place.open().await];
    let saved = some(&place, &handles[0], 5).await;
    for _ in 0..5 {
        let (one, two) = tokio::join!(handles[0].rotate_key(), handles[1].rotate_key());
        one.unwrap();
        two.unwrap();
        all_there(&place, &saved).await;
        let keys = kept(&place).await;
        assert_eq!(sealed_with(&place), [keys[0].to_string()]);
        assert_eq!(keys.len(), 1);
    }
}

#[tokio::test]
async fn promise_7_a_rotation_interrupted_anywhere_loses_nothing_and_can_be_repeated() {
    let place = Place::new();
    let saved = some(&place, &place.open().await, 3).await;
    let mut interrupted = 0;
    for point in Point::ALL {
        // The header is written first, then each record.
        for skipped in 0..4 {
            let fail = Fail::new();
            let store = place.builder().faults(fail.clone()).open().await.unwrap();
            fail.arm(*point, skipped, EIO);
            let done = store.rotate_key().await;
            if fail.disarm() {
                done.unwrap();
                continue;
            }
            interrupted += 1;
            assert_eq!(done.unwrap_err().code(), ErrorCode::Unavailable, "{point:?} {skipped}");
            all_there(&place, &saved).await;
            for key in saved.keys() {
                assert!(store.load(key).await.unwrap().record.is_some());
            }
            assert!(kept(&place).await.len() > 1, "the old key is still needed");
            let again = store.rotate_key().await.unwrap();
            assert_eq!(kept(&place).await, [again.active]);
            assert_eq!(sealed_with(&place), [again.active.to_string()]);
            all_there(&place, &saved).await;
        }
    }
    assert_eq!(interrupted, 6 * 4, "each point of a write, for the header and three records");
}

#[tokio::test]
async fn promise_7_a_rotation_that_meets_a_damaged_record_keeps_the_old_key() {
    let place = Place::new();
    let store = place.open().await;
    let saved = some(&place, &store, 2).await;
    let bad = place.save(&store, "mail/bad").await;
    let whole = fs::read(&bad.file).unwrap();
    fs::write(&bad.file, &whole[..40]).unwrap();
    unreadable(store.rotate_key().await, &bad.file, "is torn");
    all_there(&place, &saved).await;
    fs::write(&bad.file, &whole).unwrap();
    assert!(store.load(&bad.key).await.unwrap().record.is_some(), "its key was kept");
    let rotated = store.rotate_key().await.unwrap();
    assert_eq!(kept(&place).await, [rotated.active]);
    assert_eq!(sealed_with(&place), [rotated.active.to_string()]);
}

#[tokio::test]
async fn a_host_rotates_its_own_keys_by_opening_with_both() {
    let place = Place::new();
    let [old, new] = [(); 2].map(|()| DataKey::generate().unwrap());
    let open = |keys: HostKeys| FileStore::open(place.folder(), keys);
    let store = open(HostKeys::new(old.clone())).await.unwrap();
    let saved = place.save(&store, "mail/a").await;
    let error = store.rotate_key().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert_eq!(sealed_with(&place), [old.id().to_string()]);

    let both = open(HostKeys::new(new.clone()).with_old(old.clone())).await.unwrap();
    // A process that has not been told yet can still read what is there.
    assert!(store.load(&saved.key).await.unwrap().record.is_some());
    let done = both.reencrypt().await.unwrap();
    assert_eq!((done.active, done.records), (new.id(), 1));
    assert_eq!(both.reencrypt().await.unwrap().records, 0, "once is enough");
    let only = open(HostKeys::new(new.clone())).await.unwrap();
    assert_eq!(only.load(&saved.key).await.unwrap().revision, Some(saved.revision));
    unreadable(store.load(&saved.key).await, &saved.file, &new.id().to_string());
    unreadable(open(HostKeys::new(old)).await, &saved.file, &new.id().to_string());
}
