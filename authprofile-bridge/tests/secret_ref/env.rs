//! The source `env`.

use authprofile_bridge::secret_ref::SecretRefProblem as P;
use credential_provider_api::{ErrorCode, SecretRef, SecretRefResolver as _, SecretSource};
use serde_json::json;

use super::common::{problem, value, with_variables};

fn env(alias: &str, id: &str) -> SecretRef {
    SecretRef::new(SecretSource::Env, alias, id)
}

#[tokio::test]
async fn only_what_the_allowlist_names_is_read() {
    let section = json!({"providers": {"x": {"source": "env", "allowlist": ["A"]}}});
    let secrets = with_variables(&section, &[("A", "1"), ("B", "2")]);
    assert_eq!(value(&secrets, env("x", "A")).await, "1");
    assert!(matches!(problem(&secrets, env("x", "B")).await, P::NotAllowlisted));
}

#[tokio::test]
async fn the_default_source_needs_no_entry() {
    let secrets = with_variables(&json!({}), &[("A", "1")]);
    assert_eq!(value(&secrets, env("default", "A")).await, "1");
    assert!(matches!(problem(&secrets, env("other", "A")).await, P::NotConfigured));
    let named = with_variables(&json!({"defaults": {"env": "ci"}}), &[("A", "1")]);
    assert_eq!(value(&named, env("ci", "A")).await, "1");
    assert_eq!(value(&named, env("default", "A")).await, "1", "a reference without alias");
}

#[tokio::test]
async fn a_configured_default_is_not_passed_over() {
    let section = json!({"defaults": {"env": "ci"},
        "providers": {"default": {"source": "env", "allowlist": []}}});
    let secrets = with_variables(&section, &[("A", "1")]);
    assert!(matches!(problem(&secrets, env("default", "A")).await, P::NotAllowlisted));
}

#[tokio::test]
async fn missing_and_empty_are_the_same() {
    let secrets = with_variables(&json!({}), &[("A", ""), ("B", "  ")]);
    for name in ["A", "B", "C"] {
        assert!(matches!(problem(&secrets, env("default", name)).await, P::VariableMissing));
    }
}

#[tokio::test]
async fn promise_10_a_mark_is_no_value() {
    for mark in [
        "__OPENCLAW_REDACTED__",
        "***",
        "${B}",
        "oc-sent-v2.AAAA.end",
        "openclaw-oauth-refresh-fence:v1:00:access:11",
    ] {
        let secrets = with_variables(&json!({}), &[("A", mark)]);
        assert!(matches!(problem(&secrets, env("default", "A")).await, P::Mark), "{mark}");
        let found = secrets.resolve(&[env("default", "A")]).await.remove(0);
        assert_eq!(found.unwrap_err().code(), ErrorCode::RedactedValue);
    }
}

#[tokio::test]
async fn a_source_of_another_kind_is_an_error() {
    let section = json!({"providers": {"x": {"source": "file", "path": "/f"}}});
    let secrets = with_variables(&section, &[("A", "1")]);
    assert!(matches!(problem(&secrets, env("x", "A")).await, P::SourceMismatch));
}
