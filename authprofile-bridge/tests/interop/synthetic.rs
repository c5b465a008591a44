//! Synthetic profiles in an OpenClaw that keeps its profiles in JSON.

#[path = "../authority/mod.rs"]
mod authority;

use std::sync::Arc;

use authprofile_bridge::openclaw::AuthProfileStore;
use authprofile_bridge::synthetic::{SyntheticProfile, SyntheticProfiles, SyntheticStanding};
use credential_provider_api::{Credential, State};
use serde_json::{Value, json};

use self::authority::{Fake, reference};
use crate::common::WallClock;
use crate::model::Model;
use crate::openclaw::{OpenClaw, Version};

const TOKEN: &str = "at-test-of-a-synthetic-profile";
const ID: &str = "local:cp-model";

async fn until(profiles: &mut SyntheticProfiles, wanted: impl Fn(SyntheticStanding) -> bool) {
    let limit = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !wanted(profiles.status()[0].standing) {
            profiles.changed().await;
        }
    });
    limit.await.unwrap_or_else(|_| panic!("{:?}", profiles.status()));
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn openclaw_uses_a_synthetic_profile_and_its_own_saves_leave_it_ours() {
    let model = Model::start();
    let claw = OpenClaw::new(Version::V2026_5_28, "synthetic");
    let mut models = model.configuration(&Value::Null);
    // No key in the configuration: a profile has it.
    models["providers"]["local"].as_object_mut().unwrap().remove("apiKey");
    claw.configure(&json!({
        "models": models,
        "agents": {"defaults": {"model": {"primary": "local/pong"}}},
    }));
    let folder = claw.state("agents/main/agent");
    let clock = Arc::new(WallClock);
    let store = AuthProfileStore::new(&folder, clock.clone());
    let authority = Fake::new();
    authority.answer("vault/model", Ok(Credential::token(TOKEN.into())));
    let said = SyntheticProfile::new(reference("vault/model"), "local");
    let builder = SyntheticProfiles::builder(store, authority.clone(), clock).profile(said);
    let mut profiles = builder.start().await.unwrap();
    until(&mut profiles, |standing| matches!(standing, SyntheticStanding::Written { .. })).await;
    let words = ["agent", "--local", "--agent", "main", "--message", "say pong", "--json"];
    let answer = claw.run_words(&words, "").await.ok();
    assert_eq!(answer.json()["payloads"][0]["text"], "pong");
    assert_eq!(model.bearers(), [TOKEN]);
    // It saves the file, with ours in it.
    let words = "models auth paste-api-key --provider groq --profile-id groq:theirs";
    claw.run_with(words, "sk-test-theirs\n").await.ok();
    let file = || -> Value {
        let text = std::fs::read_to_string(folder.join("auth-profiles.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(file()["profiles"][ID]["token"], TOKEN);
    authority.state_is("vault/model", State::Revoked);
    authority.tell_of("vault/model");
    until(&mut profiles, |standing| standing == SyntheticStanding::Absent).await;
    assert_eq!(file()["profiles"][ID], Value::Null);
    assert_eq!(file()["profiles"]["groq:theirs"]["key"], "sk-test-theirs");
    profiles.shutdown().await;
}
