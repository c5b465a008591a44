//! Ids that fail, each by itself.

use serde_json::json;

use super::common::{answer, of};

#[tokio::test]
async fn one_id_that_fails_fails_no_other() {
    let answer = of(&["none", "key", "denied"]).await;
    assert_eq!(answer["values"], json!({"p/key": "key-1"}));
    assert_eq!(answer["errors"]["p/none"]["code"], "NOT_FOUND");
    assert_eq!(answer["errors"]["p/denied"]["code"], "ACCESS_DENIED");
}

#[tokio::test]
async fn promise_5_a_credential_of_a_session_is_refused_in_words() {
    let answer = of(&["personal"]).await;
    let error = &answer["errors"]["p/personal"];
    assert_eq!(error["code"], "SESSION_REQUIRED");
    assert!(error["message"].as_str().unwrap().contains("session"), "{error}");
}

#[tokio::test]
async fn promise_9_a_message_is_the_code_and_the_next_step() {
    let answer = of(&["down", "ended"]).await;
    let errors = &answer["errors"];
    assert_eq!(errors["p/down"]["message"], "unavailable: Try again in 7 s.");
    assert_eq!(errors["p/ended"]["message"], "needs_reauth: Sign in again.");
    assert_eq!(errors["p/ended"]["code"], "NEEDS_REAUTH");
}

#[tokio::test]
async fn promise_6_no_detail_of_an_error_leaves() {
    let answer = of(&["down", "ended", "denied", "none", "personal"]).await;
    assert_eq!(answer["errors"].as_object().unwrap().len(), 5);
    assert!(!answer.to_string().contains("canary"), "{answer}");
}

#[tokio::test]
async fn an_id_that_is_none_says_how_one_looks() {
    let ids = json!(["key", "/key", "P Q/key", "", "p/", "p/key"]);
    let answer =
        answer(&json!({"protocolVersion": 1, "provider": "x", "ids": ids}).to_string()).await;
    assert_eq!(answer["values"], json!({"p/key": "key-1"}));
    for id in ["key", "/key", "P Q/key", "", "p/"] {
        assert_eq!(answer["errors"][id]["code"], "INVALID_ID", "{id}");
    }
}
