//! API key and OAuth 2.0 providers together.

use serde_json::{Value, json};

use super::{Answer, api_keys, oauth, with};
use crate::emulator::gateway::Params;
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

pub(super) fn all(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let mut items = api_keys::in_pool(world, caller, params)?;
    items.extend(oauth::in_pool(world, caller, params)?);
    let bindings = &world.of(caller)?.bindings;
    let items = items.into_iter().map(|item| {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let (name, kind, pool) = (text("Name"), text("Type"), text("PoolName"));
        let bound = bindings.iter().filter(|binding| {
            binding.provider_name == name
                && binding.provider_type == kind
                && binding.pool_name == pool
        });
        let count = json!(bound.count());
        with(item, [("BindingResourceNumber", count)])
    });
    params.page(items.collect(), "CredentialProviders")
}
