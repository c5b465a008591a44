//! Who may call.

use serde_json::json;

use crate::wire::{Key, send};
use crate::world::{ACCOUNT, World, refused};

const ASK: &str = "GetTenantServiceStatus";

#[tokio::test]
async fn a_call_that_nobody_signed_is_refused() {
    let world = World::new().await;
    let target = format!("/?Action={ASK}&Version=2025-10-30");
    let answer = send(world.emulator.address(), "POST", &target, &[], "{}").await.unwrap();
    let error = &answer.json()["ResponseMetadata"]["Error"];
    assert_eq!((answer.status, &error["Code"]), (401, &json!("MissingAuthenticationToken")));
    assert_eq!(error["CodeN"], 100_003);
    assert_eq!(
        answer.header("x-tt-logid").unwrap(),
        answer.json()["ResponseMetadata"]["RequestId"]
    );
}

#[tokio::test]
async fn each_way_of_being_nobody_has_its_code() {
    let world = World::new().await;
    let (good, agent) = (World::gateway(), world.agent().await);
    let with = |id: &str, secret: &str, token: Option<&str>| Key {
        id: id.into(),
        secret: secret.into(),
        token: token.map(str::to_owned),
    };
    for (key, code) in [
        (with("AKLT-nobody", &good.secret, None), "InvalidAccessKey"),
        (with(&good.id, "another", None), "SignatureDoesNotMatch"),
        (with(&good.id, &good.secret, Some("STS-any")), "InvalidSecretToken"),
        (with(&agent.id, &agent.secret, None), "InvalidSecretToken"),
        (with(&agent.id, &agent.secret, Some("STS-other")), "InvalidSecretToken"),
    ] {
        assert_eq!(world.call_as(&key, ASK, json!({})).await, Err(refused(401, code)));
    }
    assert!(world.call_as(&agent, ASK, json!({})).await.is_ok());
    world
        .emulator
        .change(|state| state.account_mut(ACCOUNT).unwrap().access_keys[1].disabled = true);
    assert_eq!(world.call(ASK, json!({})).await, Err(refused(401, "InvalidAccessKey")));
}

#[tokio::test]
async fn a_temporary_key_ends_by_the_clock() {
    let world = World::new().await;
    let agent = world.agent().await;
    world.pass(899);
    assert!(world.call_as(&agent, ASK, json!({})).await.is_ok());
    world.pass(1);
    let ended = world.call_as(&agent, ASK, json!({})).await;
    assert_eq!(ended, Err(refused(401, "InvalidSecretToken")));
    let other = world.agent().await;
    world.emulator.expire_sts();
    let ended = world.call_as(&other, ASK, json!({})).await;
    assert_eq!(ended, Err(refused(401, "InvalidSecretToken")));
}

#[tokio::test]
async fn a_temporary_key_of_the_state_ends_at_its_time_with_its_offset() {
    let world = World::new().await;
    let key = |name: &str| Key {
        id: format!("AKTP-{name}"),
        secret: format!("{name}-example-secret"),
        token: Some(format!("STS-{name}-example-token")),
    };
    let who = world.call_as(&key("agent"), "GetCallerIdentity", json!({})).await.unwrap();
    assert_eq!(who["IdentityId"], "agent:machine");
    let end = chrono::DateTime::parse_from_rfc3339("2036-01-01T00:00:00Z").unwrap().timestamp();
    world.pass(u64::try_from(end - world.now() - 1).unwrap());
    assert!(world.call_as(&key("agent"), "GetCallerIdentity", json!({})).await.is_ok());
    world.pass(1);
    for name in ["agent", "ended"] {
        let ended = world.call_as(&key(name), "GetCallerIdentity", json!({})).await;
        assert_eq!(ended, Err(refused(401, "InvalidSecretToken")));
    }
}

#[tokio::test]
async fn a_lifetime_too_short_or_too_long_becomes_one_there_is() {
    let world = World::new().await;
    for (asked, seconds) in [(1, 3600), (900, 900), (43_201, 43_200)] {
        let role = format!("trn:iam::{ACCOUNT}:role/agent");
        let asked = json!({ "RoleTrn": role, "RoleSessionName": "s-1", "DurationSeconds": asked });
        let answer = world.call("AssumeRole", asked).await.unwrap();
        let end = answer["Credentials"]["ExpiredTime"].as_str().unwrap();
        assert!(end.ends_with("+08:00"), "{end}");
        let end = chrono::DateTime::parse_from_rfc3339(end).unwrap().timestamp();
        assert_eq!(end - world.now(), seconds);
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_noticed() {
    let world = World::new().await;
    for (skew, right) in [(300, true), (-300, true), (301, false), (-600, false)] {
        world.emulator.change(|state| state.faults.clock_skew_seconds = skew);
        let answer = world.call(ASK, json!({})).await;
        let expected = if right {
            Ok(json!({ "Status": "Running" }))
        } else {
            Err(refused(400, "InvalidTimestamp"))
        };
        assert_eq!(answer, expected, "{skew}");
    }
}

#[tokio::test]
async fn a_policy_limits_what_a_user_may_do() {
    let world = World::new().await;
    let reader =
        Key { id: "AKLT-reader".into(), secret: "reader-example-secret".into(), token: None };
    let page = json!({ "PageNumber": 1, "PageSize": 1 });
    assert!(world.call_as(&reader, "ListCredentialProviders", page).await.is_ok());
    assert!(world.call_as(&reader, "GetCallerIdentity", json!({})).await.is_ok());
    let denied = world.call_as(&reader, ASK, json!({})).await;
    assert_eq!(denied, Err(refused(403, "AccessDenied")));
}

#[tokio::test]
async fn an_unknown_action_is_404_too() {
    let world = World::new().await;
    let unknown = world.call("ListDepartments", json!({})).await;
    assert_eq!(unknown, Err(refused(404, "InvalidActionOrVersion")));
}
