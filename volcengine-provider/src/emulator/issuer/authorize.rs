//! The sign-in page.

use std::collections::BTreeMap;

use url::Url;

use super::{Code, Login};
use crate::emulator::http::{Call, Reply, with_query};
use crate::emulator::page::{Decision, decision, form};
use crate::emulator::state::{PoolUser, UserPoolClient};
use crate::emulator::world::World;

const CODE_SECONDS: i64 = 60;

/// Shows the page, or takes what was decided on it. Whoever is sent here with a wrong client or
/// redirect stays here; everything else goes back to the client (RFC 6749 §4.1.2.1).
pub(super) fn page(world: &mut World, uid: &str, call: &Call) -> Reply {
    let query = call.query();
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let Some(client) = super::client(world, uid, text("client_id")) else {
        return Reply::page(400, "no such client");
    };
    let (client, redirect) = (client.clone(), text("redirect_uri").to_owned());
    if !registered(&client, &redirect) {
        return Reply::page(400, "the redirect_uri is not registered");
    }
    let issuer = world.user_pool_issuer(uid);
    let back = |more: &[(&str, &str)]| {
        let all: Vec<_> = [("state", text("state")), ("iss", &issuer)]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        Reply::redirect(&with_query(&redirect, &all))
    };
    if let Some(error) = wrong(world, uid, &client, &query) {
        return back(&[("error", error)]);
    }
    if call.method == "GET" {
        return Reply::page(200, form("Sign in", &call.query));
    }
    let Decision::Allow(name) = decision(&call.form()) else {
        return back(&[("error", "access_denied")]);
    };
    let Some((_, pool)) = world.state.user_pool(uid) else { return Reply::not_found() };
    let via = text("identity_provider");
    let connection = pool.identity_providers.iter().find(|one| one.name == via);
    let barred = |user: &&PoolUser| {
        connection.is_some_and(|connection| user.disabled_connections.contains(&connection.uid))
    };
    let user = pool.users.iter().find(|user| user.name == name && !user.disabled);
    let user = user.filter(|user| !barred(user));
    let Some(user) = user.map(|user| user.uid.clone()) else {
        return back(&[("error", "access_denied")]);
    };
    let seen = format!("{} {} {name} {via}", pool.name, client.name);
    world.counters.sign_ins.push(seen);
    let code = world.mint("code-");
    let login = Login {
        pool: uid.to_owned(),
        client: client.uid,
        user,
        scope: text("scope").to_owned(),
        nonce: query.get("nonce").cloned(),
        end: None,
    };
    let challenge = query.get("code_challenge").cloned();
    let end = world.now() + CODE_SECONDS;
    let kept = Code { login, redirect_uri: redirect.clone(), challenge, end };
    world.logins.codes.insert(code.clone(), kept);
    back(&[("code", &code)])
}

fn wrong(
    world: &World,
    uid: &str,
    client: &UserPoolClient,
    query: &BTreeMap<String, String>,
) -> Option<&'static str> {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    if text("response_type") != "code" {
        return Some("unsupported_response_type");
    }
    if !text("scope").split(' ').any(|scope| scope == "openid") {
        return Some("invalid_scope");
    }
    let challenge = query.contains_key("code_challenge");
    if challenge && text("code_challenge_method") != "S256" {
        return Some("invalid_request");
    }
    if !challenge && client.client_secret.is_empty() {
        return Some("invalid_request");
    }
    let via = query.get("identity_provider")?;
    let pool = world.state.user_pool(uid).map(|(_, pool)| pool)?;
    let known = pool.identity_providers.iter().any(|one| one.name == *via && one.enabled);
    (!known).then_some("invalid_request")
}

/// To the letter, but for the port of a loopback address of an app (RFC 8252 §7.3).
fn registered(client: &UserPoolClient, redirect: &str) -> bool {
    let portless = |address: &str| {
        let mut url = Url::parse(address).ok()?;
        let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        (local && url.scheme() == "http").then(|| url.set_port(None).ok())??;
        Some(url)
    };
    let app = client.client_type == "MOBILE_APPLICATION";
    client.allowed_callback_urls.iter().any(|known| {
        let alike = || portless(known).is_some_and(|known| portless(redirect) == Some(known));
        known == redirect || (app && alike())
    })
}
