//! Errors: their codes, classes and next steps, and that they repeat nothing.

use authprofile_bridge::secret_ref::SecretRefs;
use credential_provider_api::{
    CredentialError, ErrorClass, ErrorCode, SecretRef, SecretRefResolver as _, SecretSource,
};
use serde_json::json;

use super::common::{Folder, error, exec, file, one, secrets, with_variables};

async fn shown(secrets: &SecretRefs, reference: SecretRef) -> (String, CredentialError) {
    let typed = error(secrets, reference.clone()).await;
    let converted = secrets.resolve(&[reference]).await.remove(0).unwrap_err();
    (format!("{typed} {typed:?} {converted} {converted:?}"), converted)
}

#[tokio::test]
async fn promise_6_no_error_repeats_what_a_program_or_file_said() {
    let folder = Folder::new();
    let answers = [
        "canary",
        "\"canary\"",
        r#"{"canary":"canary"}"#,
        r#"{"protocolVersion":"canary","values":{}}"#,
        r#"{"protocolVersion":1,"values":{"canary":"canary"}}"#,
        r#"{"protocolVersion":1,"values":{},"errors":{"a":{"message":"canary","code":"canary"}}}"#,
        r#"{"protocolVersion":1,"values":{"a":"${canary}"}}"#,
        r#"{"protocolVersion":1,"values":{"a":["canary"]}}"#,
    ];
    for answer in answers {
        folder.file("answer", answer);
        let path = folder.program("p", "cat answer; cat answer >&2; echo canary >&2");
        let of_program = secrets(&one(json!({"source": "exec", "command": path})));
        let (text, _) = shown(&of_program, exec("a")).await;
        assert!(!text.contains("canary"), "{answer}: {text}");
        let path = folder.file("s", answer);
        let of_file = secrets(&one(json!({"source": "file", "path": path})));
        let (text, _) = shown(&of_file, file("/a")).await;
        assert!(!text.contains("canary"), "{answer}: {text}");
    }
    let path = folder.program("p", "echo canary; echo canary >&2; exit 7");
    let (text, _) =
        shown(&secrets(&one(json!({"source": "exec", "command": path}))), exec("a")).await;
    assert!(text.contains("exit code 7") && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn promise_9_an_error_has_openclaws_code_a_class_and_a_next_step() {
    let folder = Folder::new();
    let refuses = |code: &str| {
        let answer = format!(
            r#"{{"protocolVersion":1,"values":{{}},"errors":{{"a":{{"message":"m","code":"{code}"}}}}}}"#
        );
        let path = folder.program("p", &format!("echo '{answer}'"));
        secrets(&one(json!({"source": "exec", "command": path})))
    };
    let env = |alias: &str, id: &str| SecretRef::new(SecretSource::Env, alias, id);
    let listed = json!({"providers": {"x": {"source": "env", "allowlist": []}}});
    for (secrets, reference, theirs, ours) in [
        (
            secrets(&json!({})),
            exec("a"),
            "SECRET_PROVIDER_NOT_CONFIGURED",
            ErrorCode::NotConfigured,
        ),
        (
            secrets(&one(json!({"source": "file", "path": "f"}))),
            file("/a"),
            "SECRET_PROVIDER_INVALID",
            ErrorCode::ConfigurationInvalid,
        ),
        (
            secrets(&one(json!({"source": "file", "path": folder.path()}))),
            file("/a"),
            "SECRET_PROVIDER_PATH_SECURITY_UNVERIFIABLE",
            ErrorCode::ConfigurationInvalid,
        ),
        (
            with_variables(&listed, &[]),
            env("x", "A"),
            "SECRET_REF_POLICY_DENIED",
            ErrorCode::AccessDenied,
        ),
        (
            secrets(&json!({})),
            env("default", "A"),
            "SECRET_REF_NOT_FOUND",
            ErrorCode::NotConfigured,
        ),
        (
            secrets(&json!({})),
            env("default", "a"),
            "SECRET_REF_INVALID",
            ErrorCode::ConfigurationInvalid,
        ),
        (refuses("NOT_FOUND"), exec("a"), "SECRET_REF_NOT_FOUND", ErrorCode::CredentialNotFound),
    ] {
        let typed = error(&secrets, reference.clone()).await;
        assert_eq!(typed.code(), theirs);
        let (text, converted) = shown(&secrets, reference).await;
        assert_eq!(converted.code(), ours, "{text}");
        assert_eq!(converted.class(), ErrorClass::FixConfiguration, "{text}");
        assert!(
            text.contains(theirs) && text.ends_with(|c: char| c.is_ascii_punctuation()),
            "{text}"
        );
    }
    let other = refuses("RATE_LIMITED");
    assert_eq!(error(&other, exec("a")).await.code(), "SECRET_REF_PROVIDER_ERROR");
    assert!(shown(&other, exec("a")).await.1.is_transient());
}

#[tokio::test]
async fn promise_9_an_error_names_the_reference() {
    let (text, _) = shown(&secrets(&json!({})), exec("vault/openai")).await;
    assert!(text.contains("exec:x:vault/openai"), "{text}");
}
