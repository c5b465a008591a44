//! Hosted OAuth 2.0 tokens and the consents they need.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, nothing};
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::person::Person;
use crate::emulator::state::OAuthFlow;
use crate::emulator::sts::Caller;
use crate::emulator::vault::{GrantKey, OPEN_SECONDS, Pending, Phase};
use crate::emulator::world::World;

/// A token, or the page on which somebody has to consent.
pub(super) fn token(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let person = world.tip(caller.account, params.text("IdentityToken")?)?;
    let (pool, name) = (params.pool("PoolName"), params.text("ProviderName")?.to_owned());
    let mut key: GrantKey = (caller.account, pool, name, person.sub.clone());
    let config = world.oauth_provider(&key)?.config.clone();
    let flow = match params.opt("Flow") {
        None => config.flow,
        Some(_) => params.part("Flow")?.unwrap_or_default(),
    };
    if flow != config.flow {
        return Err(ApiError::invalid("Flow", "the provider has another flow"));
    }
    let scopes = params.part::<BTreeSet<String>>("Scopes")?;
    let scopes = scopes.unwrap_or_else(|| config.scopes.iter().cloned().collect());
    if flow == OAuthFlow::MachineToMachine {
        key.3.clear();
        let (token, seconds) = match world.hosted(&key, &scopes)? {
            Some(found) => found,
            None => world.grant(&key, scopes, &config.client_id)?,
        };
        return Ok(json!({ "AccessToken": token, "ExpiresIn": seconds }));
    }
    if let Some(uri) = params.opt("SessionUri") {
        let known = world.vault.pending.get(uri).is_some_and(|pending| pending.key == key);
        // A session that has ended in a token is not kept.
        if !known && !world.vault.grants.contains_key(&key) {
            return Err(ApiError::invalid("SessionUri", "no such session"));
        }
    }
    if params.flag("ForceAuthentication") {
        world.vault.grants.remove(&key);
        world.vault.pending.retain(|_, pending| pending.key != key);
    } else if let Some((token, seconds)) = world.hosted(&key, &scopes)? {
        return Ok(json!({ "AccessToken": token, "ExpiresIn": seconds }));
    }
    consent(world, caller, params, &person, key, scopes)
}

fn consent(
    world: &mut World,
    caller: &Caller,
    params: &Params,
    person: &Person,
    key: GrantKey,
    scopes: BTreeSet<String>,
) -> Answer {
    let provider = world.oauth_provider(&key)?.clone();
    let redirect = params.opt("RedirectUrl").map(str::to_owned);
    let redirect = redirect.or_else(|| provider.config.redirect_url.clone());
    let redirect = redirect.unwrap_or_else(|| world.managed_callback());
    let return_url = params.opt("ResourceOauth2ReturnUrl").map(str::to_owned);
    if let Some(url) = &return_url {
        let (pool, workload) = person.workload().unwrap_or_default();
        let workloads = &world.of(caller)?.workload_identities;
        let allowed = workloads.iter().any(|one| {
            one.name == workload
                && one.workload_pool_name == pool
                && one.allowed_resource_oauth2_return_urls.contains(url)
        });
        if !allowed {
            let message = "the workload does not allow this address";
            return Err(ApiError::invalid("ResourceOauth2ReturnUrl", message));
        }
    }
    let now = world.now();
    let alike = |pending: &Pending| {
        pending.key == key
            && pending.scopes == scopes
            && pending.redirect == redirect
            && pending.return_url == return_url
            && pending.end > now
    };
    let there = world.vault.pending.iter().find(|(_, pending)| alike(pending));
    if let Some((uri, pending)) = there {
        return Ok(json!({ "AuthorizationUrl": pending.url, "SessionUri": uri }));
    }
    let (uri, state) = (world.mint("urn:session:"), world.mint(""));
    let mut provider = provider;
    if let Some(custom) = params.part("CustomParameters")? {
        provider.config.custom_parameters = Some(custom);
    }
    let url = world.vendor_page(&provider, &redirect, &scopes, &state);
    let pending = Pending {
        key,
        state,
        scopes,
        redirect,
        return_url,
        custom_state: params.opt("CustomState").map(str::to_owned),
        url: url.clone(),
        end: now.saturating_add(OPEN_SECONDS),
        phase: Phase::Open,
    };
    world.vault.pending.insert(uri.clone(), pending);
    Ok(json!({ "AuthorizationUrl": url, "SessionUri": uri }))
}

/// The redirect came to an address of the caller's own, who brings the code here.
pub(super) fn callback(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let person = world.tip(caller.account, params.text("IdentityToken")?)?;
    let found = world.pending_by_state(params.text("State")?);
    let (uri, pending) = found.ok_or_else(|| ApiError::invalid("State", "no such state"))?;
    if pending.key.0 != caller.account || pending.key.3 != person.sub {
        return Err(ApiError::denied("this consent is another user's"));
    }
    if params.opt("Error").is_some() {
        world.vault.pending.remove(&uri);
        return Err(ApiError::invalid("Error", "the vendor has refused"));
    }
    let login = world.spend(&pending, params.text("Code")?);
    let login = login.ok_or_else(|| ApiError::invalid("Code", "the code is not the one"))?;
    world.vault.pending.remove(&uri);
    let (token, _) = world.grant(&pending.key, pending.scopes, &login)?;
    Ok(json!({ "AccessToken": token }))
}

/// Says who it was that opened the page: nobody else's consent counts.
pub(super) fn complete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let uri = params.text("SessionUri")?.to_owned();
    let pending = world.vault.pending.get(&uri).filter(|pending| pending.end > world.now());
    let pending = pending.cloned();
    let pending = pending.ok_or_else(|| ApiError::invalid("SessionUri", "no such session"))?;
    let named: Value = params.part("UserIdentifier")?.unwrap_or_default();
    let text = |name: &str| named.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let sub = match (text("IdentityToken"), text("UserID"), text("UserToken")) {
        (Some(token), None, None) => world.tip(caller.account, token)?.sub,
        (None, Some(id), None) => id.to_owned(),
        (None, None, Some(token)) => {
            world.person(caller.account, token, "UserIdentifier.UserToken")?.sub
        }
        _ => return Err(ApiError::invalid("UserIdentifier", "exactly one of the three is wanted")),
    };
    if pending.key.0 != caller.account || pending.key.3 != sub {
        return Err(ApiError::denied("this consent is another user's"));
    }
    let Phase::Unbound { login } = &pending.phase else {
        return Err(ApiError::invalid("SessionUri", "nobody has consented yet"));
    };
    world.vault.pending.remove(&uri);
    world.grant(&pending.key, pending.scopes.clone(), login)?;
    nothing()
}
