//! The policy of a namespace.

use serde_json::{Value, json};

use crate::world::{World, refused};

fn asked(user: &str, kind: &str, id: &str) -> Value {
    json!({
        "NamespaceName": "default", "Principal": { "Type": "user", "Id": user },
        "Operation": { "Type": "Action", "Id": "invoke" }, "Resource": { "Type": kind, "Id": id },
    })
}

#[tokio::test]
async fn what_no_rule_allows_is_denied_and_a_forbidding_rule_wins() {
    let world = World::new().await;
    for (user, kind, id, allowed) in [
        ("u-bob", "agent", "openclaw-agent", true),
        ("u-bob", "agent", "another", false),
        ("u-alice", "tool", "browser", true),
        ("u-bob", "tool", "browser", false),
        ("u-alice", "tool", "shell", false),
    ] {
        let answer = world.call("CheckPermission", asked(user, kind, id)).await.unwrap();
        assert_eq!(answer["Allowed"], allowed, "{user} {kind} {id}");
    }
}

#[tokio::test]
async fn callers_before_can_be_limited() {
    let world = World::new().await;
    world.emulator.change(|state| {
        let namespace = &mut state.account_mut(crate::world::ACCOUNT).unwrap().namespaces[0];
        namespace.rules[0].original_callers =
            Some(vec![serde_json::from_value(json!({ "Type": "agent", "Id": "known" })).unwrap()]);
    });
    let with = |callers: Value| {
        let mut asked = asked("u-bob", "agent", "openclaw-agent");
        asked["OriginalCallers"] = callers;
        asked
    };
    for (callers, allowed) in [
        (json!([]), true),
        (json!([{ "Type": "agent", "Id": "known" }]), true),
        (json!([{ "Type": "agent", "Id": "known" }, { "Type": "agent", "Id": "other" }]), false),
    ] {
        let answer = world.call("CheckPermission", with(callers)).await.unwrap();
        assert_eq!(answer["Allowed"], allowed);
    }
    let mut elsewhere = asked("u-bob", "agent", "openclaw-agent");
    elsewhere["NamespaceName"] = json!("none");
    let none = world.call("CheckPermission", elsewhere).await;
    assert_eq!(none, Err(refused(404, "NotFound.Namespace")));
}
