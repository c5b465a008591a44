//! What a cached credential costs beyond itself.

use std::sync::Arc;

use credential_provider_api::{Clock, Credential, Key, SeededRandom, Variant};

use crate::alloc::live;
use crate::clock::{SimulatedClock, simulated};
use crate::report::{Limit, Line};
use crate::world::{Behaviour, Setup, TOKEN, World, reference, room_for, session};

/// The lines of this theme.
#[must_use]
pub fn lines() -> Vec<Line> {
    let own = alone() / ENTRIES as f64;
    let cached = in_an_engine() / ENTRIES as f64;
    let bytes =
        |name: &str, value, limit| Line::new(format!("memory/{name}"), value, "bytes", limit);
    vec![
        bytes("credential_and_key_alone", own, Limit::None),
        bytes("cached_and_scheduled", cached, Limit::None),
        bytes("overhead_at_100k", cached - own, Limit::AtMost(200.0)),
    ]
}

const ENTRIES: usize = 100_000;

/// Heap bytes of the credentials and their keys, held by nothing but two vectors.
fn alone() -> f64 {
    let runtime = simulated();
    let _entered = runtime.enter();
    let (reference, now) = (reference(), SimulatedClock::new().now());
    let before = live();
    let mut credentials: Vec<Arc<Credential>> = Vec::with_capacity(ENTRIES);
    let mut keys: Vec<Key> = Vec::with_capacity(ENTRIES);
    for nth in 0..ENTRIES {
        let token = Credential::token("t".repeat(TOKEN).into());
        credentials.push(Arc::new(token.with_expiry(now)));
        // The ids are shared, as callers share them who keep their references.
        keys.push(Key::new(&reference, Some(session(nth)), Variant::none()));
    }
    live() - before
}

/// Heap bytes of an engine that serves and will renew them, the engine itself included.
fn in_an_engine() -> f64 {
    simulated().block_on(async {
        let setup = Setup {
            tuning: room_for(ENTRIES),
            clock: Some(Arc::new(SimulatedClock::new())),
            random: Some(Arc::new(SeededRandom::new(1))),
        };
        let before = live();
        let world = World::new(Behaviour::default(), setup);
        world.fill(ENTRIES).await;
        assert_eq!(world.engine.counters().entries, ENTRIES as u64);
        live() - before
    })
}
