//! The `secrets` section.

use authprofile_bridge::secret_ref::{
    Answers, FileMode, Judged, Links, ResolutionLimits, SecretsConfiguration, SourceConfiguration,
};
use credential_provider_api::SecretSource;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::common::{exec, problem, secrets};

fn refused(section: Value) -> String {
    SecretsConfiguration::read("secrets", &section).unwrap_err().to_string()
}

#[test]
fn settings_have_the_defaults_of_openclaw() {
    let section = json!({ "providers": {
        "f": {"source": "file", "path": "/f"},
        "e": {"source": "exec", "command": "/c", "timeoutMs": 700},
        "v": {"source": "env"},
        "s": {"source": "store"},
    }});
    let read = SecretsConfiguration::read("secrets", &section).unwrap();
    let SourceConfiguration::File(file) = &read.sources["f"] else { panic!() };
    assert_eq!((file.mode, file.max_bytes), (FileMode::Json, 1 << 20));
    assert_eq!(file.timeout.as_millis(), 5_000);
    let SourceConfiguration::Exec(exec) = &read.sources["e"] else { panic!() };
    assert_eq!((exec.timeout.as_millis(), exec.no_output_timeout.as_millis()), (700, 700));
    assert_eq!((exec.max_output_bytes, exec.answers), (1 << 20, Answers::Protocol));
    assert_eq!((exec.judged, exec.links), (Judged::All, Links::Refused));
    assert_eq!(read.limits, ResolutionLimits::default());
    let limits = read.limits;
    assert_eq!((limits.groups, limits.ids, limits.batch_bytes), (4, 512, 262_144));
    assert_eq!(read.defaults.alias(SecretSource::Env), "default");
}

#[test]
fn unknown_fields_are_allowed() {
    let section = json!({
        "later": {},
        "providers": { "x": {"source": "file", "path": "/f", "later": [1]},
                       "y": {"source": "later"} },
        "defaults": {"later": 1},
        "resolution": {"later": 1, "maxRefsPerProvider": 7},
    });
    let read = SecretsConfiguration::read("secrets", &section).unwrap();
    assert_eq!(read.limits.ids, 7);
    assert!(matches!(read.sources["y"], SourceConfiguration::Unknown));
}

#[test]
fn promise_9_what_is_wrong_is_named_by_its_path_and_not_repeated() {
    for (provider, path) in [
        (json!("canary"), "secrets.providers.x"),
        (json!({}), "secrets.providers.x"),
        (json!({"source": 1}), "secrets.providers.x.source"),
        (json!({"source": "file"}), "secrets.providers.x"),
        (json!({"source": "file", "path": ""}), "secrets.providers.x.path"),
        (json!({"source": "file", "path": "/f", "mode": "canary"}), "secrets.providers.x.mode"),
        (json!({"source": "file", "path": "/f", "maxBytes": 0}), "secrets.providers.x.maxBytes"),
        (json!({"source": "exec", "command": "/c", "args": "canary"}), "secrets.providers.x.args"),
        (json!({"source": "exec", "command": "/c", "args": [1]}), "secrets.providers.x.args[0]"),
        (
            json!({"source": "exec", "command": "/c", "timeoutMs": 1.5}),
            "secrets.providers.x.timeoutMs",
        ),
        (
            json!({"source": "exec", "command": "/c", "timeoutMs": 120_001}),
            "secrets.providers.x.timeoutMs",
        ),
        (
            json!({"source": "exec", "command": "/c", "jsonOnly": "canary"}),
            "secrets.providers.x.jsonOnly",
        ),
        (json!({"source": "exec", "command": "/c", "env": {"A": 1}}), "secrets.providers.x.env.A"),
        (json!({"source": "exec", "command": "/c", "env": {"A=": "1"}}), "secrets.providers.x.env"),
        (json!({"source": "exec", "command": "/c", "passEnv": [""]}), "secrets.providers.x"),
        (json!({"source": "env", "allowlist": ["canary"]}), "secrets.providers.x.allowlist"),
    ] {
        let text = refused(json!({"providers": {"x": provider}}));
        assert!(text.starts_with(&format!("{path} ")), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(refused(json!([])).starts_with("secrets is not"));
    let alias = refused(json!({"providers": {"Canary": {"source": "env"}}}));
    assert!(alias.starts_with("secrets.providers ") && !alias.contains("Canary"), "{alias}");
    let text = refused(json!({"defaults": {"env": "A"}}));
    assert!(text.starts_with("secrets.defaults.env "), "{text}");
    let text = refused(json!({"resolution": {"maxBatchBytes": -1}}));
    assert!(text.starts_with("secrets.resolution.maxBatchBytes "), "{text}");
}

#[test]
fn promise_6_debug_shows_no_variable_and_no_argument() {
    let section = json!({"providers": {"x": {"source": "exec", "command": "/c",
        "args": ["canary"], "env": {"TOKEN": "canary"}}}});
    let text = format!("{:?}", secrets(&section));
    assert!(text.contains("TOKEN") && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_plugins_source_says_that_it_is_not_supported() {
    use authprofile_bridge::secret_ref::SecretRefProblem as P;
    let plugin =
        json!({"source": "exec", "pluginIntegration": {"pluginId": "a", "integrationId": "b"}});
    let secrets = secrets(&json!({"providers": {"x": plugin}}));
    assert!(matches!(problem(&secrets, exec("a")).await, P::NotSupported));
    let error = super::common::error(&secrets, exec("a")).await;
    let error = credential_provider_api::CredentialError::from(error);
    assert_eq!(error.code().as_str(), "unsupported");
}

/// JSON of any shape, with the words of the section among its names.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "providers",
        "defaults",
        "resolution",
        "x",
        "source",
        "env",
        "file",
        "exec",
        "store",
        "path",
        "command",
        "args",
        "mode",
        "timeoutMs",
        "maxBytes",
        "allowlist",
        "passEnv",
        "singleValue",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let object =
            prop::collection::btree_map(word.clone().prop_map(str::to_owned), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_section_panics(section in any_json()) {
        if let Err(error) = SecretsConfiguration::read("secrets", &section) {
            prop_assert!(error.path().starts_with("secrets"));
        }
    }
}
