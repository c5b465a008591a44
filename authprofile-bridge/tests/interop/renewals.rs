//! One login that rotates, two processes of ours and OpenClaw's own locks, and a real issuer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use authprofile_bridge::openclaw::Home;
use authprofile_bridge::provider::{AuthProfileProvider, ModelProvider};
use authprofile_bridge::renewal::OAuthIssuer;
use credential_provider_api::*;
use credential_store::{Grants, MemoryStore};
use oauth_provider::{OAuthCredential, OAuthProvider, OAuthRuntime, ReqwestClient};
use resolution_engine::SystemClock;
use serde_json::{Value, json};

use crate::openclaw::{OpenClaw, Version};

const PROFILE: &str = "example:me";
/// A client of the issuer without a secret.
const CLIENT: &str = "pub";
/// How often each of ours, and theirs, renews. Ours adopts what somebody else has renewed.
const OURS: usize = 30;
const THEIRS: usize = 20;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run .ci/interop bridge"))
}

fn script(name: &str) -> Command {
    let mut command = Command::new(variable("BRIDGE_NODE"));
    command.arg(Path::new(&variable("BRIDGE_SCRIPTS")).join(name));
    command
}

/// What arrived at the issuer's token endpoint: rotations, and refusals.
fn counted() -> (usize, Vec<String>) {
    let log = fs::read_to_string(variable("BRIDGE_ISSUER_LOG")).unwrap();
    let calls = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls: Vec<Value> = calls.filter(|call| call["grant_type"] == "refresh_token").collect();
    let refused = calls.iter().filter(|call| call["status"] != 200).map(Value::to_string).collect();
    (calls.iter().filter(|call| call["rotated"] == true).count(), refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenClaw and an issuer: .ci/interop bridge"]
async fn promise_1_ours_and_openclaws_locks_share_a_login_that_rotates_without_one_reuse() {
    let claw = OpenClaw::new(Version::V2026_5_28, "rotate");
    let issuer = variable("BRIDGE_ISSUER");
    let printed =
        script("login.mjs").args([&issuer, CLIENT, &variable("BRIDGE_BROWSER")]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let tokens: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let agent = claw.state("agents/main/agent");
    fs::create_dir_all(&agent).unwrap();
    let login = json!({"version": 1, "profiles": {PROFILE: {
        "type": "oauth", "provider": "example", "access": tokens["access_token"],
        "refresh": tokens["refresh_token"], "expires": 1,
    }}});
    fs::write(agent.join("auth-profiles.json"), login.to_string()).unwrap();

    let ours = (0..2).map(|_| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "renewals::a_process_of_ours"])
            .env("BRIDGE_CHILD_STATE", claw.state(""))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    let ours: Vec<_> = ours.collect();
    let theirs = script("renew.mjs")
        .args([&variable("BRIDGE_OPENCLAW_5"), agent.to_str().unwrap(), PROFILE])
        .args([tokens["token_endpoint"].as_str().unwrap(), CLIENT, &THEIRS.to_string()])
        .env("HOME", claw.state(""))
        .env("OPENCLAW_STATE_DIR", claw.state(""))
        .output()
        .unwrap();
    for mut child in ours {
        let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
        assert!(status.success());
    }
    assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stdout));
    let (rotations, refused) = counted();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(rotations >= 50, "only {rotations} rotations");
    let left = fs::read_dir(claw.state("locks/oauth-refresh")).unwrap().count();
    assert_eq!(left, 0, "no lock is left behind");
}

/// Run by the test above, twice at once. Without a parent it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a parent: the test above starts it"]
async fn a_process_of_ours() {
    let Some(state) = std::env::var_os("BRIDGE_CHILD_STATE").map(PathBuf::from) else { return };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let runtime = OAuthRuntime {
        http: Arc::new(ReqwestClient::new().unwrap()),
        grants: Grants::builder(Arc::new(MemoryStore::new())).clock(clock.clone()).build(),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(u64::from(std::process::id()))),
    };
    let id = ProviderId::new("client").unwrap();
    let client = OAuthProvider::builder(id, variable("BRIDGE_ISSUER"), CLIENT)
        .credential(OAuthCredential::gateway(CredentialId::new("unused").unwrap()))
        .build(runtime)
        .unwrap();
    let issuer = ModelProvider::new().issuer(Arc::new(OAuthIssuer::new(Arc::new(client))));
    let provider =
        AuthProfileProvider::builder(ProviderId::new("profiles").unwrap(), Home::at(&state))
            .model_provider("example", issuer)
            .build(clock.clone())
            .unwrap();
    let name = CredentialRef::parse(&format!("profiles/{PROFILE}")).unwrap();
    let request = Request::new(Key::gateway(&name), clock);
    let Resolution::Credential(mut current) = provider.resolve(&request).await.unwrap() else {
        panic!("a login")
    };
    for _ in 0..OURS {
        let next = provider.refresh(&request, &current, Reason::Rejected).await.unwrap();
        let Resolution::Credential(next) = next else { panic!("{next:?}") };
        assert!(!next.same_secrets(&current));
        current = next;
    }
}
