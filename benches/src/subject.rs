//! The paths whose times, allocations and instructions are measured, and what they are held against.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use credential_provider_api::{Credential, CredentialRef, EffectiveSession, Key, Variant};
use dashmap::DashMap;
use resolution_engine::Handle;
use tokio::runtime::{Builder, Runtime};

use crate::world::{Behaviour, Setup, World, poll_once, reference, session};

/// One cached credential on the system's clock, and the same in a pointer and in a map.
pub struct Warm {
    world: World,
    reference: CredentialRef,
    session: EffectiveSession,
    handle: Handle,
    pointer: ArcSwapOption<Credential>,
    map: DashMap<Key, Arc<Credential>>,
    key: Key,
    /// The engine's tasks live here; nothing measured runs on it.
    _runtime: Runtime,
}

impl Warm {
    /// Fetches it.
    #[must_use]
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (reference, session) = (reference(), session(1));
        let (world, handle, credential) = runtime.block_on(async {
            let world = World::new(Behaviour::default(), Setup::default());
            let request = world.tool.request(&reference).session(&session);
            let handle = request.clone().bind().expect("it is granted");
            let credential = request.await.expect("the provider answers");
            // The first read by handle is checked and audited; the others are measured.
            handle.with(|_| ()).expect("it is cached");
            (world, handle, credential)
        });
        // The clock's thread starts to keep the coarse time.
        std::thread::sleep(Duration::from_millis(100));
        let key = Key::new(&reference, Some(session.clone()), Variant::none());
        let map = DashMap::new();
        map.insert(key.clone(), credential.clone());
        Self {
            world,
            reference,
            session,
            handle,
            pointer: ArcSwapOption::new(Some(credential)),
            map,
            key,
            _runtime: runtime,
        }
    }

    /// A borrow through a handle.
    pub fn handle_read(&self, times: u64) {
        for _ in 0..times {
            let read = self.handle.with(|credential| {
                black_box(credential);
            });
            read.expect("it is cached");
        }
    }

    /// An owned credential through a handle.
    pub fn handle_get(&self, times: u64) {
        for _ in 0..times {
            let got = poll_once(self.handle.get()).expect("ready at its first poll");
            black_box(got.expect("it is cached"));
        }
    }

    /// An owned credential by name: rules, session, expiry and all.
    pub fn by_name(&self, times: u64) {
        for _ in 0..times {
            let request = self.world.tool.request(&self.reference);
            let got = poll_once(request.session(&self.session).into_future());
            black_box(got.expect("ready at its first poll")).expect("it is cached");
        }
    }

    /// What a borrow through a handle is held against.
    pub fn load_guard(&self, times: u64) {
        for _ in 0..times {
            let guard = self.pointer.load();
            black_box(guard.as_deref().expect("it is there"));
        }
    }

    /// What an owned credential through a handle is held against.
    pub fn load_full(&self, times: u64) {
        for _ in 0..times {
            black_box(self.pointer.load_full().expect("it is there"));
        }
    }

    /// What an owned credential by name is held against.
    pub fn map_lookup(&self, times: u64) {
        for _ in 0..times {
            let found = self.map.get(&self.key).map(|found| found.clone());
            black_box(found.expect("it is there"));
        }
    }
}

impl Default for Warm {
    fn default() -> Self {
        Self::new()
    }
}
