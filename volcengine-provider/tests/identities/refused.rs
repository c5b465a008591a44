//! One call that is refused: what it costs whoever made it, and nobody else.

use credential_provider_api::ErrorCode;
use serde_json::json;
use volcengine_provider::emulator::Failure;

use crate::world::{Host, World};

const GET: &str = "GetResourceApiKey";

async fn both(host: Host) -> World {
    let world = host.start().await;
    for user in ["alice", "bob"] {
        world.sign_in(user).await;
    }
    world
}

/// What bob gets at once and later, after one call for alice was refused with `code`.
async fn passes(host: Host, code: &str) {
    let world = both(host).await;
    world.emulator.fail(Failure::new(GET, 401, code, 1));
    let refused = world.ask("search", "alice").await;
    for seconds in [0, 2, 60, 600, 1800] {
        world.pass(seconds);
        for id in ["search", "key/search"] {
            let bob = world.ask(id, "bob").await;
            assert!(bob.is_ok(), "{code}, {seconds} s later: {bob:?}");
        }
    }
    let alice = world.ask("search", "alice").await;
    assert!(alice.is_ok(), "{code}: {refused:?}, then {alice:?}");
    world.stop().await;
}

#[tokio::test]
async fn one_spurious_refusal_of_static_keys_passes() {
    for code in ["SignatureDoesNotMatch", "RequestExpired", "InvalidAccessKey", "InvalidToken"] {
        passes(Host::default(), code).await;
    }
}

#[tokio::test]
async fn one_spurious_refusal_of_the_keys_of_a_file_or_of_variables_passes() {
    let name = format!("volcengine-refused-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let keys = json!({ "access_key_id": "AKLT-gateway",
        "secret_access_key": "gateway-example-secret" });
    std::fs::write(&file, keys.to_string()).unwrap();
    let none = json!({ "accessKeyId": null, "secretAccessKey": null, "credentialsFile": file });
    passes(Host::with(none.clone()), "SignatureDoesNotMatch").await;
    std::fs::remove_file(&file).unwrap();
    let mut host = Host::with(none);
    for (name, value) in [
        ("VOLCENGINE_ACCESS_KEY", "AKLT-gateway"),
        ("VOLCENGINE_SECRET_KEY", "gateway-example-secret"),
    ] {
        host.environment.insert(name.to_owned(), value.into());
    }
    passes(host, "SignatureDoesNotMatch").await;
}

#[tokio::test]
async fn keys_that_are_refused_and_are_the_same_where_they_come_from_fail_that_call_alone() {
    let world = both(Host::default()).await;
    world.emulator.fail(Failure::new(GET, 401, "SignatureDoesNotMatch", 1));
    assert_eq!(world.code("search", "alice").await, ErrorCode::Rejected);
    assert_eq!(world.called(GET), 1, "nothing to try again with");
    world.stop().await;
}

#[tokio::test]
async fn one_user_s_ended_token_costs_nobody_else_theirs() {
    for code in ["InvalidToken", "ExpiredToken"] {
        let world = both(Host::default()).await;
        world.ask("search", "bob").await.unwrap();
        let (asked, exchanged) = (world.called(GET), world.called("GetWorkloadAccessTokenForJWT"));
        world.emulator.fail(Failure::new(GET, 401, code, 1));
        let alice = world.ask("search", "alice").await;
        let again = world.ask("search", "bob").await;
        let other = world.ask("key/search", "bob").await;
        assert!(
            alice.is_ok() && again.is_ok() && other.is_ok(),
            "{code}: {alice:?} {again:?} {other:?}"
        );
        // Alice's is had anew, and her call is made again; bob's token is the one there was.
        assert_eq!(world.called("GetWorkloadAccessTokenForJWT"), exchanged + 2, "{code}");
        assert_eq!(world.called(GET), asked + 3, "{code}");
        world.stop().await;
    }
}
