//! Hosted API keys.

use serde_json::{Value, json};

use super::{Answer, nothing, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::state::{ApiKeyProvider, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "CredentialProvider";

pub(super) fn shown(world: &World, account: u64, provider: &ApiKeyProvider) -> Value {
    let ApiKeyProvider { name, pool_name: pool, .. } = provider;
    with(
        wire(provider),
        [
            ("Type", "api_key".into()),
            ("CredentialProviderTrn", trn(world, account, pool, name).into()),
            ("SecretTrn", world.trn(account, &format!("secret/{pool}/apikey/{name}")).into()),
        ],
    )
}

fn trn(world: &World, account: u64, pool: &str, name: &str) -> String {
    world.trn(account, &format!("credentialpool/{pool}/apikey/{name}"))
}

fn find<'a>(
    world: &'a mut World,
    caller: &Caller,
    params: &Params,
    name: &str,
) -> Result<&'a mut ApiKeyProvider, ApiError> {
    let pool = params.pool("PoolName");
    let mut all = world.of(caller)?.api_key_providers.iter_mut();
    all.find(|provider| provider.name == name && provider.pool_name == pool)
        .ok_or_else(|| ApiError::not_found(WHAT, name))
}

/// The key itself, for whoever a workload token speaks for.
pub(super) fn resource(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    world.tip(caller.account, params.text("IdentityToken")?)?;
    let provider = find(world, caller, params, params.text("ProviderName")?)?;
    let (key, metadata) = (provider.api_key.expose(), &provider.api_key_metadata);
    Ok(json!({ "ApiKey": key, "ApiKeyMetadata": metadata }))
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let name = params.text("Name")?;
    if find(world, caller, params, name).is_ok() {
        return Err(ApiError::exists(WHAT, name));
    }
    let mut provider: ApiKeyProvider = params.entity(&["SecretStorage"])?;
    provider.pool_name = params.pool("PoolName");
    provider.created_at = world.stamp();
    provider.updated_at = world.stamp();
    world.of(caller)?.api_key_providers.push(provider.clone());
    Ok(shown(world, caller.account, &provider))
}

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let provider = find(world, caller, params, params.text("Name")?)?.clone();
    Ok(shown(world, caller.account, &provider))
}

pub(super) fn in_pool(
    world: &mut World,
    caller: &Caller,
    params: &Params,
) -> Result<Vec<Value>, ApiError> {
    let pool = params.pool("PoolName");
    let mut all = world.of(caller)?.api_key_providers.clone();
    all.retain(|provider| provider.pool_name == pool);
    Ok(all.iter().map(|provider| shown(world, caller.account, provider)).collect())
}

pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    params.page(in_pool(world, caller, params)?, "ApiKeyCredentialProviders")
}

pub(super) fn batch(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let names: Vec<String> = params.part("Names")?.unwrap_or_default();
    let mut items = in_pool(world, caller, params)?;
    items.retain(|item| names.iter().any(|name| item.get("Name").is_some_and(|n| n == name)));
    Ok(json!({ "ApiKeyCredentialProviders": items }))
}

pub(super) fn update(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let now = world.stamp();
    let provider = find(world, caller, params, params.text("Name")?)?;
    params.put("ApiKey", &mut provider.api_key)?;
    params.put("ApiKeyMetadata", &mut provider.api_key_metadata)?;
    provider.updated_at = now;
    let provider = provider.clone();
    Ok(shown(world, caller.account, &provider))
}

pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let (name, pool) = (params.text("Name")?, params.pool("PoolName"));
    find(world, caller, params, name)?;
    let all = &mut world.of(caller)?.api_key_providers;
    all.retain(|provider| provider.name != name || provider.pool_name != pool);
    nothing()
}
