//! Workload access tokens.

use serde_json::{Value, json};

use super::{Answer, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::person::{From, chain};
use crate::emulator::state::WorkloadIdentity;
use crate::emulator::sts::{Caller, Who};
use crate::emulator::world::{World, utc};

const USUAL: i64 = 3600;
const LONGEST: i64 = 43_200;

/// For the workload itself: nobody it acts for.
pub(super) fn of_workload(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let workload = workload(world, caller, params)?;
    issue(world, caller, params, &workload, None, None)
}

/// For a user whom the caller names.
pub(super) fn for_user_id(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let workload = workload(world, caller, params)?;
    let act = chain(&workload, None);
    issue(world, caller, params, &workload, Some((params.text("UserId")?, act)), None)
}

/// For the user of a user pool's token, or for the one whom another workload acts for.
pub(super) fn for_jwt(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let person = world.person(caller.account, params.text("UserToken")?, "UserToken")?;
    let workload = workload(world, caller, params)?;
    let before = match &person.from {
        From::WorkloadPool { act, .. } => act.as_ref(),
        From::UserPool { .. } => None,
    };
    let act = chain(&workload, before);
    issue(world, caller, params, &workload, Some((&person.sub, act)), Some(person.end))
}

/// The workload that a call is for: the one it names, or the caller's role.
fn workload(world: &mut World, caller: &Caller, params: &Params) -> Result<String, ApiError> {
    let pool_name = params.pool("WorkloadPoolName");
    let now = world.stamp();
    let account = world.of(caller)?;
    let pool = account.workload_pools.iter().find(|pool| pool.workload_pool_name == pool_name);
    let pool = pool.ok_or_else(|| ApiError::not_found("WorkloadPool", &pool_name))?;
    let Some(name) = params.opt("Name") else {
        return match &caller.who {
            Who::Role(role, _) => Ok(role.clone()),
            _ => Err(ApiError::missing("Name")),
        };
    };
    let there = account
        .workload_identities
        .iter()
        .any(|workload| workload.name == name && workload.workload_pool_name == pool_name);
    if !there && !pool.allow_auto_create_identity {
        return Err(ApiError::not_found("WorkloadIdentity", name));
    }
    if !there {
        account.workload_identities.push(WorkloadIdentity {
            name: name.to_owned(),
            workload_pool_name: pool_name,
            category: "Agent".into(),
            source: "Auto".into(),
            created_at: now.clone(),
            updated_at: now,
            ..WorkloadIdentity::default()
        });
    }
    Ok(name.to_owned())
}

fn issue(
    world: &mut World,
    caller: &Caller,
    params: &Params,
    workload: &str,
    acts_for: Option<(&str, Value)>,
    user_end: Option<i64>,
) -> Answer {
    let seconds = params.int("DurationSeconds").unwrap_or(USUAL);
    if !(1..=LONGEST).contains(&seconds) {
        return Err(ApiError::invalid("DurationSeconds", "DurationSeconds is from 1 to 43200"));
    }
    let name = params.pool("WorkloadPoolName");
    let mut pools = world.of(caller)?.workload_pools.iter();
    let pool = pools.find(|pool| pool.workload_pool_name == name);
    let pool = pool.ok_or_else(|| ApiError::not_found("WorkloadPool", &name))?.clone();
    let issuer = world.workload_issuer(&pool.workload_pool_id);
    let now = world.now();
    let asked = now.saturating_add(seconds);
    let end = match user_end {
        Some(end) if !pool.outlives_user_token => asked.min(end),
        _ => asked,
    };
    let audience = match params.part::<Vec<String>>("Audience")?.unwrap_or_default().as_slice() {
        [] => json!(issuer),
        [one] => json!(one),
        several => json!(several),
    };
    let mut claims = json!({
        "iss": issuer, "sub": workload, "aud": audience, "iat": now, "nbf": now, "exp": end,
        "jti": world.mint(""),
    });
    if let Some((sub, act)) = acts_for {
        claims = with(claims, [("sub", json!(sub)), ("act", act)]);
    }
    Ok(json!({ "WorkloadAccessToken": world.signed(&claims), "ExpiresAt": utc(end) }))
}
