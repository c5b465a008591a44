//! Role credentials for whoever a token speaks for.

use serde_json::{Value, json};

use super::{Answer, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::person::{From, Person};
use crate::emulator::state::{IdentityPool, MappingRule, RoleMapping, RoleProvider};
use crate::emulator::sts::{Caller, credentials, lifetime};
use crate::emulator::world::{World, beijing};

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let person = world.person(caller.account, params.text("IdentityToken")?, "IdentityToken")?;
    let (pool, name) = (params.pool("PoolName"), params.text("ProviderName")?);
    let account = world.of(caller)?;
    let mut providers = account.role_providers.iter();
    let provider = providers.find(|one| one.name == name && one.pool_name == pool).cloned();
    let provider = provider.ok_or_else(|| ApiError::not_found("RoleCredentialProvider", name))?;
    if !counts(world, caller, provider.config.identity_pool.as_ref(), &person) {
        return Err(ApiError::denied("the provider does not take this identity"));
    }
    let role = role(caller, params, &provider, &person)?;
    if !world.of(caller)?.roles.iter().any(|known| known.role_name == role) {
        return Err(ApiError::denied(format!("there is no role {role}")));
    }
    let session = params.opt("RoleSessionName").unwrap_or(&person.sub).to_owned();
    let seconds = lifetime(params.int("DurationSeconds"));
    let (id, issued) = world.assume(caller.account, &role, &session, seconds);
    let mut answer = credentials(world, &id, &issued, "Expiration");
    if params.flag("WithOIDC") {
        let time = |name: &str| person.claims.get(name).and_then(Value::as_i64).map(beijing);
        let clients = match &person.from {
            From::UserPool { client, .. } => vec![client.clone()],
            From::WorkloadPool { .. } => Vec::new(),
        };
        let info = json!({
            "ClientIds": clients, "Subject": person.sub, "Issuer": person.issuer,
            "IssuanceTime": time("iat"), "ExpirationTime": time("exp"),
        });
        answer = with(answer, [("OIDCTokenInfo", info)]);
    }
    Ok(json!({ "VolcEngResponse": answer }))
}

fn counts(world: &World, caller: &Caller, pool: Option<&IdentityPool>, person: &Person) -> bool {
    let Some(IdentityPool { agent_pool, user_pool }) = pool else { return true };
    match &person.from {
        From::WorkloadPool { name, .. } => {
            agent_pool.as_ref().map_or_else(|| user_pool.is_none(), |pool| pool.pool_name == *name)
        }
        From::UserPool { uid, client } => {
            let Some(wanted) = user_pool else { return agent_pool.is_none() };
            let pools = world.account(caller.account).map(|account| &account.user_pools);
            let pool = pools.into_iter().flatten().find(|pool| pool.uid == *uid);
            let is = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
            pool.is_some_and(|pool| is(&wanted.pool_id, uid) && is(&wanted.pool_name, &pool.name))
                && is(&wanted.client_id, client)
        }
    }
}

fn role(
    caller: &Caller,
    params: &Params,
    provider: &RoleProvider,
    person: &Person,
) -> Result<String, ApiError> {
    let none = || ApiError::denied("the provider has no role for this identity");
    let mapping = provider.config.role_mapping.as_ref().ok_or_else(none)?;
    let RoleMapping { from_role, from_rule, from_request } = mapping;
    if let Some(one) = from_role {
        return Ok(one.role_name.clone());
    }
    if let Some(by) = from_rule {
        let rule = by.rules.iter().find(|rule| matches(rule, &person.claims));
        let role = rule.map_or(&by.default_role, |rule| &rule.role);
        return Some(role.clone()).filter(|role| !role.is_empty()).ok_or_else(none);
    }
    let allowed = from_request.as_ref().map(|by| &by.allowed_roles).ok_or_else(none)?;
    let asked = params.text("RequestedRoleTrn")?;
    let name = asked.strip_prefix(&format!("trn:iam::{}:role/", caller.account));
    let found = allowed.iter().find(|role| Some(&*role.role_name) == name);
    found.map(|role| role.role_name.clone()).ok_or_else(none)
}

fn matches(rule: &MappingRule, claims: &Value) -> bool {
    let contains = rule.match_type.eq_ignore_ascii_case("contains");
    match claims.get(&rule.claim) {
        Some(Value::Array(all)) => all.iter().any(|one| *one == *rule.value),
        Some(Value::String(text)) if contains => text.contains(&rule.value),
        Some(value) => *value == *rule.value,
        None => false,
    }
}
