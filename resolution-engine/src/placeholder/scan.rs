//! Finds the placeholders in parameters. A text is one, or has none, or is an error.

use credential_provider_api::{CredentialError, CredentialRef};
use serde_json::Value;

use super::look::mentions;
use super::path::{Path, Segment};
use super::refused;

/// Deepest nesting of parameters.
const DEPTH: usize = 128;

/// Most placeholders of one call: each becomes a value of up to 32,768 characters.
const MOST: usize = 1_000;

/// A placeholder and where it stands.
pub(super) struct Found<'v> {
    pub(super) path: Path<'v>,
    pub(super) placeholder: Placeholder,
}

/// What a placeholder names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placeholder {
    pub(super) credential: CredentialRef,
    pub(super) field: Option<String>,
}

/// All placeholders, or the first thing wrong.
pub(super) fn scan(parameters: &Value) -> Result<Vec<Found<'_>>, CredentialError> {
    let mut found = Vec::new();
    walk(parameters, &mut Path::default(), &mut found)?;
    Ok(found)
}

fn walk<'v>(
    value: &'v Value,
    path: &mut Path<'v>,
    found: &mut Vec<Found<'v>>,
) -> Result<(), CredentialError> {
    if path.0.len() > DEPTH {
        return Err(refused(path, "the parameters are nested deeper than 128"));
    }
    match value {
        Value::String(text) => {
            if let Some(placeholder) = read(text).map_err(|problem| refused(path, problem))? {
                if found.len() == MOST {
                    return Err(refused(path, "over 1,000 placeholders stand in one call"));
                }
                found.push(Found { path: path.clone(), placeholder });
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                path.0.push(Segment::Index(index));
                walk(value, path, found)?;
                path.0.pop();
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                path.0.push(Segment::Key(key));
                if mentions(key) {
                    let problem = "a placeholder stands in a key; only a value may be one";
                    return Err(refused(path, problem));
                }
                walk(value, path, found)?;
                path.0.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// `None` if the text has nothing of a placeholder in it.
fn read(text: &str) -> Result<Option<Placeholder>, &'static str> {
    if !mentions(text) {
        return Ok(None);
    }
    let inner = text.strip_prefix("{{credential:").and_then(|rest| rest.strip_suffix("}}"));
    let Some(inner) = inner else {
        return Err("a placeholder is part of a longer text, where it is never filled in, or has \
                    characters that only look like its own; make it the whole value, exactly \
                    {{credential:provider/id}}");
    };
    if inner.contains(['{', '}']) {
        return Err(
            "there is more than one placeholder in a text, or a brace in its name; make one \
                    the whole value",
        );
    }
    let (name, field) = match inner.split_once('#') {
        Some((name, field)) => (name, Some(field.to_owned())),
        None => (inner, None),
    };
    if field.as_deref().is_some_and(str::is_empty) {
        return Err("a placeholder names no field after its #");
    }
    let credential = CredentialRef::parse(name)
        .map_err(|_| "a placeholder does not name a credential as {{credential:provider/id}}")?;
    Ok(Some(Placeholder { credential, field }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: &str = "{{credential:vault/api}}";

    #[test]
    fn a_whole_text_is_a_placeholder_and_everything_near_it_is_an_error() {
        let read_one = read(WHOLE).unwrap().unwrap();
        assert_eq!(read_one.credential.to_string(), "vault/api");
        let field = read("{{credential:vault/db/main#password}}").unwrap().unwrap();
        assert_eq!(field.credential.to_string(), "vault/db/main");
        assert_eq!(field.field.as_deref(), Some("password"));
        for near in [
            " {{credential:vault/api}}",
            "{{credential:vault/api}}\n",
            "{{ credential:vault/api }}",
            "{{Credential:vault/api}}",
            "{{credential :vault/api}}",
            "{{{credential:vault/api}}}",
            "{{credential:vault/api}}{{credential:vault/b}}",
            "{{credential:vault}}",
            "{{credential:}}",
            "{{credential:vault/api#}}",
            "{{credential:Vault/api}}",
            "{{credential:vault/ api}}",
            "{{credential:vault/api",
            "curl -H 'Authorization: {{credential:vault/api}}'",
        ] {
            assert!(read(near).is_err(), "{near}");
        }
        for innocent in ["", "{{name}}", "{credential:vault/api}", "credential:vault/api", "{{"] {
            assert_eq!(read(innocent), Ok(None), "{innocent}");
        }
    }

    proptest! {
        #[test]
        fn promise_6_part_of_a_longer_text_is_never_filled(
            before in "(\\PC|[{}:# \n\t]){0,6}", after in "(\\PC|[{}:# \n\t]){0,6}",
        ) {
            prop_assume!(!before.is_empty() || !after.is_empty());
            let text = format!("{before}{WHOLE}{after}");
            prop_assert!(read(&text).is_err(), "{text:?}");
        }

        #[test]
        fn promise_6_only_the_exact_form_is_ever_filled(text in "([{}]{0,3}|credential|[:/#a-z ]){0,12}") {
            if let Ok(Some(read)) = read(&text) {
                let field = read.field.map(|f| format!("#{f}")).unwrap_or_default();
                prop_assert_eq!(text, format!("{{{{credential:{}{field}}}}}", read.credential));
            }
        }
    }
}
