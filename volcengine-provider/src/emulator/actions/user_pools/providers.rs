//! Other places where a pool's users may sign in.

use serde_json::{Value, json};

use super::super::{Answer, with};
use super::find as pool;
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::wire;
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

/// Of one pool, which this action alone names `UserPoolUID`.
pub(in super::super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let pool = pool(world, caller, params.text("UserPoolUID")?)?;
    filtered(params, pool.identity_providers.iter().map(wire).collect())
}

pub(in super::super) fn all(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let items = world.of(caller)?.user_pools.iter().flat_map(|pool| {
        let place = [("UserPoolName", json!(pool.name)), ("UserPoolUid", json!(pool.uid))];
        pool.identity_providers.iter().map(move |provider| with(wire(provider), place.clone()))
    });
    let items = items.collect();
    filtered(params, items)
}

fn filtered(params: &Params, mut items: Vec<Value>) -> Answer {
    let mut others = Params(params.0.clone());
    if let Some(filter) = others.0.get_mut("Filter").and_then(Value::as_object_mut) {
        let excluded = filter.remove("ExcludeConnectionType");
        items.retain(|item| excluded.is_none() || item.get("ConnectionType") != excluded.as_ref());
    }
    others.page(items, "Data")
}

/// Somebody can no longer sign in by this provider.
pub(in super::super) fn disable_for_user(
    world: &mut World,
    caller: &Caller,
    params: &Params,
) -> Answer {
    let (connection, user) = (params.text("ConnectionUid")?, params.text("UserPoolUserUid")?);
    let pool = pool(world, caller, params.text("UserPoolUid")?)?;
    if !pool.identity_providers.iter().any(|provider| provider.uid == connection) {
        return Err(ApiError::not_found("IdentityProvider", connection));
    }
    let found = pool.users.iter_mut().find(|known| known.uid == user);
    let found = found.ok_or_else(|| ApiError::not_found("User", user))?;
    found.disabled_connections.push(connection.to_owned());
    Ok(json!({ "Message": "disabled" }))
}
