//! Pools of workloads.

use serde_json::{Value, json};

use super::{Answer, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::{WorkloadPool, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "WorkloadPool";

fn shown(world: &World, account: u64, pool: &WorkloadPool) -> Value {
    let issuer = world.workload_issuer(&pool.workload_pool_id);
    let workloads = world.account(account).map(|account| &account.workload_identities);
    let own = |name: &String| *name == pool.workload_pool_name;
    let workloads = workloads.into_iter().flatten().filter(|one| own(&one.workload_pool_name));
    with(
        wire(pool),
        [
            (
                "Trn",
                world.trn(account, &format!("workloadpool/{}", pool.workload_pool_name)).into(),
            ),
            ("DiscoveryUrl", format!("{issuer}/.well-known/openid-configuration").into()),
            ("Url", issuer.into()),
            ("TotalWorkloads", json!(workloads.count())),
            ("TrustAnchors", json!([])),
        ],
    )
}

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let id = params.opt("WorkloadPoolId");
    let name = params.pool("WorkloadPoolName");
    let mut pools = world.of(caller)?.workload_pools.iter();
    let pool = pools.find(|pool| match id {
        Some(id) => pool.workload_pool_id == id,
        None => pool.workload_pool_name == name,
    });
    let pool = pool.cloned().ok_or_else(|| ApiError::not_found(WHAT, id.unwrap_or(&name)))?;
    Ok(shown(world, caller.account, &pool))
}

pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let all = world.of(caller)?.workload_pools.clone();
    let mut items: Vec<Value> = all.iter().map(|pool| shown(world, caller.account, pool)).collect();
    for field in ["WorkloadPoolId", "WorkloadPoolName", "ProjectName"] {
        if let Some(wanted) = params.opt(field) {
            items.retain(|item| item.get(field).is_some_and(|found| found == wanted));
        }
    }
    params.page(items, "WorkloadPools")
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let name = params.text("WorkloadPoolName")?;
    let pools = &world.of(caller)?.workload_pools;
    if pools.iter().any(|pool| pool.workload_pool_name == name) {
        return Err(ApiError::exists(WHAT, name));
    }
    let mut pool: WorkloadPool = params.entity(&[])?;
    pool.workload_pool_id = world.mint("wp-");
    pool.created_at = world.stamp();
    pool.updated_at = world.stamp();
    world.of(caller)?.workload_pools.push(pool.clone());
    Ok(shown(world, caller.account, &pool))
}
