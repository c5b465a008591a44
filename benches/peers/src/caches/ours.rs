//! The resolution engine, asked by name.

use benches::world::{Behaviour, Setup, World, room_for, session};
use credential_provider_api::EffectiveSession;

use crate::backend::Plan;
use crate::cache::Cache;

/// The engine, and who asks.
pub struct Ours {
    world: World,
    sessions: Vec<EffectiveSession>,
}

impl Cache for Ours {
    const NAME: &'static str = "resolution_engine";

    async fn build(plan: Plan, keys: usize) -> Self {
        let behaviour =
            Behaviour { delay: plan.delay, failing: plan.failing, ..Behaviour::default() };
        let setup = Setup { tuning: room_for(keys), ..Setup::default() };
        let world = World::new(behaviour, setup);
        Self { world, sessions: (0..keys).map(session).collect() }
    }

    async fn get(&self, nth: usize) -> bool {
        self.world.get(&self.sessions[nth]).await
    }

    fn calls(&self) -> usize {
        self.world.books.calls()
    }
}
