//! What people build from parts: moka, and dashmap with tokio's `OnceCell`. Neither knows expiry the
//! way credentials have it.

use std::hint::black_box;
use std::sync::Arc;

use benches::world::{TOKEN, reference, session};
use credential_provider_api::{Credential, Key, Variant};
use dashmap::DashMap;
use tokio::sync::OnceCell;

use crate::backend::{Backend, Plan};
use crate::cache::Cache;

/// `moka::future::Cache::try_get_with_by_ref`.
pub struct Moka {
    cache: moka::future::Cache<Key, Arc<Credential>>,
    keys: Vec<Key>,
    backend: Arc<Backend>,
}

impl Cache for Moka {
    const NAME: &'static str = "moka";

    async fn build(plan: Plan, keys: usize) -> Self {
        Self {
            cache: moka::future::Cache::new(2 * keys as u64),
            keys: many(keys),
            backend: Backend::new(plan),
        }
    }

    async fn get(&self, nth: usize) -> bool {
        let load = async { self.backend.call().await.map(|()| issued()) };
        black_box(self.cache.try_get_with_by_ref(&self.keys[nth], load).await).is_ok()
    }

    fn calls(&self) -> usize {
        self.backend.calls()
    }
}

/// A map of cells, each filled once.
pub struct OnceCells {
    cells: DashMap<Key, Arc<OnceCell<Arc<Credential>>>>,
    keys: Vec<Key>,
    backend: Arc<Backend>,
}

impl Cache for OnceCells {
    const NAME: &'static str = "dashmap_once_cell";

    async fn build(plan: Plan, keys: usize) -> Self {
        Self { cells: DashMap::new(), keys: many(keys), backend: Backend::new(plan) }
    }

    async fn get(&self, nth: usize) -> bool {
        let key = &self.keys[nth];
        let known = self.cells.get(key).map(|cell| cell.clone());
        let cell = match known {
            Some(cell) => cell,
            None => self.cells.entry(key.clone()).or_default().clone(),
        };
        let load = || async { self.backend.call().await.map(|()| issued()) };
        black_box(cell.get_or_try_init(load).await.cloned()).is_ok()
    }

    fn calls(&self) -> usize {
        self.backend.calls()
    }
}

fn many(keys: usize) -> Vec<Key> {
    let reference = reference();
    (0..keys).map(|nth| Key::new(&reference, Some(session(nth)), Variant::none())).collect()
}

fn issued() -> Arc<Credential> {
    Arc::new(Credential::token("t".repeat(TOKEN).into()))
}
