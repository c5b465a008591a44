//! Which providers a request needs: the others are not built.

use std::collections::BTreeSet;

use serde_json::Value;

/// Leaves in `credentialProviders` those that `ids` name, and those that these name in turn.
///
/// A provider is named by any text in another's settings that is its id, or begins with it and a
/// slash: too many are better than one too few.
pub(crate) fn keep(configuration: &mut Value, ids: &[String]) {
    let Some(providers) = configuration.get_mut("credentialProviders") else { return };
    let Some(providers) = providers.as_object_mut() else { return };
    let mut wanted = BTreeSet::new();
    let mut left: Vec<String> = ids.iter().map(|id| provider_of(id).to_owned()).collect();
    while let Some(id) = left.pop() {
        if let Some(settings) = providers.get(&id)
            && wanted.insert(id)
        {
            named(settings, &mut left);
        }
    }
    providers.retain(|id, _| wanted.contains(id));
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
}
