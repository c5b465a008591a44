//! Clients registered at a pool.

use serde_json::{Value, json};

use super::super::{Answer, with};
use super::find as pool;
use crate::emulator::gateway::{ApiError, Params};
use crate::emulator::secret::Secret;
use crate::emulator::state::{UserPoolClient, wire};
use crate::emulator::sts::Caller;
use crate::emulator::world::World;

const WHAT: &str = "UserPoolClient";
const TYPES: [&str; 3] = ["WEB_APPLICATION", "MOBILE_APPLICATION", "SINGLE_PAGE_APPLICATION"];

fn find<'a>(
    world: &'a mut World,
    caller: &Caller,
    params: &Params,
) -> Result<&'a mut UserPoolClient, ApiError> {
    let uid = params.text("ClientUid")?;
    let pool = pool(world, caller, params.text("UserPoolUid")?)?;
    let mut clients = pool.clients.iter_mut();
    clients.find(|client| client.uid == uid).ok_or_else(|| ApiError::not_found(WHAT, uid))
}

/// With its secret, which a list does not show.
fn shown(client: &UserPoolClient) -> Value {
    with(wire(client), [("ClientSecret", json!(client.client_secret.expose()))])
}

pub(in super::super) fn list(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let pool = pool(world, caller, params.text("UserPoolUid")?)?;
    let mut items: Vec<Value> = pool.clients.iter().map(wire).collect();
    let mut others = Params(params.0.clone());
    if let Some(filter) = others.0.get_mut("Filter").and_then(Value::as_object_mut) {
        let types: Vec<String> = filter
            .remove("ClientTypes")
            .and_then(|types| serde_json::from_value(types).ok())
            .unwrap_or_default();
        if !types.is_empty() {
            let is =
                |item: &Value| item.get("ClientType").and_then(Value::as_str).map(str::to_owned);
            items.retain(|item| is(item).is_some_and(|kind| types.contains(&kind)));
        }
    }
    others.page(items, "Data")
}

pub(in super::super) fn get(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    Ok(shown(find(world, caller, params)?))
}

pub(in super::super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let (uid, secret, now) = (world.mint(""), world.mint("cs-"), world.stamp());
    let mut client: UserPoolClient = params.entity(&["UserPoolUid"])?;
    if !TYPES.contains(&&*client.client_type) {
        return Err(ApiError::invalid("ClientType", "no such type"));
    }
    client.uid = uid;
    if client.client_type == "WEB_APPLICATION" {
        client.client_secret = Secret::new(secret);
    }
    client.create_time = now.clone();
    client.update_time = now;
    let pool = pool(world, caller, params.text("UserPoolUid")?)?;
    if pool.clients.iter().any(|known| known.name == client.name) {
        return Err(ApiError::exists(WHAT, &client.name));
    }
    pool.clients.push(client.clone());
    Ok(shown(&client))
}

/// Lists take the place of what was there: whoever adds to one has to read it first.
pub(in super::super) fn update(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    let now = world.stamp();
    let client = find(world, caller, params)?;
    params.put("Name", &mut client.name)?;
    params.put("Description", &mut client.description)?;
    params.put("LogoUri", &mut client.logo_uri)?;
    params.put("AllowedCallbackUrls", &mut client.allowed_callback_urls)?;
    params.put("AllowedCors", &mut client.allowed_cors)?;
    params.put("AllowedLogoutUrls", &mut client.allowed_logout_urls)?;
    params.put("AllowedWebOrigins", &mut client.allowed_web_origins)?;
    params.put("DevelopmentModeEnabled", &mut client.development_mode_enabled)?;
    params.put("DismissLoginPageEnabled", &mut client.dismiss_login_page_enabled)?;
    params.put("SkipConsentEnabled", &mut client.skip_consent_enabled)?;
    params.put("IdToken", &mut client.id_token)?;
    params.put("RefreshToken", &mut client.refresh_token)?;
    client.update_time = now;
    Ok(shown(client))
}

pub(in super::super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Answer {
    find(world, caller, params)?;
    let uid = params.text("ClientUid")?;
    pool(world, caller, params.text("UserPoolUid")?)?.clients.retain(|client| client.uid != uid);
    Ok(json!({ "Message": "deleted" }))
}
