//! OpenClaw asks a program for a model's key, and the model gets the key that the program gave.

use serde_json::json;

use crate::model::Model;
use crate::openclaw::{BOTH, OpenClaw};

/// An OpenClaw whose model's key is a SecretRef to the program in `SECRETREF_BIN`.
fn with_reference(version: crate::openclaw::Version, name: &str, model: &Model) -> OpenClaw {
    let claw = OpenClaw::new(version, name);
    let program =
        std::env::var("SECRETREF_BIN").expect("SECRETREF_BIN is not set: run .ci/interop bridge");
    let reference = json!({"source": "exec", "provider": "bridge", "id": "model/key"});
    claw.configure(&json!({
        "secrets": {"providers": {"bridge": {"source": "exec", "command": program, "args": [], "jsonOnly": true}}},
        "models": model.configuration(&reference),
        "agents": {"defaults": {"model": {"primary": "local/pong"}}},
    }));
    claw
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn a_turn_of_the_agent_arrives_with_the_bearer_that_the_resolver_gave() {
    for version in BOTH {
        let model = Model::start();
        let claw = with_reference(version, "turn", &model);
        let words = ["agent", "--local", "--agent", "main", "--message", "say pong", "--json"];
        let answer = claw.run_words(&words, "").await.ok();
        assert_eq!(answer.json()["payloads"][0]["text"], "pong", "{version:?}");
        assert_eq!(model.bearers(), ["sk-test-of-model/key"], "{version:?}");
    }
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn an_audit_of_the_secrets_finds_nothing_unresolved() {
    for version in BOTH {
        let model = Model::start();
        let claw = with_reference(version, "audit", &model);
        let found = claw.run("secrets audit --json --allow-exec").await.ok().json();
        assert_eq!(found["status"], "clean", "{version:?}: {found}");
        assert_eq!(found["resolution"]["refsChecked"], 1, "{version:?}: {found}");
        assert_eq!(found["resolution"]["skippedExecRefs"], 0, "{version:?}: {found}");
        assert_eq!(found["summary"]["unresolvedRefCount"], 0, "{version:?}: {found}");
    }
}
