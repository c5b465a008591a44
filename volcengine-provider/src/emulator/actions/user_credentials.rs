//! What users have left in the vault: each their own, named by their workload token.

use serde_json::json;

use super::{Answer, nothing, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::{UserCredential, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "UserCredential";

/// The caller's, of the user whom the token speaks for.
fn mine<'a>(
    world: &'a mut World,
    caller: &Caller,
    params: &Params,
) -> Result<&'a mut UserCredential, ApiError> {
    let user = world.tip(caller.account, params.text("IdentityToken")?)?.sub;
    let (id, pool) = (params.text("CredentialId")?, params.pool("PoolName"));
    let mut all = world.of(caller)?.user_credentials.iter_mut();
    all.find(|one| one.credential_id == id && one.pool_name == pool && one.user_id == user)
        .ok_or_else(|| ApiError::not_found(WHAT, id))
}

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let credential = mine(world, caller, params)?;
    let data = json!(credential.credential_data.expose());
    Ok(with(wire(credential), [("CredentialData", data)]))
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let user_id = world.tip(caller.account, params.text("IdentityToken")?)?.sub;
    let mut credential: UserCredential = params.entity(&["IdentityToken"])?;
    if credential.credential_id.is_empty() {
        credential.credential_id = world.mint("uc-");
    } else if mine(world, caller, params).is_ok() {
        return Err(ApiError::exists(WHAT, &credential.credential_id));
    }
    credential.user_id = user_id;
    credential.pool_name = params.pool("PoolName");
    credential.created_at = world.stamp();
    credential.updated_at = world.stamp();
    let answer = wire(&credential);
    world.of(caller)?.user_credentials.push(credential);
    Ok(answer)
}

pub(super) fn update(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let now = world.stamp();
    let credential = mine(world, caller, params)?;
    params.put("CredentialData", &mut credential.credential_data)?;
    credential.updated_at = now;
    Ok(wire(credential))
}

pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let found = mine(world, caller, params)?;
    let (id, pool, user) =
        (found.credential_id.clone(), found.pool_name.clone(), found.user_id.clone());
    world
        .of(caller)?
        .user_credentials
        .retain(|one| one.credential_id != id || one.pool_name != pool || one.user_id != user);
    nothing()
}
