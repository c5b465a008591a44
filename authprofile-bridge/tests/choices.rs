//! Which profile is next, and what the books say afterwards: as OpenClaw's own code decided.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use authprofile_bridge::json::Object;
use authprofile_bridge::openclaw::{Config, Era, FailureReason, For, Profiles, Usage, order};
use credential_provider_api::Timestamp;
use serde_json::Value;

/// Recorded from OpenClaw 2026.5.28.
const ERA_B: &str = include_str!("fixtures/choices-2026.5.28.json");
/// Recorded from OpenClaw 2026.9.6.
const ERA_C: &str = include_str!("fixtures/choices-2026.9.6.json");

fn recorded(from: &str, what: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(from).unwrap();
    let cases = all[what].as_array().unwrap().clone();
    assert!(cases.len() >= 100, "{}", cases.len());
    cases
}

fn now(case: &Value) -> Timestamp {
    Timestamp::from_millis(case["now"].as_u64().unwrap())
}

#[test]
fn the_next_profile_is_the_one_openclaw_would_choose() {
    let cases = recorded(ERA_B, "orders").into_iter().map(|case| (Era::B, case));
    let later = recorded(ERA_C, "orders").into_iter().map(|case| (Era::C, case));
    for (era, case) in cases.chain(later) {
        let profiles = Profiles::parse(&case["store"].to_string(), None).unwrap().of_era(era);
        let config = Config::parse(&case["config"].to_string()).unwrap();
        let whom = case["pinned"].as_str().map_or_else(For::default, For::pinned);
        let provider = case["provider"].as_str().unwrap();
        let choices = order(&profiles, &config, provider, whom, now(&case));
        let ids: Vec<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
        let theirs: Vec<&str> =
            case["order"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(ids, theirs, "{case:#}");
    }
}

#[test]
fn the_books_say_what_openclaw_would_have_written() {
    let cases = recorded(ERA_B, "books").into_iter().map(|case| (Era::B, case));
    let later = recorded(ERA_C, "books").into_iter().map(|case| (Era::C, case));
    for (era, case) in cases.chain(later) {
        let provider = case["provider"].as_str().unwrap();
        let before = Object::parse(&case["before"].to_string()).unwrap();
        let config = Config::parse(&case["config"].to_string()).unwrap();
        let mut usage = Usage::new(before);
        let model = case["model"].as_str();
        match case["reason"].as_str().unwrap() {
            "success" => usage.succeeded(now(&case)),
            reason => {
                let reason = FailureReason::parse(reason).unwrap();
                usage.failed_for(provider, reason, model, (&config, era), now(&case));
            }
        }
        let mut ours: Value = serde_json::from_str(&usage.object().to_text(0)).unwrap();
        // A field that this version does not know is dropped by it when it writes, and kept by us.
        let mut theirs = case["after"].clone();
        let unknown = ours.as_object_mut().unwrap().remove("lastProbeAt");
        assert_eq!(unknown.as_ref(), case["before"].get("lastProbeAt"), "{case:#}");
        theirs.as_object_mut().unwrap().remove("lastProbeAt");
        assert_eq!(plain(&ours), plain(&theirs), "{case:#}");
    }
}

/// Whole numbers are one thing, however they are written.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        other => other.clone(),
    }
}
