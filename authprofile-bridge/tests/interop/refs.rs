//! OpenClaw asks a program for a model's key, and the model gets the key that the program gave.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::model::Model;
use crate::openclaw::{BOTH, OpenClaw, Version};

/// What the gateway's provider has.
pub const KEY: &str = "sk-test-of-the-gateways-model";

/// OpenClaw's configuration of our resolver, which has a gateway's own.
pub fn resolver(claw: &OpenClaw) -> Value {
    let program =
        std::env::var("SECRETREF_BIN").expect("SECRETREF_BIN is not set: run .ci/interop bridge");
    let folder = claw.state("");
    std::fs::create_dir_all(&folder).unwrap();
    let (keys, configuration) = (folder.join("keys.json"), folder.join("credentials.json5"));
    private(&keys, &json!({"keys": {"model": KEY}}));
    private(
        &configuration,
        &json!({
            "credentialProviders": {"vault": {"type": "file", "path": keys}},
            "credentialAccess": [{"consumer": "secretref:exec", "credential": "vault/model"}],
        }),
    );
    json!({
        "source": "exec",
        "command": program,
        "args": ["--config", configuration],
        "jsonOnly": true,
    })
}

/// The reference that it answers with [`KEY`].
pub fn reference() -> Value {
    json!({"source": "exec", "provider": "bridge", "id": "vault/model"})
}

/// An OpenClaw whose model's key is a SecretRef to our resolver.
fn with_reference(version: Version, name: &str, model: &Model) -> OpenClaw {
    let claw = OpenClaw::new(version, name);
    claw.configure(&json!({
        "secrets": {"providers": {"bridge": resolver(&claw)}},
        "models": model.configuration(&reference()),
        "agents": {"defaults": {"model": {"primary": "local/pong"}}},
    }));
    claw
}

fn private(file: &Path, json: &Value) {
    std::fs::write(file, json.to_string()).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
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
        assert_eq!(model.bearers(), [KEY], "{version:?}");
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
