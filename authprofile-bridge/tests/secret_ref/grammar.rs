//! What is a reference and what is not.

use authprofile_bridge::secret_ref::{
    Defaults, SecretsConfiguration, check_alias, check_id, read_reference,
};
use credential_provider_api::{SecretRef, SecretSource};
use proptest::prelude::*;
use serde_json::{Value, json};

const SOURCES: [(&str, SecretSource); 4] = [
    ("env", SecretSource::Env),
    ("file", SecretSource::File),
    ("exec", SecretSource::Exec),
    ("store", SecretSource::Store),
];

fn read(value: &Value) -> Option<SecretRef> {
    read_reference(value, &Defaults::default()).unwrap()
}

#[test]
fn a_reference_has_exactly_three_keys() {
    let three = json!({"source": "file", "provider": "vault", "id": "/a~1b"});
    assert_eq!(read(&three), Some(SecretRef::new(SecretSource::File, "vault", "/a~1b")));
    for other in [
        json!({"source": "file", "provider": "vault", "id": "/a", "x": 1}),
        json!({"provider": "vault", "id": "a"}),
        json!({"source": "file", "provider": "vault"}),
        json!({"source": "vault", "provider": "a", "id": "b"}),
        json!({"source": "file", "provider": 1, "id": "/a"}),
        json!({"source": "env", "id": "A", "x": "y"}),
        json!(["env"]),
        json!(null),
    ] {
        assert_eq!(read(&other), None, "{other}");
    }
}

#[test]
fn an_older_reference_takes_the_alias_of_the_defaults() {
    let section = json!({"defaults": {"env": "ci", "file": "vault"}});
    let defaults = SecretsConfiguration::read("secrets", &section).unwrap().defaults;
    let read = |value: Value| read_reference(&value, &defaults).unwrap().unwrap();
    assert_eq!(read(json!({"source": "env", "id": "A"})).provider, "ci");
    assert_eq!(read(json!({"source": "file", "id": "/a"})).provider, "vault");
    assert_eq!(read(json!({"source": "exec", "id": "a"})).provider, "default");
    assert_eq!(read(json!("${A}")).provider, "ci");
}

#[test]
fn templates_are_the_whole_text() {
    for text in ["${KEY_1}", " $KEY_1 ", "secretref-env:KEY_1", "__env__:KEY_1"] {
        let found = SecretRef::new(SecretSource::Env, "default", "KEY_1");
        assert_eq!(read(&json!(text)), Some(found), "{text}");
    }
    for text in ["${key}", "$", "${}", "a${KEY}", "${KEY}b", "$ecret", "${KEY", "$$KEY", "KEY"] {
        assert_eq!(read(&json!(text)), None, "{text}");
    }
}

#[test]
fn ids_keep_the_grammar_of_their_source() {
    let (long, longer) = ("A".repeat(128), "A".repeat(129));
    for (source, good, bad) in [
        ("env", vec!["A", "A1_B", &*long], vec!["", "a", "1A", "A-B", "_A", "A\n", &*longer]),
        ("store", vec!["TEAM_KEY"], vec!["team"]),
        ("file", vec!["value", "/", "/a/0", "/~0~1", "/ä b"], vec!["", "a", "/~", "/~2", "/a~"]),
        (
            "exec",
            vec!["a", "vault/openai", "op://v/i.x", "a#b", "0:1", "a..b/c", "a/..b"],
            vec!["", "/a", "a/../b", "a/.", "a b", "-a", "ä", "a/..", "a\n"],
        ),
    ] {
        let kind = SOURCES.iter().find(|(name, _)| *name == source).unwrap().1;
        for id in good {
            assert!(check_id(kind, id), "{source} {id:?}");
        }
        for id in bad {
            assert!(!check_id(kind, id), "{source} {id:?}");
            let value = json!({"source": source, "provider": "x", "id": id});
            let error = read_reference(&value, &Defaults::default()).unwrap_err();
            assert_eq!(error.code(), "SECRET_REF_INVALID", "{source} {id:?}");
        }
    }
    assert!(check_id(SecretSource::Exec, &"a".repeat(256)));
    assert!(!check_id(SecretSource::Exec, &"a".repeat(257)));
}

#[test]
fn aliases_keep_their_grammar() {
    for alias in ["a", "onepassword", "a-1_b", &"a".repeat(64)] {
        assert!(check_alias(alias), "{alias}");
    }
    for alias in ["", "A", "1a", "-a", "a.b", "a b", "é", &"a".repeat(65)] {
        assert!(!check_alias(alias), "{alias}");
    }
}

#[test]
fn promise_6_what_does_not_keep_the_grammar_is_not_repeated() {
    let value = json!({"source": "env", "provider": "sk-canary!", "id": "sk-canary"});
    let error = read_reference(&value, &Defaults::default()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

proptest! {
    #[test]
    fn every_id_of_the_grammar_is_read_as_written(
        alias in "[a-z][a-z0-9_-]{0,63}",
        name in "[A-Z][A-Z0-9_]{0,127}",
        pointer in "(/([^~/]|~0|~1){0,8}){1,4}",
        program in "[A-Za-z0-9][A-Za-z0-9_:#-]{0,40}(/[A-Za-z0-9_:#-]{1,40}){0,3}",
    ) {
        for (source, id) in
            [("env", &name), ("store", &name), ("file", &pointer), ("exec", &program)]
        {
            let value = json!({"source": source, "provider": alias, "id": id});
            let found = read_reference(&value, &Defaults::default()).unwrap().unwrap();
            prop_assert_eq!((&found.provider, &found.id), (&alias, id));
        }
        let template = format!("${{{name}}}");
        prop_assert_eq!(read(&json!(template)).unwrap().id, name);
    }

    #[test]
    fn no_text_panics_and_what_is_read_keeps_the_grammar(text in "\\PC{0,80}", kind in 0usize..4) {
        let (name, source) = SOURCES[kind];
        let whole = json!({"source": name, "provider": text, "id": text});
        if let Ok(Some(found)) = read_reference(&whole, &Defaults::default()) {
            prop_assert!(check_alias(&found.provider) && check_id(source, &found.id));
        }
        if let Ok(Some(found)) = read_reference(&json!(text), &Defaults::default()) {
            prop_assert!(check_id(SecretSource::Env, &found.id));
            prop_assert!(text.contains(&found.id));
        }
    }
}
