//! Which providers a request needs: the others are not built. And which of them spend.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The types whose credentials are made by exchanges: one cut short has spent what it never saved.
const EXCHANGES: [&str; 3] = ["oauth", "mcp", "volcengine"];

/// Whether answering `id` may begin an exchange, by its provider or one that this names.
pub(crate) fn may_exchange(configuration: &Value, id: &str) -> bool {
    let Some(providers) = configuration.get("credentialProviders").and_then(Value::as_object)
    else {
        return false;
    };
    needed(providers, vec![provider_of(id).to_owned()])
        .iter()
        .any(|id| type_of(providers.get(id)).is_some_and(|name| EXCHANGES.contains(&name)))
}

fn type_of(settings: Option<&Value>) -> Option<&str> {
    settings?.get("type")?.as_str()
}

/// Leaves in `credentialProviders` those that `ids` name, and those that these name in turn.
///
/// A provider is named by any text in another's settings that is its id, or begins with it and a
/// slash: too many are better than one too few.
pub(crate) fn keep(configuration: &mut Value, ids: &[String]) {
    let Some(providers) = configuration.get_mut("credentialProviders") else { return };
    let Some(providers) = providers.as_object_mut() else { return };
    let asked = ids.iter().map(|id| provider_of(id).to_owned()).collect();
    let wanted = needed(providers, asked);
    providers.retain(|id, _| wanted.contains(id));
}

fn needed(providers: &Map<String, Value>, mut left: Vec<String>) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    while let Some(id) = left.pop() {
        if let Some(settings) = providers.get(&id)
            && wanted.insert(id)
        {
            named(settings, &mut left);
        }
    }
    wanted
}

fn provider_of(text: &str) -> &str {
    text.split_once('/').map_or(text, |(provider, _)| provider)
}

fn named(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(provider_of(text).to_owned()),
        Value::Array(items) => items.iter().for_each(|item| named(item, found)),
        Value::Object(map) => map.values().for_each(|item| named(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_provider_stays_if_it_is_asked_for_or_named_by_one_that_stays() {
        let mut whole = json!({"credentialProviders": {
            "a": {"key": {"provider": "b", "id": "x"}},
            "b": {"list": ["c/y"]},
            "c": {"self": "c"},
            "d": {"key": {"provider": "a", "id": "x"}},
        }});
        keep(&mut whole, &["a/k".to_owned(), "z/k".to_owned()]);
        let left: Vec<&String> = whole["credentialProviders"].as_object().unwrap().keys().collect();
        assert_eq!(left, ["a", "b", "c"]);
    }

    #[test]
    fn an_exchange_is_begun_by_whoever_names_one_that_does() {
        let whole = json!({"credentialProviders": {
            "keys": {"type": "file"},
            "work": {"type": "oauth"},
            "cloud": {"type": "keychain", "key": {"provider": "work", "id": "x"}},
            "broken": {},
        }});
        let ids = ["keys/a", "work/a", "cloud/a", "broken/a", "none/a"];
        let found: Vec<bool> = ids.iter().map(|id| may_exchange(&whole, id)).collect();
        assert_eq!(found, [false, true, true, false, false]);
    }
}
