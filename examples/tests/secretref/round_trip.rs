//! Asked by one side of the protocol, answered by the other.

use authprofile_bridge::secret_ref::SecretRefProblem;
use credential_provider_api::ExposeSecret as _;
use serde_json::json;

use super::common::{Folder, asked_of, exec};

#[tokio::test]
async fn a_batch_comes_back_each_id_with_its_own_answer() {
    let folder = Folder::new();
    // A provider that cannot be built, and one whose secret a program would have to be started for:
    // neither is asked for.
    let more = json!({
        "broken": {"type": "none such"},
        "work": {"type": "oauth", "clientSecret": {"source": "exec", "provider": "absent", "id": "x"}},
    });
    let secrets = asked_of(&folder.keys(more), &["ours"]);
    let wanted =
        ["keys/openai", "keys/team/key", "keys/none", "keys/login", "keys/secret", "other/x"];
    let wanted: Vec<_> = wanted.iter().map(|id| exec("ours", id)).collect();
    let found = secrets.resolve_all(&wanted).await;
    assert_eq!(found[0].as_ref().unwrap().expose_secret(), "sk-1");
    assert_eq!(found[1].as_ref().unwrap().expose_secret(), "sk-2");
    let codes = ["NOT_FOUND", "SESSION_REQUIRED", "ACCESS_DENIED"];
    for (found, code) in found[2..5].iter().zip(codes) {
        let SecretRefProblem::Refused(refused) = found.as_ref().unwrap_err().problem() else {
            panic!("{found:?}");
        };
        assert_eq!(refused.as_deref(), Some(code));
    }
    assert!(found[5].is_err());
}

#[tokio::test]
async fn promise_8_without_a_rule_nothing_is_answered() {
    let folder = Folder::new();
    let keys = folder.file("keys.json", r#"{"keys": {"openai": "sk-1"}}"#);
    let whole = json!({"credentialProviders": {"keys": {"type": "file", "path": keys}},
        "credentialAccess": [{"consumer": "tool:*", "credential": "*"}]});
    let configuration = folder.file("credentials.json", &whole.to_string());
    let found =
        asked_of(&configuration, &["ours"]).resolve_all(&[exec("ours", "keys/openai")]).await;
    let SecretRefProblem::Refused(code) = found[0].as_ref().unwrap_err().problem() else {
        panic!("{found:?}");
    };
    assert_eq!(code.as_deref(), Some("ACCESS_DENIED"));
}
