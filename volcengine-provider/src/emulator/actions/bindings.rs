//! Which resource may use which provider.

use serde_json::{Value, json};

use super::{Answer, nothing};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::{ProviderBinding, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

fn binding(params: &Params) -> Result<ProviderBinding, ApiError> {
    let mut binding = ProviderBinding::default();
    params.text("ProviderName")?.clone_into(&mut binding.provider_name);
    params.text("ProviderType")?.clone_into(&mut binding.provider_type);
    // The request spells it so.
    params.text("Reousrce")?.clone_into(&mut binding.resource);
    binding.pool_name = params.pool("PoolName");
    Ok(binding)
}

fn same(a: &ProviderBinding, b: &ProviderBinding) -> bool {
    a.provider_name == b.provider_name
        && a.provider_type == b.provider_type
        && a.resource == b.resource
        && a.pool_name == b.pool_name
}

pub(super) fn bind(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let mut binding = binding(params)?;
    binding.created_at = world.stamp();
    binding.updated_at = world.stamp();
    let account = world.of(caller)?;
    let (name, pool) = (&binding.provider_name, &binding.pool_name);
    let there = match &*binding.provider_type {
        "api_key" => {
            account.api_key_providers.iter().any(|p| p.name == *name && p.pool_name == *pool)
        }
        _ => account.oauth_providers.iter().any(|p| p.name == *name && p.pool_name == *pool),
    };
    if !there {
        return Err(ApiError::not_found("CredentialProvider", name));
    }
    if account.bindings.iter().any(|known| same(known, &binding)) {
        return Err(ApiError::exists("CredentialProviderBinding", name));
    }
    account.bindings.push(binding.clone());
    Ok(json!({
        "CreatedAt": binding.created_at, "UpdateAt": binding.updated_at,
        "ProviderName": binding.provider_name, "ProviderType": binding.provider_type,
        "Resource": binding.resource,
    }))
}

pub(super) fn unbind(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let binding = binding(params)?;
    let all = &mut world.of(caller)?.bindings;
    let before = all.len();
    all.retain(|known| !same(known, &binding));
    if all.len() == before {
        return Err(ApiError::not_found("CredentialProviderBinding", &binding.provider_name));
    }
    nothing()
}

pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let pool = params.pool("PoolName");
    let all = world.of(caller)?.bindings.iter().filter(|binding| binding.pool_name == pool);
    let mut items: Vec<Value> = all.map(wire).collect();
    for field in ["ProviderName", "ProviderType", "Resource"] {
        if let Some(wanted) = params.opt(field) {
            items.retain(|item| item.get(field).is_some_and(|found| found == wanted));
        }
    }
    params.page(items, "Bindings")
}
