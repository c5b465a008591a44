//! Roles, and who a caller is.

use serde_json::json;

use super::Answer;
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::sts::{Caller, Who, credentials, lifetime};
use crate::emulator::token::{Unverified, verified};
use crate::emulator::world::World;

/// Account and name in `trn:iam::ACCOUNT:role/NAME`.
fn role(trn: &str) -> Result<(u64, &str), ApiError> {
    let parts = trn.strip_prefix("trn:iam::").and_then(|rest| rest.split_once(":role/"));
    parts
        .and_then(|(account, name)| Some((account.parse().ok()?, name)))
        .filter(|(_, name)| !name.is_empty())
        .ok_or_else(|| ApiError::new(400, "InvalidTRN", "RoleTrn is no name of a role"))
}

fn session_name(params: &Params) -> Result<&str, ApiError> {
    let name = params.text("RoleSessionName")?;
    let good = |c: char| c.is_ascii_alphanumeric() || "=,.@-_~".contains(c);
    if (2..=64).contains(&name.len()) && name.chars().all(good) {
        return Ok(name);
    }
    Err(ApiError::invalid("RoleSessionName", "RoleSessionName has 2 to 64 of A-Za-z0-9=,.@-_~"))
}

pub(super) fn assume_role(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let (account, name) = role(params.text("RoleTrn")?)?;
    let session_name = session_name(params)?;
    if caller.who == Who::Account {
        return Err(ApiError::denied("the account's own keys cannot assume a role"));
    }
    let roles = world.account(account).map(|account| &account.roles);
    let role = roles.into_iter().flatten().find(|role| role.role_name == name);
    let as_role = match &caller.who {
        Who::Role(name, _) => format!("trn:iam::{}:role/{name}", caller.account),
        _ => caller.trn(),
    };
    let trusted = role.is_some_and(|role| {
        role.trust.iter().any(|who| (who == "*" && account == caller.account) || *who == as_role)
    });
    if !trusted {
        return Err(ApiError::denied(format!("{as_role} may not assume this role")));
    }
    let seconds = lifetime(params.int("DurationSeconds"));
    let (id, session) = world.assume(account, name, session_name, seconds);
    Ok(credentials(world, &id, &session, "ExpiredTime"))
}

/// The token says who it is: the call has no signature.
pub(super) fn assume_role_with_oidc(world: &mut World, _: &Caller, params: &Params) -> Answer {
    let (account, name) = role(params.text("RoleTrn")?)?;
    let session_name = session_name(params)?;
    let token = params.text("OIDCToken")?;
    let bad = |message: &'static str| ApiError::invalid("OIDCToken", message);
    let said = Unverified::read(token).ok_or_else(|| bad("OIDCToken is no token"))?;
    let issuer = said.issuer().unwrap_or_default().to_owned();
    let claims = verified(token, &world.keys_of(&issuer));
    let claims = claims.ok_or_else(|| bad("OIDCToken has no valid signature"))?;
    let end = claims.get("exp").and_then(serde_json::Value::as_f64).unwrap_or_default();
    if end as i64 <= world.now() {
        return Err(bad("OIDCToken has expired"));
    }
    let roles = world.account(account).map(|account| &account.roles);
    let role = roles.into_iter().flatten().find(|role| role.role_name == name);
    let own = issuer.strip_prefix(&format!("{}/", world.url));
    let trusts = |who: &String| *who == issuer || Some(&**who) == own;
    if !role.is_some_and(|role| role.trust.iter().any(trusts)) {
        return Err(ApiError::denied("the role does not trust this issuer"));
    }
    let seconds = lifetime(params.int("DurationSeconds"));
    let (id, session) = world.assume(account, name, session_name, seconds);
    Ok(credentials(world, &id, &session, "Expiration"))
}

pub(super) fn get_caller_identity(_: &mut World, caller: &Caller, _: &Params) -> Answer {
    let (kind, id) = match &caller.who {
        Who::User(name) => ("User", name.clone()),
        Who::Role(name, session) => ("AssumedRole", format!("{name}:{session}")),
        Who::Account | Who::Nobody => ("Account", caller.account.to_string()),
    };
    let (account, trn) = (caller.account, caller.trn());
    Ok(json!({ "AccountId": account, "Trn": trn, "IdentityType": kind, "IdentityId": id }))
}
