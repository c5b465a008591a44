//! Issuers elsewhere: their metadata and keys, fetched before an action that needs them.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::client::ask;
use super::server::Shared;
use super::token::Unverified;
use super::world::Elsewhere;

/// How long an issuer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Fetches what `action` needs and is not there yet: the keys of whoever issued the tokens among the
/// parameters, for an action about pools the metadata of all. Only issuers that the state names.
pub(crate) async fn fetch(shared: &Shared, action: &str, params: &Map<String, Value>) {
    let known = shared.world().elsewhere();
    let about_pools = matches!(action, "GetUserPool" | "ListUserPoolWellKnownEndpoints");
    let mut wanted = Vec::new();
    if about_pools {
        let world = shared.world();
        wanted.extend(known.iter().filter(|issuer| !world.issuers.contains_key(*issuer)).cloned());
    } else {
        tokens(params, &mut |token| {
            let Some(said) = Unverified::read(token) else { return };
            let Some(issuer) = said.issuer().filter(|issuer| known.iter().any(|k| k == issuer))
            else {
                return;
            };
            let world = shared.world();
            let keys =
                world.issuers.get(issuer).and_then(|found| found.keys.get("keys")?.as_array());
            let has = keys.is_some_and(|keys| {
                keys.iter().any(|key| key.get("kid").and_then(Value::as_str) == said.key_id())
            });
            if !has {
                wanted.push(issuer.to_owned());
            }
        });
    }
    for issuer in wanted {
        // One that does not answer has no keys: what it issued is refused.
        if let Ok(Some(found)) = tokio::time::timeout(LIMIT, published(&issuer)).await {
            shared.world().issuers.insert(issuer, found);
        }
    }
}

fn tokens(params: &Map<String, Value>, found: &mut impl FnMut(&str)) {
    for value in params.values() {
        match value {
            Value::String(text) => found(text),
            Value::Object(inner) => tokens(inner, found),
            _ => {}
        }
    }
}

async fn published(issuer: &str) -> Option<Elsewhere> {
    let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let metadata = document(&place).await?;
    if metadata.get("issuer")?.as_str()? != issuer {
        return None;
    }
    let keys = document(metadata.get("jwks_uri")?.as_str()?).await?;
    Some(Elsewhere { metadata, keys })
}

async fn document(place: &str) -> Option<Value> {
    let answer = ask(&Url::parse(place).ok()?, None).await?;
    serde_json::from_str(&answer.body).ok().filter(|_| answer.status == 200)
}
