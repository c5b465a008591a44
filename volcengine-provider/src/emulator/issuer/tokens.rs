//! The token, revocation and user info endpoints.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest;
use serde_json::{Value, json};

use crate::emulator::fields::with;
use crate::emulator::http::{Call, Reply};
use crate::emulator::secret::Secret;
use crate::emulator::state::{PoolUser, UserPoolClient};
use crate::emulator::token::verified;
use crate::emulator::world::World;

/// Who has signed in, at which client.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) pool: String,
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    /// When it cannot be renewed any more.
    pub(crate) end: Option<i64>,
}

pub(super) fn token(world: &mut World, uid: &str, call: &Call) -> Reply {
    let Some(client) = authenticated(world, uid, call) else {
        return refused(401, "invalid_client");
    };
    let form = call.form();
    let text = |name: &str| form.get(name).map_or("", String::as_str);
    let login = match text("grant_type") {
        "authorization_code" => {
            let Some(code) = world.logins.codes.remove(text("code")) else {
                return refused(400, "invalid_grant");
            };
            let hash = digest::digest(&digest::SHA256, text("code_verifier").as_bytes());
            let proof = URL_SAFE_NO_PAD.encode(hash.as_ref());
            let right = code.end > world.now()
                && code.login.client == client.uid
                && code.redirect_uri == text("redirect_uri")
                && code.challenge.is_none_or(|challenge| challenge == proof);
            right.then_some(code.login)
        }
        "refresh_token" => {
            let token = text("refresh_token");
            let found = world.logins.refresh.get(token).filter(|login| login.client == client.uid);
            let login =
                found.cloned().filter(|login| login.end.is_none_or(|end| end > world.now()));
            if login.is_some() && client.refresh_token.rotation {
                world.logins.refresh.remove(token);
            }
            login
        }
        _ => return refused(400, "unsupported_grant_type"),
    };
    let Some(login) = login.filter(|login| login.pool == uid) else {
        return refused(400, "invalid_grant");
    };
    let renewal = text("grant_type") == "refresh_token" && !client.refresh_token.rotation;
    match answer(world, &client, login, renewal) {
        Some(answer) => Reply::json(200, &answer),
        None => refused(400, "invalid_grant"),
    }
}

/// The tokens of `login`; `None` if its user is gone or disabled. A renewal that keeps its refresh
/// token brings no other.
pub(crate) fn answer(
    world: &mut World,
    client: &UserPoolClient,
    mut login: Login,
    keeps: bool,
) -> Option<Value> {
    let user = user(world, &login.pool, &login.user)?;
    let (issuer, now) = (world.user_pool_issuer(&login.pool), world.now());
    let seconds = |lifetime: u64| i64::try_from(lifetime).unwrap_or(i64::MAX);
    let (id_life, life) =
        (seconds(client.id_token.lifetime_seconds), seconds(client.access_token_lifetime_seconds));
    let id = json!({
        "iss": issuer, "sub": user.uid, "aud": client.uid, "iat": now,
        "exp": now.saturating_add(id_life), "name": user.name, "email": user.email,
    });
    let id = with(id, [("nonce", json!(login.nonce))]);
    let access = json!({
        "iss": issuer, "sub": user.uid, "aud": client.uid, "client_id": client.uid, "iat": now,
        "exp": now.saturating_add(life), "scope": login.scope, "jti": world.mint(""),
    });
    let answer = json!({
        "access_token": world.signed(&access), "token_type": "Bearer", "expires_in": life,
        "id_token": world.signed(&id), "scope": login.scope,
    });
    if keeps {
        return Some(answer);
    }
    let refresh = world.mint("rt-");
    let settings = &client.refresh_token;
    if login.end.is_none() && settings.has_combined_lifetime {
        login.end = Some(now.saturating_add(seconds(settings.combined_lifetime_seconds)));
    }
    world.logins.refresh.insert(refresh.clone(), login);
    Some(with(answer, [("refresh_token", json!(refresh))]))
}

/// RFC 7009: an unknown token is as good as a revoked one.
pub(super) fn revoke(world: &mut World, uid: &str, call: &Call) -> Reply {
    let Some(client) = authenticated(world, uid, call) else {
        return refused(401, "invalid_client");
    };
    let form = call.form();
    let token = form.get("token").map_or("", String::as_str);
    if world.logins.refresh.get(token).is_some_and(|login| login.client == client.uid) {
        world.logins.refresh.remove(token);
    }
    Reply::text(200, "")
}

pub(super) fn user_info(world: &World, uid: &str, call: &Call) -> Reply {
    let claims = call.bearer().and_then(|token| verified(token, &world.key.jwks()));
    let claims = claims.filter(|claims| {
        let end = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
        let issuer = claims.get("iss").and_then(Value::as_str);
        end > world.now() && issuer == Some(&world.user_pool_issuer(uid))
    });
    let sub = claims.as_ref().and_then(|claims| claims.get("sub")?.as_str());
    match sub.and_then(|sub| user(world, uid, sub)) {
        Some(user) => {
            let said = json!({ "sub": user.uid, "name": user.name, "email": user.email });
            Reply::json(200, &said)
        }
        None => refused(401, "invalid_token"),
    }
}

fn user(world: &World, pool: &str, uid: &str) -> Option<PoolUser> {
    let (_, pool) = world.state.user_pool(pool)?;
    pool.users.iter().find(|user| user.uid == uid && !user.disabled).cloned()
}

/// By `Basic`, by form, or public (RFC 6749 §2.3.1).
fn authenticated(world: &World, uid: &str, call: &Call) -> Option<UserPoolClient> {
    let basic = call.header("authorization").and_then(|header| header.strip_prefix("Basic "));
    let (id, secret) = match basic {
        Some(basic) => {
            let text = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            (form_decoded(id), Some(Secret::new(form_decoded(secret))))
        }
        None => {
            let mut form = call.form();
            (form.remove("client_id")?, form.remove("client_secret").map(Secret::new))
        }
    };
    let client = super::client(world, uid, &id)?;
    let right = match secret {
        Some(secret) => {
            !client.client_secret.is_empty() && client.client_secret.is(secret.expose())
        }
        None => client.client_secret.is_empty(),
    };
    right.then(|| client.clone())
}

/// Ids and secrets are form-encoded before they go into `Basic`.
fn form_decoded(text: &str) -> String {
    let pair = format!("x={text}");
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn refused(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({ "error": code }))
}
