//! What is answered for which credential.

use serde_json::json;

use super::common::of;

#[tokio::test]
async fn a_secret_is_text() {
    let answer = of(&["key", "oauth2", "token", "field", "team/key"]).await;
    let values = json!({"p/key": "key-1", "p/oauth2": "access-1", "p/token": "token-1",
        "p/field": "only-1", "p/team/key": "key-1"});
    assert_eq!(answer, json!({"protocolVersion": 1, "values": values}));
}

#[tokio::test]
async fn several_secrets_are_an_object() {
    let answer = of(&["login", "cloud", "sts"]).await;
    let values = json!({
        "p/login": {"user": "user-1", "password": "password-1"},
        "p/cloud": {"accessKeyId": "AKID", "secretAccessKey": "sk-1"},
        "p/sts": {"accessKeyId": "AKID", "secretAccessKey": "sk-1", "sessionToken": "session-1"},
    });
    assert_eq!(answer, json!({"protocolVersion": 1, "values": values}));
}

#[tokio::test]
async fn promise_10_a_fence_is_never_answered() {
    let answer = of(&["fenced"]).await;
    assert_eq!(answer["values"], json!({}));
    assert_eq!(answer["errors"]["p/fenced"]["code"], "REDACTED_VALUE");
}
