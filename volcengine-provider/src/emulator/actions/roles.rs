//! Providers of role credentials.

use serde_json::Value;

use super::{Answer, nothing, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::{RoleProvider, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "RoleCredentialProvider";

fn shown(world: &World, account: u64, provider: &RoleProvider) -> Value {
    let RoleProvider { name, pool_name: pool, .. } = provider;
    let trn = world.trn(account, &format!("credentialpool/{pool}/role/{name}"));
    with(wire(provider), [("CredentialProviderTrn", trn.into())])
}

fn find<'a>(
    world: &'a mut World,
    caller: &Caller,
    params: &Params,
) -> Result<&'a mut RoleProvider, ApiError> {
    let (name, pool) = (params.text("Name")?, params.pool("PoolName"));
    let mut all = world.of(caller)?.role_providers.iter_mut();
    all.find(|provider| provider.name == name && provider.pool_name == pool)
        .ok_or_else(|| ApiError::not_found(WHAT, name))
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    if find(world, caller, params).is_ok() {
        return Err(ApiError::exists(WHAT, params.text("Name")?));
    }
    let mut provider: RoleProvider = params.entity(&[])?;
    let kinds = provider.config.role_mapping.as_ref().map_or(0, |mapping| {
        usize::from(mapping.from_role.is_some())
            + usize::from(mapping.from_rule.is_some())
            + usize::from(mapping.from_request.is_some())
    });
    if kinds != 1 {
        let place = "Config.RoleMapping";
        return Err(ApiError::invalid(place, "RoleMapping is exactly one of the three"));
    }
    provider.pool_name = params.pool("PoolName");
    provider.credential_provider_id = world.mint("rcp-");
    provider.created_at = world.stamp();
    provider.updated_at = world.stamp();
    world.of(caller)?.role_providers.push(provider.clone());
    Ok(shown(world, caller.account, &provider))
}

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let provider = find(world, caller, params)?.clone();
    Ok(shown(world, caller.account, &provider))
}

/// Its pool is named in the filter, not beside it.
pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let all = world.of(caller)?.role_providers.clone();
    let items = all.iter().map(|provider| shown(world, caller.account, provider)).collect();
    params.page(items, "RoleCredentialProviders")
}

/// The service's request has nothing to change but the time.
pub(super) fn update(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let now = world.stamp();
    find(world, caller, params)?.updated_at = now;
    nothing()
}

pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    find(world, caller, params)?;
    let (name, pool) = (params.text("Name")?, params.pool("PoolName"));
    let all = &mut world.of(caller)?.role_providers;
    all.retain(|provider| provider.name != name || provider.pool_name != pool);
    nothing()
}
