//! The source `exec`: what a program gets, and what is understood of its answer.

use authprofile_bridge::secret_ref::{SecretRefProblem as P, SecretRefs};
use serde_json::{Value, json};

use super::common::{Folder, exec, one, problem, secrets, value, with_variables};

fn answering(folder: &Folder, script: &str, more: Value) -> SecretRefs {
    let path = folder.program("p", script);
    let mut source = json!({"source": "exec", "command": path});
    source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    secrets(&one(source))
}

#[tokio::test]
async fn a_program_reads_the_protocols_request() {
    let folder = Folder::new();
    let script =
        "cat > request; echo '{\"protocolVersion\":1,\"values\":{\"a\":\"1\",\"b/c\":\"2\"}}'";
    let secrets = answering(&folder, script, json!({}));
    let found = secrets.resolve_all(&[exec("b/c"), exec("a"), exec("b/c")]).await;
    assert!(found.iter().all(Result::is_ok));
    // Its working folder is its own; it reads to the end of its input.
    let request = std::fs::read_to_string(folder.path().join("request")).unwrap();
    assert_eq!(request, r#"{"protocolVersion":1,"provider":"x","ids":["a","b/c"]}"#);
}

#[tokio::test]
async fn promise_6_a_program_gets_no_variable_but_those_named() {
    let folder = Folder::new();
    // The environment it was started with, not what its shell adds.
    let path = folder.program("p", "tr '\\0' ';' < /proc/$$/environ");
    let source = json!({"source": "exec", "command": path, "jsonOnly": false,
        "passEnv": ["A", "B", "ABSENT"], "env": {"B": "given", "C": "3"}});
    let variables = [("A", "1"), ("B", "passed"), ("CANARY", "canary")];
    let secrets = with_variables(&one(source), &variables);
    assert_eq!(value(&secrets, exec("a")).await, "A=1;B=given;C=3;");
}

#[tokio::test]
async fn arguments_pass_through_no_shell() {
    let folder = Folder::new();
    let more = json!({"jsonOnly": false, "args": ["$(touch made); echo `x`", "b c"]});
    let secrets = answering(&folder, r#"printf '%s|' "$@""#, more);
    assert_eq!(value(&secrets, exec("a")).await, "$(touch made); echo `x`|b c|");
    assert!(!folder.path().join("made").exists());
}

async fn of(answer: &str, more: Value) -> Result<String, P> {
    let folder = Folder::new();
    folder.file("answer", answer);
    let secrets = answering(&folder, "cat answer", more);
    let found = secrets.resolve_all(&[exec("a")]).await.remove(0);
    use credential_provider_api::ExposeSecret as _;
    found.map(|v| v.expose_secret().to_owned()).map_err(|error| error.problem().clone())
}

#[tokio::test]
async fn an_answer_keeps_the_protocol() {
    let strict = json!({});
    let good = [
        r#"{"protocolVersion":1,"values":{"a":"1"}}"#,
        " {\"protocolVersion\":1.0,\"values\":{\"a\":\"1\",\"z\":2},\"errors\":{\"z\":{}},\"more\":[]} \n",
        r#"{"protocolVersion":1,"values":{"a":"1"},"errors":null}"#,
    ];
    for answer in good {
        assert_eq!(of(answer, strict.clone()).await.unwrap(), "1", "{answer}");
    }
    type Is = fn(&P) -> bool;
    let bad: [(&str, Is); 15] = [
        ("", |p| matches!(p, P::EmptyAnswer)),
        (" \n", |p| matches!(p, P::EmptyAnswer)),
        ("canary", |p| matches!(p, P::InvalidAnswer)),
        ("\"canary\"", |p| matches!(p, P::InvalidAnswer)),
        ("[]", |p| matches!(p, P::InvalidAnswer)),
        (r#"{"values":{"a":"1"}}"#, |p| matches!(p, P::WrongVersion)),
        (r#"{"protocolVersion":2,"values":{"a":"1"}}"#, |p| matches!(p, P::WrongVersion)),
        (r#"{"protocolVersion":"1","values":{"a":"1"}}"#, |p| matches!(p, P::WrongVersion)),
        (r#"{"protocolVersion":1}"#, |p| matches!(p, P::MissingValues)),
        (r#"{"protocolVersion":1,"values":["1"]}"#, |p| matches!(p, P::MissingValues)),
        (r#"{"protocolVersion":1,"values":{"b":"1"}}"#, |p| matches!(p, P::MissingId)),
        (r#"{"protocolVersion":1,"values":{"a":""}}"#, |p| matches!(p, P::NotText)),
        (r#"{"protocolVersion":1,"values":{"a":{"k":"1"}}}"#, |p| matches!(p, P::NotText)),
        (r#"{"protocolVersion":1,"values":{"a":"***"}}"#, |p| matches!(p, P::Mark)),
        (r#"{"protocolVersion":1,"values":{"a":null}}"#, |p| matches!(p, P::NotText)),
    ];
    for (answer, is) in bad {
        let problem = of(answer, strict.clone()).await.unwrap_err();
        assert!(is(&problem), "{answer}: {problem:?}");
    }
}

#[tokio::test]
async fn both_forms_of_an_ids_error_fail_it_even_if_it_has_a_value() {
    for (error, code) in [
        (r#"{"message":"canary"}"#, None),
        (r#"{"message":"canary","code":"NOT_FOUND"}"#, Some("NOT_FOUND")),
        (r#"{"code":"AMBIGUOUS_DUPLICATE_KEY"}"#, Some("AMBIGUOUS_DUPLICATE_KEY")),
        (r#"{"message":"canary","code":"sk-canary"}"#, None),
        (r#"{"message":"canary","code":"CANARY0000"}"#, None),
        (r#"{"message":"canary","code":"THIS_IS_LONGER_THAN_ANY_CODE_SHOULD_BE"}"#, None),
        (r#"{"message":"canary","code":7}"#, None),
        (r#""canary""#, None),
        ("null", None),
    ] {
        let answer =
            format!(r#"{{"protocolVersion":1,"values":{{"a":"1"}},"errors":{{"a":{error}}}}}"#);
        let problem = of(&answer, json!({})).await.unwrap_err();
        let P::Refused(found) = &problem else { panic!("{error}: {problem:?}") };
        assert_eq!(found.as_deref(), code, "{error}");
    }
}

#[tokio::test]
async fn plain_text_is_a_value_only_if_allowed_and_of_one_id() {
    let loose = json!({"jsonOnly": false});
    for (answer, expected) in [
        ("k-1\n", "k-1"),
        ("\"k-2\"", "k-2"),
        ("{broken", "{broken"),
        (r#"{"protocolVersion":1,"values":{"a":"k-3"}}"#, "k-3"),
    ] {
        assert_eq!(of(answer, loose.clone()).await.unwrap(), expected);
    }
    assert!(matches!(of("42", loose.clone()).await, Err(P::InvalidAnswer)), "JSON, but no text");
    assert!(matches!(of("***", loose.clone()).await, Err(P::Mark)));
    assert!(matches!(of("${KEY}", loose).await, Err(P::Mark)));
    let folder = Folder::new();
    let secrets = answering(&folder, "echo k", json!({"jsonOnly": false}));
    for found in secrets.resolve_all(&[exec("a"), exec("b")]).await {
        assert!(matches!(found.unwrap_err().problem(), P::InvalidAnswer));
    }
}

#[tokio::test]
async fn a_program_that_fails_gives_no_value() {
    let folder = Folder::new();
    let script = r#"echo '{"protocolVersion":1,"values":{"a":"1"}}'; exit 3"#;
    let secrets = answering(&folder, script, json!({}));
    assert!(matches!(problem(&secrets, exec("a")).await, P::Exited(Some(3))));
    let secrets = answering(&folder, "kill -9 $$", json!({}));
    assert!(matches!(problem(&secrets, exec("a")).await, P::Exited(None)));
    let text = folder.file("text", "no program");
    let secrets = super::common::secrets(&one(json!({"source": "exec", "command": text})));
    assert!(matches!(problem(&secrets, exec("a")).await, P::NotStarted));
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_may_answer() {
    let folder = Folder::new();
    let script = r#"exec 0<&-; echo '{"protocolVersion":1,"values":{"a0":"1"}}'"#;
    let secrets = answering(&folder, script, json!({}));
    // More than a pipe holds.
    let ids: Vec<_> = (0..500)
        .map(|n| exec(&format!("a{n}{}", "b".repeat(if n > 0 { 200 } else { 0 }))))
        .collect();
    let found = secrets.resolve_all(&ids).await;
    assert!(found[0].is_ok(), "{:?}", found[0]);
}
