//! Credentials in the environment of one child, for one call and session.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(unix)]
mod common;
use common::*;
use credential_provider_api::*;
use resolution_engine::injection::*;
use resolution_engine::*;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

/// What a child finds under `name`, or `unset`.
fn seen_by_child(injection: &Injection, name: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("printf %s \"${{{name}-unset}}\"")]);
    injection.apply(&mut command);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

fn bound(env: &str, to: &str) -> Injector {
    Injector::new(Bindings::none().bind("tool:*", env, to).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_5_two_hundred_calls_at_once_never_mix_values() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let injector = bound("TOKEN", "vault/own");
    let few = Arc::new(tokio::sync::Semaphore::new(4));
    let calls = (0..200).map(|nth| {
        let (injector, tool, few) = (injector.clone(), world.tool.clone(), few.clone());
        tokio::spawn(async move {
            let me = person(&format!("user-{:03}", nth % 100));
            let injection = injector.resolve(&tool, Some(&me)).await.unwrap();
            let _turn = few.acquire().await.unwrap();
            let seen = tokio::task::spawn_blocking(move || seen_by_child(&injection, "TOKEN"));
            let seen = seen.await.unwrap();
            let mine = format!("vault-own-{}-", me.encoded());
            assert!(seen.starts_with(&mine), "{seen} is not of {mine}");
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(injector.live(), 0);
    assert_eq!(vault.calls(), 100, "the credentials live on in the engine");
    assert!(std::env::var("TOKEN").is_err());
}

#[tokio::test]
async fn promise_5_a_sessions_credential_needs_its_session() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    for injector in [bound("TOKEN", "vault/own"), {
        let binding = Binding::new(
            IdPattern::new("tool:test").unwrap(),
            EnvName::new("TOKEN").unwrap(),
            at("vault/own"),
        );
        Injector::new(Bindings::none().and(binding.optional()).unwrap())
    }] {
        // Somebody's value is at hand, and is still nobody's without a session.
        drop(injector.resolve(&world.tool, Some(&person("alice"))).await.unwrap());
        let error = injector.resolve(&world.tool, None).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SessionRequired);
        assert_eq!(injector.live(), 0);
    }
}

#[tokio::test]
async fn promise_5_a_missing_credential_never_falls_back_to_the_hosts_variable() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Answer(fails(ErrorCode::NotConfigured)));
    let world = World::new(&[&vault]);
    // Cargo sets it for every test: what the host holds under the name.
    let ambient = std::env::var("CARGO_PKG_NAME").unwrap();
    let injector = bound("CARGO_PKG_NAME", "vault/shared");
    let section = r#"[{ "consumer": "tool:test", "env": "CARGO_PKG_NAME",
                        "credential": "vault/shared", "necessity": "optional" }]"#;
    let optional = Injector::new(serde_json::from_str(section).unwrap());

    let injection = optional.resolve(&world.tool, None).await.unwrap();
    assert_eq!(seen_by_child(&injection, "CARGO_PKG_NAME"), "unset");
    let (name, error) = injection.left_out().next().unwrap();
    assert_eq!((name.as_str(), error.code()), ("CARGO_PKG_NAME", ErrorCode::NotConfigured));
    assert_eq!(injection.expose_values().count(), 0);

    let error = injector.resolve(&world.tool, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured, "a required one fails the whole");

    world.pass(Duration::from_secs(600)).await;
    let injection = injector.resolve(&world.tool, None).await.unwrap();
    assert_eq!(seen_by_child(&injection, "CARGO_PKG_NAME"), "vault-shared--2");
    assert_eq!(std::env::var("CARGO_PKG_NAME").unwrap(), ambient, "only the child is touched");
}

#[tokio::test]
async fn an_injection_ends_by_a_panic_too() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let injector = bound("TOKEN", "vault/shared");
    let (held, tool) = (injector.clone(), world.tool.clone());
    let call = tokio::spawn(async move {
        let injection = held.resolve(&tool, None).await.unwrap();
        assert_eq!(held.live(), 1);
        assert_eq!(injection.names().next().unwrap().as_str(), "TOKEN");
        std::panic::resume_unwind(Box::new("the tool's code"));
    });
    assert!(call.await.unwrap_err().is_panic());
    assert_eq!(injector.live(), 0);
    drop(injector.resolve(&world.tool, None).await.unwrap());
    assert_eq!(vault.calls(), 1, "the credential lives on");
}

#[tokio::test]
async fn an_injection_ends_by_a_cancelled_call_too() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Hang);
    let world = World::new(&[&vault]);
    let injector = bound("TOKEN", "vault/shared");
    let (held, tool) = (injector.clone(), world.tool.clone());
    let resolving = tokio::spawn(async move { held.resolve(&tool, None).await.map(drop) });
    settle().await;
    assert_eq!(injector.live(), 1, "one that is being resolved counts");
    resolving.abort();
    assert!(resolving.await.unwrap_err().is_cancelled());
    assert_eq!(injector.live(), 0);
}

#[test]
fn names_that_change_what_runs_are_blocked_in_any_case() {
    let always = "NODE_OPTIONS PYTHONPATH PYTHONHOME BASH_ENV ENV SHELL IFS PERL5LIB RUBYOPT PATH \
                  Path path LD_PRELOAD ld_library_path DYLD_INSERT_LIBRARIES BASH_FUNC_x PS4 CC";
    let overrides = "HOME HTTP_PROXY https_proxy ALL_PROXY MY_OWN_PROXY SSL_CERT_FILE GIT_ASKPASS \
                     DOCKER_HOST GIT_CONFIG_COUNT NPM_CONFIG_REGISTRY npm_config_registry \
                     GIT_SSH_COMMAND KUBECONFIG EDITOR CARGO_REGISTRIES_X_TOKEN";
    for (names, why) in [(always, BlockedName::Always), (overrides, BlockedName::AsOverride)] {
        for name in names.split_whitespace() {
            assert_eq!(BlockedName::of(&EnvName::new(name).unwrap()), Some(why), "{name}");
            let error = Bindings::none().bind("tool:x", name, "vault/key").unwrap_err();
            assert_eq!(error.code(), ErrorCode::InjectionRefused);
            assert!(error.to_string().contains(name), "{error}");
            let section = format!(
                r#"[{{"consumer":"tool:y","env":"OK","credential":"a/b"}},
                    {{"consumer":"tool:x","env":"{name}","credential":"a/b"}}]"#
            );
            let error = serde_json::from_str::<Bindings>(&section).unwrap_err().to_string();
            assert!(error.contains("[1].env") && error.contains(name), "{error}");
        }
    }
    for name in ["GITHUB_TOKEN", "OPENAI_API_KEY", "SHELL_TOKEN", "XPATH", "LDAP_PASSWORD", "A"] {
        assert_eq!(BlockedName::of(&EnvName::new(name).unwrap()), None, "{name}");
    }
}

#[tokio::test]
async fn promise_6_a_value_that_may_not_leave_is_refused_without_showing_it() {
    let long = "canary-".repeat(4682);
    let just = "é".repeat(32_768);
    let cases: [(&str, ShortValues, Option<&str>); 7] = [
        ("canary7", ShortValues::Refuse, Some("fewer than 8")),
        ("canary7", ShortValues::Warn, None),
        ("canary-8", ShortValues::Refuse, None),
        ("ключ123", ShortValues::Refuse, Some("fewer than 8")),
        ("canary\0value", ShortValues::Warn, Some("NUL")),
        (&long, ShortValues::Warn, Some("more than 32768")),
        (&just, ShortValues::Refuse, None),
    ];
    for (value, short, problem) in cases {
        let vault = Scripted::new("vault", HOUR);
        vault.then(Act::Answer(issues(value)));
        let world = World::new(&[&vault]);
        let injector = bound("TOKEN", "vault/shared").short_values(short);
        let resolved = injector.resolve(&world.tool, None).await;
        match (resolved, problem) {
            (Ok(injection), None) => {
                assert_eq!(injection.expose_values().collect::<Vec<_>>(), [("TOKEN", value)]);
                let warned = short == ShortValues::Warn;
                assert_eq!(injection.short_values().len(), usize::from(warned));
                assert!(!format!("{injection:?} {injector:?}").contains(value));
            }
            (Err(error), Some(problem)) => {
                assert_eq!(error.code(), ErrorCode::InjectionRefused);
                let text = format!("{error} {error:?}");
                assert!(text.contains(problem) && text.contains("TOKEN"), "{text}");
                assert!(!text.contains("canary") && !text.contains("ключ"), "{text}");
            }
            (resolved, problem) => panic!("{resolved:?} against {problem:?}"),
        }
    }
}

#[tokio::test]
async fn a_credential_of_several_fields_is_bound_by_one_of_them() {
    let vault = Scripted::new("vault", HOUR);
    let fields = BTreeMap::from([
        ("user".to_owned(), SecretString::from("canary-user")),
        ("password".to_owned(), SecretString::from("canary-password")),
    ]);
    vault.then(Act::Answer(Ok(Credential::user_value(fields).into())));
    let world = World::new(&[&vault]);
    let section = r#"[{ "consumer": "tool:test", "env": "PASSWORD", "field": "password",
                        "credential": { "provider": "vault", "id": "shared" } }]"#;
    let injector = Injector::new(serde_json::from_str(section).unwrap());
    // The provider's descriptor says token; what it gives is of several fields.
    match injector.resolve(&world.tool, None).await {
        Ok(injection) => assert_eq!(seen_by_child(&injection, "PASSWORD"), "canary-password"),
        Err(error) => panic!("{error}"),
    }
    let error = bound("PASSWORD", "vault/shared").resolve(&world.tool, None).await.unwrap_err();
    assert!(error.detail().contains("several fields"), "{error}");
    let other =
        Binding::new(IdPattern::any(), EnvName::new("PASSWORD").unwrap(), at("vault/shared"));
    let other = Bindings::none().and(other.with_field("pin")).unwrap();
    let error = Injector::new(other).resolve(&world.tool, None).await.unwrap_err();
    assert!(error.detail().contains("no field"), "{error}");
}

#[tokio::test]
async fn promise_8_a_binding_grants_nothing() {
    let vault = Scripted::new("vault", HOUR);
    let rules = AccessRules::deny_all().allow("tool:test", "vault/shared").unwrap();
    let world = World::build(&[&vault], |b| b.access(rules));
    let bindings = Bindings::none().bind("tool:*", "A", "vault/shared").unwrap();
    let injector = Injector::new(bindings.bind("tool:*", "B", "vault/shared-other").unwrap());
    let error = injector.resolve(&world.tool, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert_eq!(error.credential(), Some(&at("vault/shared-other")));
    assert_eq!(world.engine.counters().denied, 1);
    assert_eq!(injector.live(), 0);

    let nobody = world.engine.consumer("channel:test").unwrap();
    let nothing = injector.resolve(&nobody, None).await.unwrap();
    assert_eq!(nothing.names().count(), 0, "what is bound for others is not resolved");
}

#[tokio::test]
async fn the_more_specific_binding_wins_and_one_name_is_one_name() {
    let bindings = Bindings::none()
        .bind("*", "TOKEN", "vault/any")
        .and_then(|b| b.bind("tool:t*", "TOKEN", "vault/prefix"))
        .and_then(|b| b.bind("tool:test", "token", "vault/exact"))
        .unwrap();
    let of = |name: &str| {
        let name = ConsumerName::new(name).unwrap();
        bindings.of(&name).iter().map(|b| b.credential.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("tool:test"), ["vault/exact"]);
    assert_eq!(of("tool:tests"), ["vault/prefix"]);
    assert_eq!(of("skill:x"), ["vault/any"]);

    let error = bindings.clone().bind("tool:test", "TOKEN", "vault/b").unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    let theirs = Bindings::none().bind("tool:test", "TOKEN", "evil/x").unwrap();
    let theirs = theirs.bind("tool:test", "MORE", "vault/more").unwrap();
    let all = bindings.clone().completed_by(theirs);
    assert_eq!(all.list().len(), 4);
    assert!(all.list().iter().all(|b| b.credential.provider.as_str() == "vault"));
}

#[test]
fn configuration_says_what_is_wrong() {
    for (section, problem) in [
        (r#"[{"consumer":"tool:x","env":"A","credential":"vault"}]"#, "provider/id"),
        (r#"[{"consumer":"tool:x","env":"A=","credential":"a/b"}]"#, "an environment variable"),
        (r#"[{"consumer":"tool:x","env":"A","credential":"a/b","value":"x"}]"#, "unknown field"),
        (
            r#"[{"consumer":"tool:x","env":"A","credential":{"source":"env","provider":"a","id":"b"}}]"#,
            "SecretRef",
        ),
        (
            r#"[{"consumer":"tool:x","env":"A","credential":"a/b","variant":{"role":["r"]}}]"#,
            "only `scopes`",
        ),
        (
            r#"[{"consumer":"t:*","env":"A","credential":"a/b"},{"consumer":"t:*","env":"a","credential":"a/c"}]"#,
            "bound twice",
        ),
    ] {
        let error = serde_json::from_str::<Bindings>(section).unwrap_err().to_string();
        assert!(error.contains(problem), "{section}: {error}");
    }
}

#[tokio::test]
async fn promise_5_a_binding_of_a_variant_gets_that_variant() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let section = r#"[
        { "consumer": "tool:test", "env": "READ", "credential": "vault/shared",
          "variant": { "scopes": ["b", "a"] } },
        { "consumer": "tool:test", "env": "SAME", "credential": "vault/shared",
          "variant": { "scopes": "a b" } },
        { "consumer": "tool:test", "env": "PLAIN", "credential": "vault/shared" } ]"#;
    let injector = Injector::new(serde_json::from_str(section).unwrap());
    let injection = injector.resolve(&world.tool, None).await.unwrap();
    let values: BTreeMap<_, _> = injection.expose_values().collect();
    assert_eq!(values["READ"], values["SAME"]);
    assert_ne!(values["READ"], values["PLAIN"]);
    assert_eq!(vault.calls(), 2);
}

#[tokio::test]
async fn a_value_lasts_as_long_as_the_tool_runs_where_the_source_can_give_it() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let injector = bound("TOKEN", "vault/shared");
    drop(injector.resolve(&world.tool, None).await.unwrap());
    world.pass(Duration::from_secs(40 * 60)).await;
    let longer = injector.clone().min_validity(Duration::from_secs(30 * 60));
    let injection = longer.resolve(&world.tool, None).await.unwrap();
    assert_eq!(injection.expose_values().collect::<Vec<_>>(), [("TOKEN", "vault-shared--2")]);
}

#[tokio::test]
async fn new_bindings_keep_the_count() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let before = bound("TOKEN", "vault/shared");
    let injection = before.resolve(&world.tool, None).await.unwrap();
    let after = before.clone().with_bindings(Bindings::none());
    assert_eq!(after.resolve(&world.tool, None).await.unwrap().names().count(), 0);
    assert_eq!(after.live(), 1);
    drop(injection);
    assert_eq!(after.live(), 0);
}

#[test]
fn what_becomes_of_short_values_is_configuration() {
    let read = |text| serde_json::from_str::<ShortValues>(text).unwrap();
    assert_eq!([read("\"refuse\""), read("\"warn\"")], [ShortValues::Refuse, ShortValues::Warn]);
    assert_eq!(ShortValues::default(), ShortValues::Refuse);
}
