//! Sequences of operations from several handles, at random, against a simple model of a store.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use common::{Place, grant, key, record};
use credential_provider_api::{
    ErrorCode, GrantStore, Key, Lease, Revision, StoreChange, StoreChanges,
};
use credential_store::{FileStore, MemoryStore};
use futures::StreamExt as _;
use proptest::prelude::*;

const HANDLES: usize = 2;
const KEYS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Expect {
    Now,
    Never,
    Earlier,
    Later,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Load(usize),
    Save(usize, Expect),
    Remove(usize, Expect),
    List,
    /// Takes the lease, or gives it back.
    Lease(usize),
    Reopen,
    Rotate,
}

fn any_step() -> impl Strategy<Value = (usize, Step)> {
    let expect = || {
        prop_oneof![
            6 => Just(Expect::Now),
            1 => Just(Expect::Never),
            1 => Just(Expect::Earlier),
            1 => Just(Expect::Later),
        ]
    };
    let step = prop_oneof![
        4 => (0..KEYS).prop_map(Step::Load),
        8 => (0..KEYS, expect()).prop_map(|(key, expect)| Step::Save(key, expect)),
        3 => (0..KEYS, expect()).prop_map(|(key, expect)| Step::Remove(key, expect)),
        1 => Just(Step::List),
        2 => (0..KEYS).prop_map(Step::Lease),
        1 => Just(Step::Reopen),
        1 => Just(Step::Rotate),
    ];
    (0..HANDLES, step)
}

/// One way to the store, and what it must still be told of.
struct Handle {
    store: Arc<dyn GrantStore>,
    file: Option<FileStore>,
    changes: StoreChanges,
    changed: BTreeSet<Key>,
}

impl Handle {
    async fn open(place: Option<&Place>, memory: &MemoryStore) -> Self {
        let file = match place {
            Some(place) => Some(place.open().await),
            None => None,
        };
        let store: Arc<dyn GrantStore> = match &file {
            Some(file) => Arc::new(file.clone()),
            None => Arc::new(memory.clone()),
        };
        let changes = store.watch();
        Self { store, file, changes, changed: BTreeSet::new() }
    }

    /// Waits until every key that changed was named.
    async fn told(&mut self) {
        while !self.changed.is_empty() {
            let next = tokio::time::timeout(Duration::from_secs(2), self.changes.next()).await;
            match next.unwrap_or_else(|_| panic!("not told of {:?}", self.changed)).unwrap() {
                StoreChange::Key(key) => {
                    self.changed.remove(&key);
                }
                _ => self.changed.clear(),
            }
        }
    }
}

#[derive(Default)]
struct Model {
    kept: BTreeMap<Key, (Revision, Option<String>)>,
    leases: BTreeMap<Key, (usize, Box<dyn Lease>)>,
}

impl Model {
    fn revision(&self, key: &Key) -> Option<Revision> {
        self.kept.get(key).map(|(revision, _)| *revision)
    }

    fn expected(&self, key: &Key, expect: Expect) -> Option<Revision> {
        let now = self.revision(key);
        match expect {
            Expect::Now => now,
            Expect::Never => None,
            Expect::Earlier => now.and_then(|now| Revision::new(now.get() - 1)),
            Expect::Later => Some(now.map_or(Revision::FIRST, Revision::next)),
        }
    }

    /// A save or remove is believed if it should have happened, and only then.
    fn swapped(
        &mut self,
        key: Key,
        expected: Option<Revision>,
        text: Option<String>,
        done: Result<Revision, credential_provider_api::CredentialError>,
    ) -> bool {
        let now = self.revision(&key);
        match done {
            Ok(revision) => {
                assert_eq!(expected, now, "an unexpected revision was replaced");
                assert!(now.is_none_or(|now| revision > now), "revisions grow");
                self.kept.insert(key, (revision, text));
                true
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Conflict, "{error}");
                assert_ne!(expected, now, "a save that was right failed");
                false
            }
        }
    }
}

async fn play(steps: &[(usize, Step)], place: Option<&Place>) {
    let memory = MemoryStore::new();
    let mut handles = Vec::new();
    for _ in 0..HANDLES {
        handles.push(Handle::open(place, &memory).await);
    }
    let mut model = Model::default();
    for (turn, (at, step)) in steps.iter().enumerate() {
        let store = handles[*at].store.clone();
        let name = |number: usize| key(&format!("mail/{number}"));
        match *step {
            Step::Load(number) => {
                let found = store.load(&name(number)).await.unwrap();
                let wanted = model.kept.get(&name(number));
                assert_eq!(found.revision, wanted.map(|(revision, _)| *revision));
                let text = wanted.and_then(|(_, text)| text.clone());
                assert_eq!(found.record.is_some(), text.is_some());
                assert_eq!(grant(found.record.as_ref()), text.unwrap_or_default());
            }
            Step::Save(number, expect) => {
                let (key, text) = (name(number), format!("{turn}"));
                let expected = model.expected(&key, expect);
                let done = store.save(&key, expected, record(&text)).await;
                if model.swapped(key.clone(), expected, Some(format!("grant-{text}")), done) {
                    tell_all(&mut handles, &key);
                }
            }
            Step::Remove(number, expect) => {
                let key = name(number);
                let expected = model.expected(&key, expect);
                let done = store.remove(&key, expected).await;
                if model.swapped(key.clone(), expected, None, done) {
                    tell_all(&mut handles, &key);
                }
            }
            Step::List => {
                let found: BTreeSet<Key> = store.list().await.unwrap().into_iter().collect();
                let kept = model.kept.iter().filter(|(_, (_, text))| text.is_some());
                assert_eq!(found, kept.map(|(key, _)| key.clone()).collect());
            }
            Step::Lease(number) => {
                let key = name(number);
                let asked = tokio::time::timeout(Duration::from_millis(200), store.lease(&key));
                match (asked.await, model.leases.remove(&key)) {
                    (Ok(lease), None) => {
                        drop(model.leases.insert(key, (*at, lease.unwrap())));
                    }
                    (Err(_), Some(held)) if held.0 != *at => {
                        drop(model.leases.insert(key, held));
                    }
                    // Given back.
                    (Err(_), Some(_)) => {}
                    (Ok(_), Some((holder, _))) => panic!("{at} took what {holder} holds"),
                    (Err(_), None) => panic!("a lease that is free was not given"),
                }
            }
            Step::Reopen => {
                handles[*at].told().await;
                handles[*at] = Handle::open(place, &memory).await;
            }
            Step::Rotate => {
                if let Some(file) = &handles[*at].file {
                    let rotated = file.rotate_key().await.unwrap();
                    assert_eq!(rotated.records, model.kept.len());
                }
            }
        }
    }
    for handle in &mut handles {
        handle.told().await;
    }
}

fn tell_all(handles: &mut [Handle], key: &Key) {
    for handle in handles {
        handle.changed.insert(key.clone());
    }
}

/// Time passes when nothing else is to be done.
fn at_once(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_file_store_does_what_the_model_does(
        steps in proptest::collection::vec(any_step(), 1..=40),
    ) {
        at_once(async { play(&steps, Some(&Place::new())).await });
    }

    #[test]
    fn the_memory_store_does_what_the_model_does(
        steps in proptest::collection::vec(any_step(), 1..=60),
    ) {
        at_once(play(&steps, None));
    }
}
