//! What it says and how it ends.

use serde_json::{Value, json};

use super::common::{Folder, started};

const REQUEST: &str = r#"{"protocolVersion":1,"provider":"ours","ids":["keys/openai"]}"#;

#[test]
fn a_request_is_answered_on_standard_output_and_nowhere_else() {
    let folder = Folder::new();
    let path = folder.keys(json!({}));
    let output = started(&["--config", path.to_str().unwrap()], REQUEST);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, br#"{"protocolVersion":1,"values":{"keys/openai":"sk-1"}}"#);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_wrong_is_said_on_standard_error_and_in_the_exit_code() {
    let folder = Folder::new();
    let good = folder.keys(json!({}));
    let text = |name: &str, text: &str| folder.file(name, text).to_str().unwrap().to_owned();
    let config = |path: &str| vec!["--config".to_owned(), path.to_owned()];
    let good = config(good.to_str().unwrap());
    for (arguments, input, code, says) in [
        (vec![], REQUEST, 64, "--config"),
        (vec!["--canary".to_owned()], REQUEST, 64, "--help"),
        (good.clone(), "canary", 2, "exec protocol v1"),
        (good, "{}", 2, "ids"),
        (config("/nowhere/canary"), REQUEST, 78, "does not exist"),
        (config(&text("a", "{\n  canary canary")), REQUEST, 78, "line 2"),
        (
            config(&text("b", r#"{"credentialProviders": {"keys": {"path": "canary"}}}"#)),
            REQUEST,
            78,
            "credentialProviders.keys",
        ),
        (
            config(&text("c", r#"{"credentialAccess": [{"consumer": 1}]}"#)),
            REQUEST,
            78,
            "credentialAccess",
        ),
        (config(&text("d", r#"{"credentialStore": {"folder": "x"}}"#)), REQUEST, 78, "keyFile"),
        (
            config(&text("e", r#"{"secrets": {"providers": {"x": {"source": "file"}}}}"#)),
            REQUEST,
            78,
            "secrets.providers.x",
        ),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = started(&arguments, input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(output.stdout.is_empty());
        assert!(said.starts_with("secretref: ") && said.contains(says), "{said}");
        assert!(!said.contains("canary canary") && !said.contains("\"canary\""), "{said}");
    }
}

#[test]
fn a_provider_that_cannot_be_built_fails_its_own_ids_and_says_why() {
    let folder = Folder::new();
    let path = folder.keys(json!({"broken": {"type": "none such"}}));
    let request = r#"{"protocolVersion":1,"ids":["broken/x","keys/openai"]}"#;
    let output = started(&["--config", path.to_str().unwrap()], request);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("credentialProviders.broken.type"), "{said}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["values"], json!({"keys/openai": "sk-1"}));
    assert_eq!(answer["errors"]["broken/x"]["code"], "CONFIGURATION_INVALID");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn help_names_every_exit_code() {
    let output = started(&["--help"], "");
    let said = String::from_utf8_lossy(&output.stdout);
    for code in ["  0  ", "  2  ", "  3  ", "  4  ", "  64 ", "  78 "] {
        assert!(said.contains(code), "{code}");
    }
}

#[test]
fn a_measurement_has_a_ratio_and_leaves_nothing() {
    let output = started(&["--measure", "1"], "");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("median of 1 runs") && said.contains("ratio"), "{said}");
    assert!(!said.contains("sk-"), "{said}");
}

#[test]
fn a_static_key_opens_no_store() {
    let folder = Folder::new();
    let keys = folder.file("keys.json", r#"{"keys": {"openai": "sk-1"}}"#);
    let whole = json!({
        "credentialStore": {"folder": "grants", "keyFile": "grants.key"},
        "credentialProviders": {"keys": {"type": "file", "path": keys}},
        "credentialAccess": [{"consumer": "secretref:exec", "credential": "keys/*"}],
    });
    let path = folder.file("credentials.json", &whole.to_string());
    let output = started(&["--config", path.to_str().unwrap()], REQUEST);
    assert_eq!(output.status.code(), Some(0));
    assert!(!folder.path("grants").exists() && !folder.path("grants.key").exists());
}
