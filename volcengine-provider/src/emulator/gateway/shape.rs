//! The shapes of requests and results: names, types and what is required, of every action there is.
//!
//! They are those of the models in volcenginesdk-id and volcenginesdk-sts 5.0.54 (PyPI);
//! `AssumeRoleWithOIDC`, which has no model, is as volcenginesdk-core 5.0.54 calls it. `*` marks what
//! is required, `a|b` the values of an enumeration.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::ApiError;

/// Shapes by service and action.
pub(crate) type Shapes = BTreeMap<String, BTreeMap<String, Shape>>;

/// One action.
#[derive(Deserialize)]
pub(crate) struct Shape {
    request: Map<String, Value>,
    result: Map<String, Value>,
}

/// The table, which is part of the program and tested to be readable.
pub(crate) fn shapes() -> Result<Shapes, serde_json::Error> {
    serde_json::from_str(include_str!("shapes.json"))
}

impl Shape {
    /// Refuses what the service's own client would not send.
    pub(crate) fn check(&self, request: &Map<String, Value>) -> Result<(), ApiError> {
        check(&self.request, request, "")
    }

    /// Turns the texts of a form into what they stand for.
    pub(crate) fn typed(&self, form: BTreeMap<String, String>) -> Map<String, Value> {
        let number = |name: &str| self.request.get(name).is_some_and(|kind| kind == "int");
        form.into_iter()
            .map(|(name, text)| {
                let value = text.parse::<i64>().ok().filter(|_| number(&name));
                (name, value.map_or(Value::String(text), Value::from))
            })
            .collect()
    }

    /// What of `answer` the action's result has.
    pub(crate) fn result(&self, answer: Value) -> Value {
        match answer {
            Value::Object(fields) => Value::Object(part(&self.result, fields)),
            _ => Value::Object(Map::new()),
        }
    }
}

fn check(
    shape: &Map<String, Value>,
    found: &Map<String, Value>,
    place: &str,
) -> Result<(), ApiError> {
    let known = |name: &str| shape.get(name).or_else(|| shape.get(&format!("{name}*")));
    for (name, value) in found {
        let at = format!("{place}{name}");
        let Some(kind) = known(name) else {
            return Err(ApiError::invalid(&at, format!("{at} is not a parameter")));
        };
        if !value.is_null() {
            fits(kind, value, &at)?;
        }
    }
    let required = shape.keys().filter_map(|name| name.strip_suffix('*'));
    for name in required {
        if found.get(name).is_none_or(|value| value.is_null() || value == "") {
            return Err(ApiError::missing(&format!("{place}{name}")));
        }
    }
    Ok(())
}

fn fits(kind: &Value, value: &Value, at: &str) -> Result<(), ApiError> {
    let wrong = || ApiError::invalid(at, format!("{at} has the wrong type"));
    match (kind, value) {
        (Value::Object(shape), Value::Object(fields)) => check(shape, fields, &format!("{at}.")),
        (Value::Array(kinds), Value::Array(values)) => {
            let kind = kinds.first().unwrap_or(&Value::Null);
            values.iter().try_for_each(|value| fits(kind, value, at))
        }
        (Value::String(kind), value) => match (&**kind, value) {
            ("str", Value::String(_)) | ("bool", Value::Bool(_)) => Ok(()),
            ("int", Value::Number(number)) if number.is_i64() => Ok(()),
            ("str" | "bool" | "int", _) => Err(wrong()),
            (values, Value::String(text)) if values.split('|').any(|value| value == text) => Ok(()),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn part(shape: &Map<String, Value>, fields: Map<String, Value>) -> Map<String, Value> {
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(name, value)| Some((name.clone(), within(shape.get(&name)?, value))))
        .collect()
}

fn within(kind: &Value, value: Value) -> Value {
    match (kind, value) {
        (Value::Object(shape), Value::Object(fields)) => Value::Object(part(shape, fields)),
        (Value::Array(kinds), Value::Array(values)) => {
            let kind = kinds.first().unwrap_or(&Value::Null);
            values.into_iter().map(|value| within(kind, value)).collect()
        }
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(action: &str, request: Value) -> Result<(), String> {
        let shapes = shapes().unwrap();
        let Value::Object(request) = request else { panic!() };
        shapes["id"][action].check(&request).map_err(|error| error.code.into_owned())
    }

    #[test]
    fn a_request_has_the_service_s_own_names_and_types() {
        let action = "GetResourceOauth2Token";
        let good = json!({ "IdentityToken": "t", "ProviderName": "p", "Scopes": ["a"],
            "CustomParameters": { "Entries": [{ "Key": "k", "Value": "v" }] }, "PoolName": null });
        assert_eq!(asked(action, good), Ok(()));
        for (request, code) in [
            (json!({ "ProviderName": "p" }), "MissingParameter.IdentityToken"),
            (json!({ "ProviderName": "p", "IdentityToken": "" }), "MissingParameter.IdentityToken"),
            (json!({ "identityToken": "t" }), "InvalidParameter.identityToken"),
            (json!({ "Scopes": "a" }), "InvalidParameter.Scopes"),
            (json!({ "Scopes": [1] }), "InvalidParameter.Scopes"),
            (
                json!({ "CustomParameters": { "entries": [] } }),
                "InvalidParameter.CustomParameters.entries",
            ),
        ] {
            assert_eq!(asked(action, request), Err(code.to_owned()));
        }
        let filter = json!({ "PageNumber": 1, "PageSize": 1, "Filter": { "Flow": "m2m" } });
        assert_eq!(
            asked("ListCredentialProviders", filter),
            Err("InvalidParameter.Filter.Flow".to_owned())
        );
    }

    #[test]
    fn a_result_has_what_the_model_has_and_no_more() {
        let shapes = shapes().unwrap();
        let answer = json!({ "ApiKey": "k", "Secret": "s", "ApiKeyMetadata": [{ "Location": "l", "X": 1 }] });
        let result = shapes["id"]["GetResourceApiKey"].result(answer);
        assert_eq!(result, json!({ "ApiKey": "k", "ApiKeyMetadata": [{ "Location": "l" }] }));
    }
}
