//! Credentials in a tool's parameters, filled at the host's edge.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(feature = "placeholders")]
mod common;
use common::*;
use credential_provider_api::*;
use proptest::prelude::*;
use resolution_engine::injection::ShortValues;
use resolution_engine::placeholder::*;
use resolution_engine::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const API: &str = "https://api.example";

/// Serves what its ids say: `api`, `user` (of a session), `elsewhere`, `broken`, `short`, `fields`.
struct Vault(ProviderDescriptor);

impl Vault {
    fn new() -> Self {
        let pattern = |text| IdPattern::new(text).unwrap();
        let (key, fields) = (CredentialKind::ApiKey, CredentialKind::UserValue);
        Self(
            ProviderDescriptor::new(ProviderId::new("vault").unwrap(), "Vault")
                .with_credential(CredentialDescriptor::gateway(IdPattern::any(), key))
                .with_credential(CredentialDescriptor::gateway(pattern("fields"), fields))
                .with_credential(CredentialDescriptor::session(pattern("user"), key)),
        )
    }
}

#[async_trait]
impl CredentialProvider for Vault {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, request: &Request) -> Answer {
        let api = Origin::parse(API).unwrap();
        let session = request.key().session.as_ref().map_or("", |s| s.encoded());
        let credential = match request.key().credential.as_str() {
            "broken" => return fails(ErrorCode::NotConfigured),
            "short" => Credential::api_key("canary".into()).with_origin(api),
            "elsewhere" => Credential::api_key("canary-elsewhere".into())
                .with_origin(Origin::parse("https://other.example").unwrap()),
            "nowhere" => Credential::api_key("canary-nowhere".into()),
            "fields" => Credential::user_value(BTreeMap::from([(
                "password".to_owned(),
                SecretString::from("canary-password"),
            )]))
            .with_origin(api),
            id => Credential::api_key(format!("canary-{id}-{session}").into()).with_origin(api),
        };
        Ok(credential.into())
    }
}

struct Edge {
    engine: ResolutionEngine,
    tool: Consumer,
    placeholders: Placeholders,
}

fn edge() -> Edge {
    let access = AccessRules::deny_all().allow("tool:*", "vault/*").unwrap();
    let access = access.deny("tool:*", "vault/secret").unwrap();
    let engine = ResolutionEngine::builder().provider(Vault::new()).access(access).build().unwrap();
    let section = r#"[
        { "consumer": "tool:http", "parameter": "/headers/*", "origin": "https://api.example" },
        { "consumer": "tool:http", "parameter": "/items/*/key", "origin": "https://api.example" },
        { "consumer": "tool:http", "parameter": "/a~1b~0c", "origin": "https://api.example" }
    ]"#;
    let rules: PlaceholderRules = serde_json::from_str(section).unwrap();
    let tool = engine.consumer("tool:http").unwrap();
    Edge { engine, tool, placeholders: Placeholders::new(rules) }
}

impl Edge {
    async fn fill(&self, parameters: &Value) -> Result<FilledParameters, CredentialError> {
        let origin = Origin::parse(API).unwrap();
        self.placeholders.fill(&self.tool, None, Some(&origin), parameters).await
    }

    async fn refusal(&self, parameters: Value) -> CredentialError {
        let before = parameters.clone();
        let error = self.fill(&parameters).await.unwrap_err();
        assert_eq!(parameters, before);
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        error
    }
}

#[tokio::test]
async fn whole_values_are_filled_wherever_a_rule_names_them() {
    let edge = edge();
    let parameters = json!({
        "url": "https://api.example/x", "count": 3, "none": null,
        "headers": { "X-Api-Key": "{{credential:vault/api}}", "Accept": "text/plain" },
        "items": [{ "key": "{{credential:vault/other}}" }, { "key": "{{credential:vault/fields#password}}" }],
        "a/b~c": "{{credential:vault/api}}"
    });
    let filled = edge.fill(&parameters).await.unwrap();
    let expected = json!({
        "url": "https://api.example/x", "count": 3, "none": null,
        "headers": { "X-Api-Key": "canary-api-", "Accept": "text/plain" },
        "items": [{ "key": "canary-other-" }, { "key": "canary-password" }],
        "a/b~c": "canary-api-"
    });
    assert_eq!(*filled.expose_parameters(), expected);
    let json: Value = serde_json::from_str(filled.expose_json().unwrap().expose_secret()).unwrap();
    assert_eq!(json, expected);
    let mut paths = filled.filled().to_vec();
    paths.sort();
    assert_eq!(paths, ["/a~1b~0c", "/headers/X-Api-Key", "/items/0/key", "/items/1/key"]);
    assert!(!format!("{filled:?} {filled:#?}").contains("canary"));
}

#[tokio::test]
async fn promise_8_tool_parameter_and_origin_must_all_be_named() {
    let edge = edge();
    let parameters = json!({ "headers": { "X-Api-Key": "{{credential:vault/api}}" } });
    for (parameters, place) in [
        (json!({ "body": "{{credential:vault/api}}" }), "/body"),
        (json!({ "headers": ["x", ["{{credential:vault/api}}"]] }), "/headers/1/0"),
        (json!({ "items": [{ "keys": "{{credential:vault/api}}" }] }), "/items/0/keys"),
        (json!("{{credential:vault/api}}"), "the parameters"),
    ] {
        let error = edge.refusal(parameters).await;
        assert_eq!(error.code(), ErrorCode::PlaceholderRefused);
        assert!(error.detail().starts_with(&format!("{place}: no rule")), "{error}");
    }
    for origin in ["https://other.example", "http://api.example", "https://api.example:444"] {
        let origin = Origin::parse(origin).unwrap();
        let error = edge.placeholders.fill(&edge.tool, None, Some(&origin), &parameters).await;
        assert_eq!(error.unwrap_err().code(), ErrorCode::PlaceholderRefused);
    }
    let error = edge.placeholders.fill(&edge.tool, None, None, &parameters).await.unwrap_err();
    assert!(error.detail().contains("no known origin"), "{error}");
    let error = edge.refusal(json!({ "headers": { "K": "{{credential:vault/secret}}" } })).await;
    assert_eq!(error.code(), ErrorCode::AccessDenied);

    let access = AccessRules::deny_all().allow("tool:*", "vault/*").unwrap();
    let engine = ResolutionEngine::builder().provider(Vault::new()).access(access).build().unwrap();
    let other = engine.consumer("tool:shell").unwrap();
    let origin = Origin::parse(API).unwrap();
    let error = edge.placeholders.fill(&other, None, Some(&origin), &parameters).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::PlaceholderRefused);
    let nothing = Placeholders::new(PlaceholderRules::none());
    assert!(nothing.fill(&edge.tool, None, Some(&origin), &parameters).await.is_err());
}

#[tokio::test]
async fn promise_6_the_credential_itself_must_name_the_origin() {
    let edge = edge();
    for id in ["elsewhere", "nowhere"] {
        let placeholder = format!("{{{{credential:vault/{id}}}}}");
        let error = edge.refusal(json!({ "headers": { "K": placeholder } })).await;
        assert_eq!(error.code(), ErrorCode::OriginDenied, "{id}");
        assert!(error.detail().starts_with("/headers/K: "), "{error}");
    }
}

#[tokio::test]
async fn promise_5_a_sessions_credential_needs_its_session() {
    let edge = edge();
    let origin = Origin::parse(API).unwrap();
    let parameters = json!({ "headers": { "K": "{{credential:vault/user}}" } });
    for name in ["alice", "bob"] {
        let me = person(name);
        let filled =
            edge.placeholders.fill(&edge.tool, Some(&me), Some(&origin), &parameters).await;
        let filled = filled.unwrap();
        let value = filled.expose_parameters()["headers"]["K"].as_str().unwrap();
        assert_eq!(value, format!("canary-user-{}", me.encoded()));
    }
    assert_eq!(edge.refusal(parameters).await.code(), ErrorCode::SessionRequired);
}

#[tokio::test]
async fn all_or_nothing() {
    let edge = edge();
    let error = edge
        .refusal(json!({ "headers": {
            "A": "{{credential:vault/api}}", "B": "{{credential:vault/broken}}", "C": "x"
        } }))
        .await;
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    let error = edge
        .refusal(json!({ "headers": { "A": "{{credential:vault/api}}" }, "cmd": "echo {{credential:vault/api}}" }))
        .await;
    assert!(error.detail().starts_with("/cmd: ") && error.detail().contains("longer text"));
}

#[tokio::test]
async fn what_is_malformed_names_its_parameter() {
    let edge = edge();
    for (value, problem) in [
        ("{{credential:vault}}", "does not name"),
        ("{{credential:}}", "does not name"),
        ("{{credential:vault/fields#}}", "no field after"),
        ("{{ credential:vault/api }}", "longer text"),
        ("{{credential:vault/api}}{{credential:vault/api}}", "more than one"),
        ("{{credential:vault/fields}}", "several fields"),
        ("{{credential:vault/fields#pin}}", "no field of the name"),
        ("{{credential:vault/short}}", "fewer than 8"),
    ] {
        let error = edge.refusal(json!({ "headers": { "K": value } })).await;
        assert_eq!(error.code(), ErrorCode::PlaceholderRefused, "{value}");
        let named = error.detail().starts_with("/headers/K: ");
        assert!(named && error.detail().contains(problem), "{value}: {error}");
    }
    let error = edge.refusal(json!({ "headers": { "{{credential:vault/api}}": "x" } })).await;
    assert!(error.detail().contains("in a key"), "{error}");
    let error = edge.refusal(json!({ "headers": { "K": "{{credential:ghost/api}}" } })).await;
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    let mut deep = json!("x");
    for _ in 0..200 {
        deep = json!([deep]);
    }
    assert!(edge.refusal(deep).await.detail().contains("deeper than 128"));
}

#[tokio::test]
async fn short_values_are_filled_only_if_the_host_says_so() {
    let mut edge = edge();
    edge.placeholders = edge.placeholders.short_values(ShortValues::Warn);
    let parameters = json!({ "headers": { "K": "{{credential:vault/short}}" } });
    let filled = edge.fill(&parameters).await.unwrap();
    assert_eq!(filled.expose_parameters()["headers"]["K"], "canary");
}

#[tokio::test]
async fn parameters_without_placeholders_need_no_rule_and_no_origin() {
    let edge = edge();
    let parameters = json!({ "text": "{{name}} credential: {a: 1}}", "n": [1, 2.5, true] });
    let filled = edge.placeholders.fill(&edge.tool, None, None, &parameters).await.unwrap();
    assert_eq!(*filled.expose_parameters(), parameters);
    assert!(filled.filled().is_empty());
}

#[tokio::test]
async fn rules_of_code_and_of_configuration_add_up() {
    let mut edge = edge();
    let parameters = json!({ "key": "{{credential:vault/api}}" });
    let code = PlaceholderRules::none().allow("tool:*", "/key", API).unwrap();
    let section = r#"[{ "consumer": "tool:x", "parameter": "/y", "origin": "https://z.example" }]"#;
    edge.placeholders = Placeholders::new(code.and(serde_json::from_str(section).unwrap()));
    assert_eq!(edge.fill(&parameters).await.unwrap().filled(), ["/key"]);
}

#[tokio::test]
async fn a_value_lasts_as_long_as_the_call_where_the_source_can_give_it() {
    let vault = Scripted::new("vault", None);
    let world = World::new(&[&vault]);
    let origin = Origin::parse(API).unwrap();
    let (minutes, now) = (|n: u64| Duration::from_secs(60 * n), world.clock.now());
    for (token, life) in [("canary-first", 60), ("canary-second", 120)] {
        let credential = Credential::token(token.into()).with_origin(origin.clone());
        let credential = credential.with_expiry(now.plus(minutes(life)));
        vault.then(Act::Answer(Ok(credential.into())));
    }
    let rules = PlaceholderRules::none().allow("tool:*", "/key", API).unwrap();
    let parameters = json!({ "key": "{{credential:vault/shared}}" });
    for (passing, validity, value) in
        [(0, 0, "canary-first"), (40, 0, "canary-first"), (0, 30, "canary-second")]
    {
        world.pass(minutes(passing)).await;
        let placeholders = Placeholders::new(rules.clone()).min_validity(minutes(validity));
        let filled = placeholders.fill(&world.tool, None, Some(&origin), &parameters).await;
        assert_eq!(filled.unwrap().expose_parameters()["key"], value);
    }
}

#[test]
fn rules_say_what_is_wrong_with_them() {
    for (parameter, problem) in [
        ("headers", "JSON pointer"),
        ("", "JSON pointer"),
        ("/a~2", "~0"),
        ("/X-*", "one whole segment"),
    ] {
        let error = PlaceholderRules::none().allow("tool:x", parameter, API).unwrap_err();
        assert!(error.detail().contains(problem), "{error}");
        let section =
            format!(r#"[{{"consumer":"tool:x","parameter":"{parameter}","origin":"{API}"}}]"#);
        let error = serde_json::from_str::<PlaceholderRules>(&section).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    let section = r#"[{ "consumer": "tool:x", "parameter": "/a" }]"#;
    assert!(serde_json::from_str::<PlaceholderRules>(section).is_err(), "an origin is no option");
}

/// The shortest of three.
fn took(mut work: impl FnMut()) -> Duration {
    let once = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..3).map(|_| once(&mut work)).min().unwrap()
}

#[test]
fn parameters_of_long_keys_are_read_in_time_that_grows_with_their_size() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let world = runtime.block_on(async { World::new(&[]) });
    let placeholders = Placeholders::new(PlaceholderRules::none());
    let time = |parameters: Value| {
        let fill = || placeholders.fill(&world.tool, None, None, &parameters);
        took(|| drop(runtime.block_on(fill()).unwrap()))
    };
    let long = "k".repeat(1_000_000);
    let beside = time(json!({ "k": vec![0; 20_000], "text": long }));
    let above = time(json!({ long: vec![0; 20_000] }));
    let ratio = above.as_secs_f64() / beside.as_secs_f64();
    assert!(ratio < 10.0, "{ratio:.0} times: {above:?} against {beside:?}");
}

#[tokio::test]
async fn what_looks_like_a_placeholder_to_a_person_is_an_error() {
    let world = World::new(&[]);
    let placeholders = Placeholders::new(PlaceholderRules::none());
    let mut passed = Vec::new();
    for text in [
        "{{cred\u{200B}ential:vault/api}}",
        "{{\u{FEFF}credential:vault/api}}",
        "{\u{200B}{credential:vault/api}}",
        "{{credenti\u{0430}l:vault/api}}",
        "{{credential\u{FF1A}vault/api}}",
        "\u{FF5B}\u{FF5B}credential:vault/api\u{FF5D}\u{FF5D}",
        "{{CREDENTIAL:vault/api}}",
        "{{credentia1:vault/api}}",
        "{{credentiaI:vault/api}}",
        "{{\u{0421}\u{0433}\u{0415}\u{0501}\u{0435}\u{043F}\u{03C4}\u{0456}\u{03B1}\u{04CF}:vault/api}}",
        "{{\u{FF23}\u{1D42B}\u{1D41E}dential:vault/api}}",
        "see \u{FE5B}\u{2774} cre\u{AD}dential \u{2236}vault/api}}",
    ] {
        for parameters in [json!([text]), json!({ text: 1 })] {
            match placeholders.fill(&world.tool, None, None, &parameters).await {
                Err(error) if error.code() == ErrorCode::PlaceholderRefused => {}
                _ => passed.push(text),
            }
        }
    }
    assert!(passed.is_empty(), "{passed:?}");
    for innocent in
        ["{{credent\u{ed}al:x}}", "{{\u{4fe1}\u{7528}:x}}", "\u{FF5B}credential:x\u{FF5D}"]
    {
        let parameters = json!([innocent]);
        assert!(
            placeholders.fill(&world.tool, None, None, &parameters).await.is_ok(),
            "{innocent}"
        );
    }
}

#[tokio::test]
async fn promise_2_a_call_has_a_thousand_placeholders_and_asks_for_each_credential_once() {
    let edge = edge();
    let many = |count: usize| {
        let (one, other) = ("{{credential:vault/api}}", "{{credential:vault/fields#password}}");
        let item = |n: usize| json!({ "key": if n.is_multiple_of(2) { one } else { other } });
        json!({ "items": (0..count).map(item).collect::<Vec<_>>() })
    };
    let before = edge.engine.counters();
    let filled = edge.fill(&many(1_000)).await.unwrap();
    assert_eq!(filled.filled().len(), 1_000);
    let after = edge.engine.counters();
    assert_eq!((after.hits + after.misses) - (before.hits + before.misses), 2);
    let error = edge.refusal(many(1_001)).await;
    assert_eq!(error.code(), ErrorCode::PlaceholderRefused);
    assert!(error.detail().starts_with("/items/1000/key: over 1,000"), "{error}");
}

#[tokio::test]
async fn promise_2_a_call_that_is_given_up_leaves_what_it_asked_for_to_the_next() {
    let vault = Scripted::new("vault", None);
    let world = World::new(&[&vault]);
    let origin = Origin::parse(API).unwrap();
    let credential = Credential::token("canary-value".into()).with_origin(origin.clone());
    vault.then(Act::After(Duration::from_secs(1), Ok(credential.into())));
    let rules = PlaceholderRules::none().allow("tool:*", "/key", API).unwrap();
    let placeholders = Placeholders::new(rules);
    let parameters = json!({ "key": "{{credential:vault/shared}}" });
    let fill = || placeholders.fill(&world.tool, None, Some(&origin), &parameters);
    let given_up = async {
        tokio::select! {
            _ = fill() => panic!("nothing has passed"),
            () = settle() => {}
        }
    };
    given_up.await;
    let (filled, ()) = tokio::join!(fill(), world.pass(Duration::from_secs(2)));
    assert_eq!(filled.unwrap().expose_parameters()["key"], "canary-value");
    assert_eq!(vault.calls(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn promise_6_part_of_a_longer_text_is_never_filled(
        before in "[ -~]{0,8}", after in "[ -~]{0,8}", deep in any::<bool>(),
    ) {
        prop_assume!(!before.is_empty() || !after.is_empty());
        let text = format!("{before}{{{{credential:vault/api}}}}{after}");
        let value = if deep { json!([{ "key": text }]) } else { json!([text]) };
        let parameters = json!({ "items": value, "headers": { "K": "{{credential:vault/api}}" } });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let error = edge().refusal(parameters).await;
            assert_eq!(error.code(), ErrorCode::PlaceholderRefused);
            assert!(!error.detail().contains("no rule"), "{error}");
        });
    }
}
