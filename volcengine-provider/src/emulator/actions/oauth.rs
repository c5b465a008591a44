//! Providers of hosted OAuth 2.0 tokens.

use serde_json::{Value, json};

use super::{Answer, nothing, with};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::secret::Secret;
use crate::emulator::state::{OAuthProvider, OAuthProviderConfig, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "CredentialProvider";

pub(super) fn shown(world: &World, account: u64, provider: &OAuthProvider) -> Value {
    let OAuthProvider { name, pool_name: pool, .. } = provider;
    let trn = world.trn(account, &format!("credentialpool/{pool}/oauth2/{name}"));
    with(
        wire(provider),
        [
            ("Type", "oauth2".into()),
            ("Flow", wire(&provider.config.flow)),
            ("CallbackUrl", world.managed_callback().into()),
            ("CredentialProviderTrn", trn.into()),
            ("SecretTrn", world.trn(account, &format!("secret/{pool}/oauth2/{name}")).into()),
        ],
    )
}

fn find<'a>(
    world: &'a mut World,
    caller: &Caller,
    params: &Params,
) -> Result<&'a mut OAuthProvider, ApiError> {
    let (name, pool) = (params.text("Name")?, params.pool("PoolName"));
    let mut all = world.of(caller)?.oauth_providers.iter_mut();
    all.find(|provider| provider.name == name && provider.pool_name == pool)
        .ok_or_else(|| ApiError::not_found(WHAT, name))
}

fn config(params: &Params) -> Result<Option<OAuthProviderConfig>, ApiError> {
    let Some(mut fields) = params.part::<Value>("Config")? else { return Ok(None) };
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("SecretStorage");
        fields.retain(|_, value| !value.is_null());
    }
    serde_json::from_value(fields)
        .map(Some)
        .map_err(|_| ApiError::invalid("Config", "Config has the wrong form"))
}

fn add(world: &mut World, caller: &Caller, params: &Params, config: OAuthProviderConfig) -> Answer {
    if find(world, caller, params).is_ok() {
        return Err(ApiError::exists(WHAT, params.text("Name")?));
    }
    let mut provider: OAuthProvider = params.entity(&["Config", "ClientMetadata"])?;
    provider.config = config;
    provider.pool_name = params.pool("PoolName");
    provider.created_at = world.stamp();
    provider.updated_at = world.stamp();
    world.of(caller)?.oauth_providers.push(provider.clone());
    Ok(shown(world, caller.account, &provider))
}

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let config = config(params)?.unwrap_or_default();
    if config.client_id.is_empty() {
        return Err(ApiError::missing("Config.ClientId"));
    }
    add(world, caller, params, config)
}

/// The vendor registers the client by itself (RFC 7591).
pub(super) fn create_registered(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let mut config = config(params)?.unwrap_or_default();
    config.client_id = world.mint("dcr-");
    config.client_secret = Secret::new(world.mint("dcrs-"));
    add(world, caller, params, config)
}

pub(super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let provider = find(world, caller, params)?.clone();
    let mut answer = shown(world, caller.account, &provider);
    let secret = provider.config.client_secret.expose();
    if let Some(config) = answer.get_mut("Config").and_then(Value::as_object_mut) {
        config.insert("ClientSecret".into(), secret.into());
    }
    Ok(answer)
}

pub(super) fn in_pool(
    world: &mut World,
    caller: &Caller,
    params: &Params,
) -> Result<Vec<Value>, ApiError> {
    let pool = params.pool("PoolName");
    let mut all = world.of(caller)?.oauth_providers.clone();
    all.retain(|provider| provider.pool_name == pool);
    Ok(all.iter().map(|provider| shown(world, caller.account, provider)).collect())
}

pub(super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    params.page(in_pool(world, caller, params)?, "Oauth2CredentialProviders")
}

pub(super) fn batch(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let names: Vec<String> = params.part("Names")?.unwrap_or_default();
    let mut items = in_pool(world, caller, params)?;
    items.retain(|item| names.iter().any(|name| item.get("Name").is_some_and(|n| n == name)));
    Ok(json!({ "Oauth2CredentialProviders": items }))
}

pub(super) fn update(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let (now, config) = (world.stamp(), config(params)?);
    let provider = find(world, caller, params)?;
    if let Some(config) = config {
        provider.config = config;
    }
    provider.updated_at = now;
    let provider = provider.clone();
    Ok(shown(world, caller.account, &provider))
}

/// Ends every consent too.
pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    find(world, caller, params)?;
    let (name, pool) = (params.text("Name")?, params.pool("PoolName"));
    let all = &mut world.of(caller)?.oauth_providers;
    all.retain(|provider| provider.name != name || provider.pool_name != pool);
    let of = |key: &(u64, String, String, String)| {
        key.0 == caller.account && key.1 == pool && key.2 == name
    };
    world.vault.grants.retain(|key, _| !of(key));
    world.vault.pending.retain(|_, pending| !of(&pending.key));
    nothing()
}
