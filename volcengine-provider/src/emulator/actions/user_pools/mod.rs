//! Where people sign in.

pub(super) mod clients;
pub(super) mod providers;

use serde_json::{Value, json};

use super::{Answer, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::issuer;
use crate::emulator::state::{UserPool, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "UserPool";

/// What the pool's issuer says of itself, be it here or elsewhere.
fn metadata(world: &World, pool: &UserPool) -> Value {
    if pool.issuer.is_empty() {
        return issuer::metadata(world, &pool.uid);
    }
    let found = world.issuers.get(&pool.issuer);
    found.map_or_else(|| json!({ "issuer": pool.issuer }), |elsewhere| elsewhere.metadata.clone())
}

fn shown(world: &World, account: u64, pool: &UserPool) -> Value {
    let issuer = world.user_pool_issuer(&pool.uid);
    let metadata = metadata(world, pool);
    let said = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let domain = issuer.split_once("://").map_or(&*issuer, |(_, rest)| rest).to_owned();
    let callback = |what: &str| json!(format!("{issuer}/{what}/callback"));
    with(
        wire(pool),
        [
            ("Enabled", json!(!pool.disabled)),
            ("Domain", json!(domain)),
            ("IssuerUrl", json!(issuer)),
            ("DiscoveryUrl", json!(discovery(&issuer))),
            ("TokenUrl", said("token_endpoint")),
            ("TokenSigningKeyUrl", said("jwks_uri")),
            ("OauthLoginCallbackUrl", callback("login/generic_oauth")),
            ("OauthSignUpCallbackUrl", callback("signup/generic_oauth")),
            ("TotalClients", json!(pool.clients.len())),
            ("TotalConnections", json!(pool.identity_providers.len())),
            ("TotalUsers", json!(pool.users.len())),
            ("Trn", world.trn(account, &format!("userpool/{}", pool.uid)).into()),
        ],
    )
}

fn discovery(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

fn find<'a>(
    world: &'a mut World,
    caller: &Caller,
    uid: &str,
) -> Result<&'a mut UserPool, ApiError> {
    let mut all = world.of(caller)?.user_pools.iter_mut();
    all.find(|pool| pool.uid == uid).ok_or_else(|| ApiError::not_found(WHAT, uid))
}

pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let all = world.of(caller)?.user_pools.clone();
    let mut items: Vec<Value> = all.iter().map(|pool| shown(world, caller.account, pool)).collect();
    if let Some(project) = params.opt("ProjectName") {
        items.retain(|item| item.get("ProjectName").is_some_and(|found| found == project));
    }
    params.page(items, "Data")
}

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let pool = find(world, caller, params.text("UserPoolUid")?)?.clone();
    Ok(shown(world, caller.account, &pool))
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let name = params.text("Name")?;
    if world.of(caller)?.user_pools.iter().any(|pool| pool.name == name) {
        return Err(ApiError::exists(WHAT, name));
    }
    let mut pool = UserPool { uid: world.mint(""), ..UserPool::default() };
    params.put("Name", &mut pool.name)?;
    params.put("Description", &mut pool.description)?;
    params.put("ProjectName", &mut pool.project_name)?;
    params.put("Tags", &mut pool.tags)?;
    params.put("SelfSignUpEnabled", &mut pool.self_sign_up_enabled)?;
    params.put("SelfAccountRecoveryEnabled", &mut pool.self_account_recovery_enabled)?;
    pool.create_time = world.stamp();
    pool.update_time = world.stamp();
    world.of(caller)?.user_pools.push(pool.clone());
    Ok(shown(world, caller.account, &pool))
}

pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let uid = params.text("UserPoolUid")?;
    find(world, caller, uid)?;
    world.of(caller)?.user_pools.retain(|pool| pool.uid != uid);
    Ok(json!({ "Message": "deleted" }))
}

pub(super) fn endpoints(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let wanted: Option<Vec<String>> = params.part("UserPoolUids")?;
    let mut pools = world.of(caller)?.user_pools.clone();
    pools.retain(|pool| wanted.as_ref().is_none_or(|wanted| wanted.contains(&pool.uid)));
    let data = pools.iter().map(|pool| {
        let metadata = metadata(world, pool);
        let said = |name: &str| metadata.get(name).cloned().unwrap_or_default();
        let issuer = world.user_pool_issuer(&pool.uid);
        json!({
            "UserPoolUid": pool.uid, "DiscoveryUrl": discovery(&issuer), "IssuerUrl": issuer,
            "AuthorizationEndpoint": said("authorization_endpoint"),
            "TokenEndpoint": said("token_endpoint"), "JwksUri": said("jwks_uri"),
            "RevocationEndpoint": said("revocation_endpoint"),
            "UserinfoEndpoint": said("userinfo_endpoint"),
            "EndSessionEndpoint": said("end_session_endpoint"),
            "IntrospectionEndpoint": said("introspection_endpoint"),
        })
    });
    Ok(json!({ "Data": data.collect::<Vec<_>>() }))
}
