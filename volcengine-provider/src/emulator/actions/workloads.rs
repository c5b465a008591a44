//! Agents.

use serde_json::Value;

use super::{Answer, nothing, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::{WorkloadIdentity, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "WorkloadIdentity";

fn shown(world: &World, account: u64, workload: &WorkloadIdentity) -> Value {
    let WorkloadIdentity { name, workload_pool_name: pool, .. } = workload;
    let trn = world.trn(account, &format!("workloadpool/{pool}/workload/{name}"));
    with(wire(workload), [("Trn", trn.into())])
}

fn find<'a>(
    world: &'a mut World,
    caller: &Caller,
    params: &Params,
) -> Result<&'a mut WorkloadIdentity, ApiError> {
    let (name, pool) = (params.text("Name")?, params.pool("WorkloadPoolName"));
    let mut all = world.of(caller)?.workload_identities.iter_mut();
    all.find(|workload| workload.name == name && workload.workload_pool_name == pool)
        .ok_or_else(|| ApiError::not_found(WHAT, name))
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let pool = params.pool("WorkloadPoolName");
    let pools = &world.of(caller)?.workload_pools;
    if !pools.iter().any(|one| one.workload_pool_name == pool) {
        return Err(ApiError::not_found("WorkloadPool", &pool));
    }
    if find(world, caller, params).is_ok() {
        return Err(ApiError::exists(WHAT, params.text("Name")?));
    }
    let mut workload: WorkloadIdentity = params.entity(&[])?;
    workload.workload_pool_name = pool;
    workload.source = "Custom".into();
    workload.created_at = world.stamp();
    workload.updated_at = world.stamp();
    world.of(caller)?.workload_identities.push(workload.clone());
    Ok(shown(world, caller.account, &workload))
}

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let workload = find(world, caller, params)?.clone();
    Ok(shown(world, caller.account, &workload))
}

pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let all = world.of(caller)?.workload_identities.clone();
    let mut items: Vec<Value> =
        all.iter().map(|workload| shown(world, caller.account, workload)).collect();
    for field in ["Category", "Name", "Source", "Trn", "WorkloadPoolName"] {
        if let Some(wanted) = params.opt(field) {
            items.retain(|item| item.get(field).is_some_and(|found| found == wanted));
        }
    }
    params.page(items, "WorkloadIdentities")
}

pub(super) fn update(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let now = world.stamp();
    let workload = find(world, caller, params)?;
    params.put("Description", &mut workload.description)?;
    params.put("MetaData", &mut workload.meta_data)?;
    let urls = &mut workload.allowed_resource_oauth2_return_urls;
    params.put("AllowedResourceOauth2ReturnUrls", urls)?;
    workload.updated_at = now;
    nothing()
}

pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    find(world, caller, params)?;
    let (name, pool) = (params.text("Name")?, params.pool("WorkloadPoolName"));
    let all = &mut world.of(caller)?.workload_identities;
    all.retain(|workload| workload.name != name || workload.workload_pool_name != pool);
    nothing()
}
