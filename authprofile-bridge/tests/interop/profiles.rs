//! Profiles of every kind that we wrote, listed and used by an OpenClaw; and its books, read by us.

use std::sync::Arc;

use authprofile_bridge::json::Raw;
use authprofile_bridge::openclaw::{AgentId, AuthProfileStore, Home, Profile, ProfileKind};
use credential_provider_api::Timestamp;
use serde_json::{Value, json};

use crate::common::WallClock;
use crate::model::Model;
use crate::openclaw::{OpenClaw, Version};
use crate::refs::{KEY, reference, resolver};

/// Far ahead.
const LATER: f64 = 4_000_000_000_000.0;

/// The profiles: id, as which type it is listed, and the bearer that a model gets by it.
const PROFILES: [(&str, &str, &str); 4] = [
    ("local:key", "api_key", "sk-test-inline"),
    ("local:reference", "api_key", KEY),
    ("local:token", "token", "tok-test-inline"),
    ("local:login", "oauth", "at-test-inline"),
];

fn profile(id: &str) -> Profile {
    let (kind, fields) = match id {
        "local:key" => (ProfileKind::ApiKey, vec![("key", Raw::from_text("sk-test-inline"))]),
        "local:reference" => {
            let reference = Raw::checked(&reference().to_string()).unwrap();
            (ProfileKind::ApiKey, vec![("keyRef", reference)])
        }
        "local:token" => {
            let token = Raw::from_text("tok-test-inline");
            (ProfileKind::Token, vec![("token", token), ("expires", Raw::from_number(LATER))])
        }
        _ => {
            let (access, refresh) = (Raw::from_text("at-test-inline"), Raw::from_text("rt-test"));
            let expires = Raw::from_number(LATER);
            (
                ProfileKind::OAuth,
                vec![("access", access), ("refresh", refresh), ("expires", expires)],
            )
        }
    };
    let mut profile = Profile::new(kind, "local");
    profile.edit(|entry| fields.into_iter().for_each(|(name, raw)| entry.set(name, raw)));
    profile
}

#[tokio::test]
#[ignore = "needs OpenClaw: .ci/interop bridge"]
async fn what_we_write_of_every_kind_is_listed_and_used_and_its_books_are_read() {
    let model = Model::start();
    let claw = OpenClaw::new(Version::V2026_5_28, "profiles");
    let mut models = model.configuration(&Value::Null);
    // No key in the configuration: the profiles have them.
    models["providers"]["local"].as_object_mut().unwrap().remove("apiKey");
    claw.configure(&json!({
        "secrets": {"providers": {"bridge": resolver(&claw)}},
        "models": models,
        "agents": {"defaults": {"model": {"primary": "local/pong"}}},
    }));
    let home = Home::at(&claw.state(""));
    let store = AuthProfileStore::of(&home, &AgentId::main(), Arc::new(WallClock));
    let edited = store.edit(|profiles| {
        PROFILES.iter().for_each(|(id, ..)| profiles.put(id, &profile(id)));
        Ok(())
    });
    edited.await.unwrap();
    let listed = claw.run("models auth list --json").await.ok().json();
    for (id, kind, _) in PROFILES {
        let found = listed["profiles"].as_array().unwrap().iter().find(|one| one["id"] == id);
        assert_eq!(found.unwrap_or_else(|| panic!("{id}: {listed}"))["type"], kind, "{id}");
    }
    for (at, (id, _, bearer)) in PROFILES.into_iter().enumerate() {
        // It tries them in this order.
        let first = store.edit(move |profiles| {
            profiles.set_order("local", [id]);
            Ok(())
        });
        first.await.unwrap();
        let words = ["agent", "--local", "--agent", "main", "--message", "say pong", "--json"];
        let answer = claw.run_words(&words, "").await.ok();
        assert_eq!(answer.json()["payloads"][0]["text"], "pong", "{id}");
        assert_eq!(model.bearers().get(at).map(String::as_str), Some(bearer), "{id}");
        let profiles = store.load().await.unwrap();
        assert!(profiles.usage(id).last_used() > Timestamp::EPOCH, "{id}");
        assert_eq!(profiles.last_good("local").as_deref(), Some(id));
    }
}
