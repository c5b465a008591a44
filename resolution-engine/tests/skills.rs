//! What a skill asks for, and whether it can have it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(feature = "skills")]
mod common;
use common::*;
use credential_provider_api::*;
use proptest::prelude::*;
use resolution_engine::injection::{Bindings, Injector, ShortValues};
use resolution_engine::skill::*;
use resolution_engine::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

const NESTED: &str = "\
---
name: issues
description: \"Reads issues.\"
metadata:
  openclaw:
    emoji: 🐙
    skillKey: issue-reader
    primaryEnv: GITHUB_TOKEN
    requires:
      bins: [gh]
      env: [GITHUB_TOKEN, GITHUB_ORG]
    envVars:
      - { name: LOG_LEVEL, required: false, description: how much it says }
    credentials:
      - credential: { provider: vault, id: shared }
        kind: token
        env: GITHUB_TOKEN
        scopes: [repo]
        necessity: optional
        reason: reads your issues
---
# Reading issues
";

fn only(requirement: &str) -> Skill {
    let text = format!(
        "---\nname: x\nmetadata: {{ openclaw: {{ credentials: [{requirement}] }} }}\n---\n"
    );
    Skill::parse(&text).unwrap()
}

fn refusal(text: &str) -> String {
    let error = Skill::parse(text).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    error.detail().to_owned()
}

#[test]
fn both_forms_of_metadata_say_the_same() {
    let nested = Skill::parse(NESTED).unwrap();
    assert_eq!(nested.name.as_deref(), Some("issues"));
    assert_eq!(nested.description.as_deref(), Some("Reads issues."));
    assert_eq!(nested.key(), Some("issue-reader"));
    assert_eq!(nested.primary_env, Some(EnvName::new("GITHUB_TOKEN").unwrap()));
    let env: Vec<_> = nested.env.iter().map(|e| (e.name.as_str(), e.necessity)).collect();
    let (required, optional) = (Necessity::Required, Necessity::Optional);
    assert_eq!(
        env,
        [("GITHUB_TOKEN", required), ("GITHUB_ORG", required), ("LOG_LEVEL", optional)]
    );
    assert_eq!(nested.env[2].description.as_deref(), Some("how much it says"));
    let need = &nested.credentials[0];
    assert_eq!(need.credential, at("vault/shared"));
    assert_eq!(need.kind, Some(CredentialKind::Token));
    assert_eq!((need.necessity, need.reason.as_deref()), (optional, Some("reads your issues")));

    let line = "{openclaw: {emoji: '🐙', skillKey: 'issue-reader', primaryEnv: \"GITHUB_TOKEN\", \
        /* JSON5 */ requires: {bins: ['gh'], env: ['GITHUB_TOKEN', 'GITHUB_ORG',]}, envVars: \
        [{name: 'LOG_LEVEL', required: false, description: 'how much it says'}], credentials: \
        [{credential: {provider: 'vault', id: 'shared'}, kind: 'token', env: 'GITHUB_TOKEN', \
        scopes: ['repo'], necessity: 'optional', reason: 'reads your issues'}]}}";
    let in_line = format!("---\nname: issues\ndescription: Reads issues.\nmetadata: {line}\n---\n");
    assert_eq!(Skill::parse(&in_line).unwrap(), nested);
    let in_text =
        format!("---\nname: issues\ndescription: Reads issues.\nmetadata: |\n  {line}\n---\n");
    assert_eq!(Skill::parse(&in_text).unwrap(), nested);
    for alias in ["clawdbot", "clawdis"] {
        let older = NESTED.replace("openclaw:", &format!("{alias}:"));
        assert_eq!(Skill::parse(&older).unwrap(), nested, "{alias}");
    }
    let flow = "---\nname: x\nmetadata:\n  {\n    \"openclaw\": {\n      \"requires\": { \"env\": [\"A\"], },\n    },\n  }\n---\n";
    assert_eq!(Skill::parse(flow).unwrap().env.len(), 1, "JSON over several lines");
}

#[test]
fn files_are_read_as_they_are_found() {
    let nested = Skill::parse(NESTED).unwrap();
    assert_eq!(Skill::parse(&NESTED.replace('\n', "\r\n")).unwrap(), nested);
    assert_eq!(Skill::parse(&format!("\u{FEFF}{NESTED}")).unwrap(), nested);
    for nothing in
        ["", "# A skill\n", "---", "text\n---\nname: x\n---\n", "---\n---\n", "---\n# y\n---\n"]
    {
        assert_eq!(Skill::parse(nothing).unwrap(), Skill::default(), "{nothing:?}");
    }
    // Not YAML, and common.
    let text = "---\nname: x\ndescription: Use when: asked #1 (e.g. \"a: b\")\nmetadata:\n  openclaw:\n    requires: {env: [A]}\n---\n";
    let skill = Skill::parse(text).unwrap();
    assert_eq!(skill.description.as_deref(), Some("Use when: asked #1 (e.g. \"a: b\")"));
    assert_eq!(skill.env.len(), 1);
    let terminal = Skill::parse("---\nname: \"a\\e[2Jb\\u202Ec\"\n---\n").unwrap();
    assert_eq!(terminal.name.as_deref(), Some("a[2Jbc"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let own = |inner: &str| format!("---\nname: x\nmetadata:\n  openclaw:\n{inner}\n---\n");
    for (text, parts) in [
        ("---\nname: x\n".to_owned(), ["line 1", "add a line `---`"]),
        ("---\nname: x\nother: [a\n---\n".to_owned(), ["line ", "not YAML"]),
        ("---\nname: x\nname: y\n---\n".to_owned(), ["line 3", "given twice"]),
        ("---\nmetadata: {a: 1, a: 2}\n---\n".to_owned(), ["line 2, metadata", "given twice"]),
        ("---\nmetadata: {}\nmetadata: [x]\n---\n".to_owned(), ["metadata", "given twice"]),
        ("---\nmetadata: 'no {'\n---\n".to_owned(), ["metadata", "not JSON5"]),
        ("---\nmetadata: [x]\n---\n".to_owned(), ["metadata", "expected an object"]),
        ("---\n- a\n---\n".to_owned(), ["the front matter", "key: value"]),
        (own("    requires: {env: [1A]}"), ["requires.env[0]", "first not a digit"]),
        (own("    requires: {env: A}"), ["requires.env", "expected a list"]),
        (own("    envVars: [{required: true}]"), ["envVars[0]", "`name`"]),
        (own("    credentials: [{credential: vault/x}]"), ["credentials[0]", "provider, id"]),
        (
            own("    credentials:\n      - {credential: {provider: a, id: b}, grant: all}"),
            ["credentials[0]", "unknown field"],
        ),
        (
            own("    credentials: [{credential: {source: env, provider: a, id: b}}]"),
            ["credentials[0]", "SecretRef"],
        ),
        (
            own(&format!("    requires: {{env: [{}]}}", "A, ".repeat(65))),
            ["requires.env", "over 64"],
        ),
    ] {
        let detail = refusal(&text);
        assert!(parts.iter().all(|part| detail.contains(part)), "{text}: {detail}");
    }
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let mut bomb = String::from("---\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    bomb.push_str("---\n");
    assert!(refusal(&bomb).contains("alias"), "a billion laughs");
    assert!(refusal("---\na: &a {b: *a}\n---\n").contains("alias"), "one within itself");

    for depth in [33, 10_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let detail = refusal(&format!("---\nx: {deep}\n---\n"));
        assert!(detail.contains("deeper") || detail.contains("YAML"), "{detail}");
        let detail = refusal(&format!("---\nmetadata: {{a: {deep}}}\n---\n"));
        assert!(detail.contains("deeper than 32"), "{detail}");
        let detail = refusal(&format!("---\nmetadata: '{{a: {deep}}}'\n---\n"));
        assert!(detail.contains("deeper than 32"), "{detail}");
        let indented: String =
            (0..depth.min(200)).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert!(refusal(&format!("---\n{indented}---\n")).contains("deeper than 32"));
    }
    for stairs in ["- ", "? "] {
        let deep = stairs.repeat(30_000 / stairs.len());
        assert!(Skill::parse(&format!("---\nx:\n{deep}x\n---\n")).is_err(), "{stairs}");
    }
    assert!(refusal(&format!("---\nname: x\n---\n{}", "y".repeat(262_144))).contains("256 KiB"));
    assert!(refusal(&format!("---\nname: {}\n---\n", "y".repeat(33_000))).contains("32 KiB"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(---|\n|  ?|[a-c]|metadata|openclaw|[:&*!|>{}\\[\\]'\",#-]|\\PC){0,40}") {
        let _ = Skill::parse(&format!("---\n{text}\n---\n"));
        let _ = Skill::parse(&text);
        let _ = Skill::parse(&format!("---\nmetadata: {{{text}}}\n---\n"));
    }
}

#[derive(Default)]
struct Trail(Mutex<Vec<(String, AuditAction)>>);

impl AuditSink for Trail {
    fn record(&self, record: &AuditRecord) -> Result<(), AuditFailed> {
        self.0.lock().unwrap().push((record.key.reference().to_string(), record.action));
        Ok(())
    }
}

fn world(vault: &Arc<Scripted>) -> (World, Consumer, Arc<Trail>) {
    let rules = AccessRules::deny_all()
        .allow("skill:reader", "vault/shared*")
        .and_then(|r| r.allow("skill:reader", "vault/own*"))
        .and_then(|r| r.allow("skill:reader", "vault/ghost"))
        .and_then(|r| r.allow("skill:reader", "nowhere/x"))
        .and_then(|r| r.allow("skill:*", "vault/inner"))
        .and_then(|r| r.deny("skill:*", "vault/shared-secret"))
        .unwrap();
    let trail = Arc::new(Trail::default());
    let world = World::build(&[vault], |builder| {
        builder.access(rules).audit(trail.clone(), AuditPolicy::default())
    });
    let reader = world.engine.consumer("skill:reader").unwrap();
    (world, reader, trail)
}

async fn one(skill: &Skill, consumer: &Consumer) -> (Readiness, String) {
    let report = skill.preflight(consumer).check().await;
    let need = &report.needs()[0];
    assert!(report.to_string().contains(&need.how()) || need.is_ready());
    (need.readiness().clone(), need.how())
}

#[tokio::test]
async fn each_need_says_whether_it_is_met_and_how_to_meet_it() {
    let vault = Scripted::new("vault", HOUR);
    let (_world, reader, _) = world(&vault);
    let ask = |id: &str, more: &str| {
        only(&format!("{{credential: {{provider: vault, id: '{id}'}}{more}}}"))
    };

    let (ready, _) = one(&ask("shared", ", env: TOKEN, kind: token"), &reader).await;
    assert!(matches!(ready, Readiness::Ready), "{ready:?}");

    let step = SignInStep::AskFields { fields: Vec::new() };
    let error = CredentialError::needs_reauth(ReauthReason::NotSignedIn, "").with_step(step);
    vault.then(Act::Answer(Err(error)));
    let (found, how) = one(&ask("shared-login", ""), &reader).await;
    let Readiness::NeedsSignIn(error) = found else { panic!("{found:?}") };
    assert!(error.step().is_some() && how.contains("Sign in"), "{how}");

    let (found, how) = one(&ask("other", ""), &reader).await;
    let Readiness::Denied { rule: Some(rule) } = found else { panic!("{found:?}") };
    assert_eq!((rule.consumer.as_str(), rule.credential.as_str()), ("skill:reader", "vault/other"));
    assert!(
        how.contains(r#"{ "consumer": "skill:reader", "credential": "vault/other" }"#),
        "{how}"
    );

    for hopeless in ["shared-secret", "inner", "*"] {
        let (found, how) = one(&ask(hopeless, ""), &reader).await;
        assert!(matches!(found, Readiness::Denied { rule: None }), "{hopeless}: {found:?}");
        assert!(!how.contains("credentialAccess"), "{how}");
    }

    let (found, how) = one(&ask("ghost", ""), &reader).await;
    assert!(
        matches!(found, Readiness::Unknown(_)) && how.contains("its provider"),
        "{found:?} {how}"
    );
    let elsewhere = only("{credential: {provider: nowhere, id: x}}");
    let (found, how) = one(&elsewhere, &reader).await;
    assert!(matches!(found, Readiness::Unknown(_)) && how.contains("credentialProviders"), "{how}");

    let calls = vault.calls();
    let (found, how) = one(&ask("shared", ", kind: api_key"), &reader).await;
    let Readiness::WrongKind { asked, found } = found else { panic!("{found:?}") };
    assert_eq!((asked, found), (CredentialKind::ApiKey, CredentialKind::Token));
    assert!(how.contains("kind token"), "{how}");
    assert_eq!(vault.calls(), calls, "nobody is bothered for what is of no use");

    let scoped = Credential::token("tok-12345".into()).with_scopes(["a"]);
    vault.then(Act::Answer(Ok(scoped.into())));
    let (found, how) = one(&ask("shared-scoped", ", scopes: [a, b, c]"), &reader).await;
    assert!(matches!(&found, Readiness::MissingScopes(s) if *s == ["b", "c"]), "{found:?}");
    assert!(how.contains("b c"), "{how}");

    let (found, _) = one(&ask("own", ""), &reader).await;
    assert!(matches!(found, Readiness::SessionRequired), "{found:?}");
    let own = ask("own", "");
    let alice = person("alice");
    assert!(own.preflight(&reader).session(&alice).check().await.is_ready());

    let (found, how) = one(&ask("shared", ", env: LD_PRELOAD"), &reader).await;
    assert!(
        matches!(found, Readiness::BlockedEnv) && how.contains("LD_PRELOAD"),
        "{found:?} {how}"
    );

    vault.then(Act::Answer(issues("canary")));
    let short = ask("shared-short", ", env: TOKEN");
    let (found, how) = one(&short, &reader).await;
    assert!(
        matches!(found, Readiness::Unfit(_)) && how.contains("fewer than 8"),
        "{found:?} {how}"
    );
    let warns = Injector::new(Bindings::none()).short_values(ShortValues::Warn);
    assert!(short.preflight(&reader).injector(&warns).check().await.is_ready());
    let (found, _) = one(&ask("shared", ", field: pin"), &reader).await;
    assert!(matches!(found, Readiness::Unfit(_)), "{found:?}");

    vault.then(Act::Answer(fails(ErrorCode::NotConfigured)));
    let (found, how) = one(&ask("shared-broken", ""), &reader).await;
    assert!(matches!(found, Readiness::Failing(_)) && how.contains("Complete"), "{found:?} {how}");
}

#[tokio::test]
async fn variables_are_met_by_bindings_or_by_the_hosts_environment() {
    let vault = Scripted::new("vault", HOUR);
    let (_world, reader, _) = world(&vault);
    let skill = Skill::parse(NESTED).unwrap();
    let report = skill.preflight(&reader).check().await;
    let unmet: Vec<_> = report.unmet().map(|need| need.what().to_string()).collect();
    assert_eq!(unmet, ["GITHUB_ORG", "LOG_LEVEL"]);
    assert!(!report.is_ready(), "GITHUB_ORG is required");
    assert!(
        report.to_string().contains("GITHUB_ORG: missing variable. Bind GITHUB_ORG"),
        "{report}"
    );
    assert!(report.to_string().contains("The skill says: \"reads your issues\"."), "{report}");

    let report = skill.preflight(&reader).environment(["GITHUB_ORG"]).check().await;
    assert!(report.is_ready(), "{report}");

    let bindings = Bindings::none().bind("skill:*", "GITHUB_ORG", "vault/shared-org").unwrap();
    let injector = Injector::new(bindings);
    let report = skill.preflight(&reader).injector(&injector).check().await;
    assert!(report.is_ready(), "{report}");

    // The host's binding stands in for what the skill asks for, and is what is checked.
    let bindings = Bindings::none().bind("skill:*", "GITHUB_TOKEN", "vault/forbidden").unwrap();
    let injector = Injector::new(bindings);
    let report = skill.preflight(&reader).injector(&injector).check().await;
    assert_eq!(report.needs()[0].what().to_string(), "vault/forbidden as GITHUB_TOKEN");
    assert!(matches!(report.needs()[0].readiness(), Readiness::Denied { .. }));
}

#[tokio::test]
async fn a_source_that_hangs_holds_up_a_preflight_for_its_patience_only() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Hang);
    let (world, reader, _) = world(&vault);
    let skill = only("{credential: {provider: vault, id: shared}}");
    let check = async { skill.preflight(&reader).within(Duration::from_secs(2)).check().await };
    let (report, ()) = tokio::join!(check, world.pass(Duration::from_secs(3)));
    let found = report.needs()[0].readiness();
    let Readiness::Failing(error) = found else { panic!("{found:?}") };
    assert_eq!(error.code(), ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn what_is_optional_fails_no_report() {
    let vault = Scripted::new("vault", HOUR);
    let (_world, reader, _) = world(&vault);
    let need = "{credential: {provider: vault, id: other}";
    let report = only(&format!("{need}}}")).preflight(&reader).check().await;
    assert!(!report.is_ready());
    let optional = only(&format!("{need}, necessity: optional}}"));
    let report = optional.preflight(&reader).check().await;
    assert!(report.is_ready() && report.unmet().count() == 1);
    assert!(report.to_string().contains("denied, optional."), "{report}");
}

#[tokio::test]
async fn promise_8_a_skill_that_asks_for_everything_gets_what_the_rules_grant() {
    let vault = Scripted::new("vault", HOUR);
    let (world, reader, trail) = world(&vault);
    let ids =
        ["shared", "other", "shared-secret", "inner", "own", "*", "x\" }, { \"consumer\": \"y"];
    let all: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| format!("{{credential: {{provider: vault, id: '{id}'}}, env: V{n}}}"))
        .collect();
    let greedy = only(&all.join(", "));
    assert_eq!(greedy.credentials.len(), ids.len());
    let alice = person("alice");
    let report = greedy.preflight(&reader).session(&alice).check().await;
    let ready: Vec<_> = report.needs().iter().map(Need::is_ready).collect();
    assert_eq!(ready, [true, false, false, false, true, false, false]);
    let text = report.to_string();
    let quoted = r#""credential": "vault/x\" }, { \"consumer\": \"y" }"#;
    assert!(text.contains(quoted), "an id cannot add to the rule proposed: {text}");

    // Bindings of it are those granted, and asking as somebody else grants nothing.
    let bindings = greedy.bindings(&reader);
    let bound: Vec<_> = bindings.list().iter().map(|b| b.credential.to_string()).collect();
    assert_eq!(bound, ["vault/shared", "vault/inner", "vault/own"]);
    let stranger = world.engine.consumer("skill:stranger").unwrap();
    let calls = vault.calls();
    let report = greedy.preflight(&stranger).session(&alice).check().await;
    assert!(report.needs().iter().all(|need| !need.is_ready()));
    assert_eq!(vault.calls(), calls);
    let denied = trail.0.lock().unwrap().iter().filter(|(_, a)| *a == AuditAction::Denied).count();
    assert_eq!(denied, 5 + 7, "each wish that is not granted is on record");
}

#[tokio::test]
async fn what_is_granted_is_injected_under_the_names_the_skill_asked_for() {
    let vault = Scripted::new("vault", HOUR);
    let (_world, reader, _) = world(&vault);
    let skill = only(
        "{credential: {provider: vault, id: shared}, env: TOKEN}, \
         {credential: {provider: vault, id: shared-b}, env: LD_PRELOAD}, \
         {credential: {provider: vault, id: shared-c}}",
    );
    let host = Bindings::none().bind("skill:reader", "HOSTS", "vault/shared-host").unwrap();
    let injector = Injector::new(host.completed_by(skill.bindings(&reader)));
    let injection = injector.resolve(&reader, None).await.unwrap();
    let names: Vec<_> = injection.names().map(EnvName::as_str).collect();
    assert_eq!(names, ["HOSTS", "TOKEN"]);
}

fn own(own: &str) -> String {
    format!("---\nname: x\nmetadata: {{openclaw: {{{own}}}}}\n---\n")
}

#[tokio::test]
async fn promise_8_nobody_is_told_to_set_a_blocked_variable_because_a_skill_names_it() {
    let world = World::new(&[]);
    for asks in ["requires: {env: ['LD_PRELOAD']}", "envVars: [{name: 'ld_preload'}]"] {
        let skill = Skill::parse(&own(asks)).unwrap();
        let report = skill.preflight(&world.tool).check().await;
        let need = &report.needs()[0];
        assert!(matches!(need.readiness(), Readiness::BlockedEnv), "{}", need.how());
        assert!(!need.how().contains("set it"), "{}", need.how());
    }
    // What the tool inherits anyway is no obstacle.
    let skill = Skill::parse(&own("requires: {env: ['PATH']}")).unwrap();
    assert!(!skill.preflight(&world.tool).check().await.is_ready());
    assert!(skill.preflight(&world.tool).environment(["PATH"]).check().await.is_ready());
}

#[test]
fn two_credentials_asked_for_in_one_variable_are_not_both_ready() {
    let asks =
        |id: &str, env: &str| format!("{{credential: {{provider: 'vault', id: '{id}'}}{env}}}");
    for second in ["TOKEN", "token"] {
        let list = [asks("shared-a", ", env: 'TOKEN'"), asks("b", &format!(", env: '{second}'"))];
        let detail = refusal(&own(&format!("credentials: [{}]", list.join(", "))));
        let wanted = format!("credentials[1].env: {second} is that of credentials[0] too");
        assert!(detail.contains(&wanted), "{detail}");
    }
    let list =
        [asks("a", ", env: 'TOKEN'"), asks("b", ", env: 'TOKEN_2'"), asks("c", ""), asks("d", "")];
    let skill = Skill::parse(&own(&format!("credentials: [{}]", list.join(", ")))).unwrap();
    assert_eq!(skill.credentials.len(), 4);
}

#[test]
fn requirements_of_another_shape_are_an_error_and_not_none() {
    for requires in ["['GITHUB_TOKEN']", "'GITHUB_TOKEN'", "true"] {
        let detail = refusal(&own(&format!("requires: {requires}")));
        assert!(detail.contains("metadata.openclaw.requires: expected an object"), "{detail}");
    }
    assert!(Skill::parse(&own("requires: null")).unwrap().env.is_empty());
}

#[test]
fn a_skills_words_have_no_character_that_reorders_or_hides_others() {
    let skill = Skill::parse(
        "---\nname: \"a\\u061Cb\"\ndescription: \"c\\U000E0041d\\u00ADe\\uFFF9f\\u180Eg\"\n---\n",
    );
    let skill = skill.unwrap();
    assert_eq!((skill.name.as_deref(), skill.description.as_deref()), (Some("ab"), Some("cdefg")));
}

#[tokio::test]
async fn a_consumer_whose_name_is_a_pattern_gets_no_bindings() {
    let vault = Scripted::new("vault", HOUR);
    let (world, reader, _) = world(&vault);
    let skill = only("{credential: {provider: vault, id: inner}, env: TOKEN}");
    assert_eq!(skill.bindings(&reader).list().len(), 1);
    let everybody = world.engine.consumer("skill:*").unwrap();
    assert!(everybody.is_granted(&at("vault/inner")));
    assert!(skill.bindings(&everybody).list().is_empty());
}

#[tokio::test]
async fn promise_2_a_check_that_is_given_up_leaves_what_it_fetches_to_the_next() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::After(Duration::from_secs(1), issues("canary-1")));
    let (world, reader, _) = world(&vault);
    let skill = only("{credential: {provider: vault, id: shared}}");
    let given_up = async {
        tokio::select! {
            _ = skill.preflight(&reader).check() => panic!("nothing has passed"),
            () = settle() => {}
        }
    };
    given_up.await;
    let (report, ()) =
        tokio::join!(skill.preflight(&reader).check(), world.pass(Duration::from_secs(2)));
    assert!(report.is_ready(), "{report}");
    assert_eq!(vault.calls(), 1);
}
