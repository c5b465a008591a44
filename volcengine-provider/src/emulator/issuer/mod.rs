//! A user pool's OpenID issuer: authorization code with PKCE, renewal, revocation, user info.

mod authorize;
mod tokens;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::http::{Call, Reply};
use super::state::UserPoolClient;
use super::world::World;

pub(crate) use self::tokens::{Login, answer as token_answer};

/// What the issuers remember.
#[derive(Default)]
pub(crate) struct Logins {
    codes: BTreeMap<String, Code>,
    refresh: BTreeMap<String, Login>,
}

struct Code {
    login: Login,
    redirect_uri: String,
    challenge: Option<String>,
    end: i64,
}

/// Answers `/userpool/UID/REST`.
pub(crate) fn reply(world: &mut World, uid: &str, rest: &str, call: &Call) -> Reply {
    let Some((_, pool)) = world.state.user_pool(uid) else { return Reply::not_found() };
    if pool.disabled || !pool.issuer.is_empty() {
        return Reply::not_found();
    }
    match (&*call.method, rest) {
        ("GET", ".well-known/openid-configuration") => Reply::json(200, &metadata(world, uid)),
        ("GET", "keys") => Reply::json(200, &world.key.jwks()),
        ("GET" | "POST", "authorize") => authorize::page(world, uid, call),
        ("POST", "oauth/token") => tokens::token(world, uid, call),
        ("POST", "oauth/revoke") => tokens::revoke(world, uid, call),
        ("GET" | "POST", "userinfo") => tokens::user_info(world, uid, call),
        _ => Reply::not_found(),
    }
}

/// The pool's metadata (OpenID Connect Discovery 1.0 §3).
pub(crate) fn metadata(world: &World, uid: &str) -> Value {
    let issuer = world.user_pool_issuer(uid);
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
    })
}

fn client<'a>(world: &'a World, pool: &str, client: &str) -> Option<&'a UserPoolClient> {
    world.state.user_pool(pool)?.1.clients.iter().find(|one| one.uid == client)
}
