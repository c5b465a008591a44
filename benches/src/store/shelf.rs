//! A store with records in it, used one operation after another.

use std::future::Future;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use credential_provider_api::{
    Credential, Grant, GrantStore, Key, Record, Revision, StoreChanges, Variant,
};
use credential_store::faults::Faults;
use credential_store::{FileStore, FileStoreBuilder, KeyFile};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::runtime::{Builder, Runtime};

use crate::world::{TOKEN, reference, session};

/// Bytes of a grant with which a record's file has 2 KiB.
const GRANT: usize = 1014;
/// Saves under way at once while a store is filled.
const AT_ONCE: usize = 32;

/// A store of so many records of 2 KiB.
pub(super) struct Shelf {
    folder: PathBuf,
    runtime: Runtime,
    store: FileStore,
    keys: Vec<Key>,
    record: Record,
    revisions: Vec<AtomicU64>,
    next: AtomicUsize,
}

impl Shelf {
    pub(super) fn filled(folder: &Path, records: usize) -> Self {
        let runtime = runtime();
        let shelf = Self {
            store: runtime.block_on(builder(folder).open()).expect("a new folder"),
            folder: folder.to_owned(),
            keys: (0..records).map(key).collect(),
            record: Record::new(
                Some(Grant::from(vec![b'g'; GRANT])),
                Some(Credential::oauth2("t".repeat(TOKEN).into())),
            ),
            revisions: (0..records).map(|_| AtomicU64::default()).collect(),
            next: AtomicUsize::default(),
            runtime,
        };
        let saves = stream::iter(0..records);
        let saves = saves.for_each_concurrent(AT_ONCE, |nth| shelf.save_one(&shelf.store, nth));
        shelf.runtime.block_on(saves);
        shelf
    }

    /// Goes to a thread where it may block, and comes back: all that some of the time is spent on.
    pub(super) fn hop(&self, times: u64) {
        self.repeat(times, async |_| {
            tokio::task::spawn_blocking(|| ()).await.expect("nothing panics");
        });
    }

    /// Loads records, each time another.
    pub(super) fn load(&self, times: u64) {
        self.repeat(times, async |nth| {
            let loaded = self.store.load(&self.keys[nth]).await.expect("it is kept");
            assert!(black_box(loaded).record.is_some());
        });
    }

    /// Saves records by compare-and-swap, each time another.
    pub(super) fn save(&self, times: u64) {
        self.repeat(times, async |nth| self.save_one(&self.store, nth).await);
    }

    /// The same, on a handle that tells at which points it is.
    pub(super) fn save_watched(&self, times: u64, faults: Arc<dyn Faults>) {
        let opened = builder(&self.folder).faults(faults).open();
        let store = self.runtime.block_on(opened).expect("the folder is ours");
        self.repeat(times, async |nth| self.save_one(&store, nth).await);
    }

    /// Takes leases that nobody else wants, each time another, and gives them back.
    pub(super) fn lease(&self, times: u64) {
        self.repeat(times, async |nth| {
            drop(black_box(self.store.lease(&self.keys[nth]).await.expect("it is free")));
        });
    }

    /// Lists all keys.
    pub(super) fn list(&self, times: u64) {
        self.repeat(times, async |_| {
            let listed = self.store.list().await.expect("it is ours");
            assert_eq!(black_box(listed).len(), self.keys.len());
        });
    }

    /// Opens the store anew and loads one record: only then has a handle read what it needs.
    pub(super) fn open(&self, times: u64) {
        self.repeat(times, async |nth| {
            let store = builder(&self.folder).open().await.expect("it is ours");
            let loaded = store.load(&self.keys[nth]).await.expect("it is kept");
            assert!(black_box(loaded).record.is_some());
        });
    }

    /// What another handle's watch tells from now on, and the runtime in which it does.
    pub(super) fn watched_by_another(&self) -> (StoreChanges, &Runtime) {
        let other = self.runtime.block_on(builder(&self.folder).open()).expect("it is ours");
        (other.watch(), &self.runtime)
    }

    /// Saves the next record; its key.
    pub(super) async fn save_next(&self) -> &Key {
        let nth = self.nth();
        self.save_one(&self.store, nth).await;
        &self.keys[nth]
    }

    async fn save_one(&self, store: &FileStore, nth: usize) {
        let revision = &self.revisions[nth];
        let expected = Revision::new(revision.load(Ordering::Relaxed));
        let saved = store.save(&self.keys[nth], expected, self.record.clone()).await;
        revision.store(saved.expect("nobody else saves").get(), Ordering::Relaxed);
    }

    fn repeat<F: Future<Output = ()>>(&self, times: u64, operation: impl Fn(usize) -> F) {
        self.runtime.block_on(async {
            for _ in 0..times {
                operation(self.nth()).await;
            }
        });
    }

    /// A stride without common factor visits all in no order.
    fn nth(&self) -> usize {
        self.next.fetch_add(7_919, Ordering::Relaxed) % self.keys.len()
    }
}

/// The nth key.
pub(super) fn key(nth: usize) -> Key {
    Key::new(&reference(), Some(session(nth)), Variant::none())
}

/// The store in `folder`.
pub(super) fn builder(folder: &Path) -> FileStoreBuilder {
    FileStore::builder(folder.join("store"), KeyFile::new(folder.join("keys")))
}

/// A runtime without I/O: its wake-ups are no reads or writes.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime without I/O")
}
