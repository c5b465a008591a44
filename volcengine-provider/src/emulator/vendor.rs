//! The vendor whose tokens are hosted: its consent page, the managed callback that it redirects to,
//! and a resource that tells whose token it was shown.

use std::collections::BTreeMap;

use serde_json::json;

use super::http::{Call, Reply, with_query};
use super::page::{Decision, decision, form};
use super::vault::Phase;
use super::world::World;

/// The consent page, and what was decided on it.
pub(crate) fn authorize(world: &mut World, call: &Call) -> Reply {
    let query = call.query();
    let state = query.get("state").map_or("", String::as_str);
    let Some((uri, pending)) = world.pending_by_state(state) else {
        return Reply::page(400, "this page has ended");
    };
    let Ok(provider) = world.oauth_provider(&pending.key) else {
        return Reply::page(400, "the provider is gone");
    };
    let same = |name: &str, value: &str| query.get(name).is_some_and(|found| found == value);
    if !same("client_id", &provider.config.client_id) || !same("redirect_uri", &pending.redirect) {
        return Reply::page(400, "client_id or redirect_uri is not the client's");
    }
    if call.method == "GET" {
        return Reply::page(200, form(&format!("{} asks for consent", provider.name), &call.query));
    }
    match decision(&call.form()) {
        Decision::Allow(login) => {
            let code = world.mint("vc-");
            if let Some(pending) = world.vault.pending.get_mut(&uri) {
                pending.phase = Phase::Consented { code: code.clone(), login };
            }
            Reply::redirect(&with_query(&pending.redirect, &[("code", &code), ("state", state)]))
        }
        Decision::Deny => {
            let query = [("error", "access_denied"), ("state", state)];
            Reply::redirect(&with_query(&pending.redirect, &query))
        }
    }
}

/// Where the vendor sends people back to.
pub(crate) fn callback(world: &mut World, query: &BTreeMap<String, String>) -> Reply {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let Some((uri, pending)) = world.pending_by_state(text("state")) else {
        return Reply::page(400, "no consent is under way");
    };
    if query.contains_key("error") {
        world.vault.pending.remove(&uri);
        return Reply::page(200, "no consent was given");
    }
    let Some(login) = world.spend(&pending, text("code")) else {
        return Reply::page(400, "the code is not the one");
    };
    let Some(home) = &pending.return_url else {
        world.vault.pending.remove(&uri);
        return match world.grant(&pending.key, pending.scopes, &login) {
            Ok(_) => Reply::page(200, "done, go back to the conversation"),
            Err(_) => Reply::page(400, "the provider is gone"),
        };
    };
    if let Some(pending) = world.vault.pending.get_mut(&uri) {
        pending.phase = Phase::Unbound { login };
    }
    let state = pending.custom_state.as_deref().unwrap_or_default();
    Reply::redirect(&with_query(home, &[("session_uri", &uri), ("state", state)]))
}

/// Whose token or API key `call` carries.
pub(crate) fn whoami(world: &World, call: &Call) -> Reply {
    let given = call.bearer().or_else(|| call.header("x-api-key")).unwrap_or_default();
    let owner = world.vault.tokens.get(given).filter(|owner| {
        let current = world.vault.grants.contains_key(&owner.key);
        owner.end > world.now() && current
    });
    if let Some(owner) = owner {
        let (account, pool, provider, user) = &owner.key;
        let said = json!({ "kind": "oauth2", "account": account, "pool": pool, "login": owner.login,
            "provider": provider, "user": user, "scopes": owner.scopes });
        return Reply::json(200, &said);
    }
    let providers = world.state.accounts.iter().flat_map(|account| &account.api_key_providers);
    let mut keys = providers.filter(|provider| !provider.api_key.is_empty());
    match keys.find(|provider| provider.api_key.is(given)) {
        Some(provider) => {
            let said =
                json!({ "kind": "api_key", "provider": provider.name, "pool": provider.pool_name });
            Reply::json(200, &said)
        }
        None => Reply::json(401, &json!({ "error": "invalid_token" })),
    }
}
