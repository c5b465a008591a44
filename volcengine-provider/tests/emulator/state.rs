//! The state file.

use volcengine_provider::emulator::{EXAMPLE, Emulator, EmulatorError, Secret, State};

use crate::world::{ACCOUNT, World};

fn wrong(text: &str) -> String {
    match State::from_json(text) {
        Err(EmulatorError::State(what)) => what,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken"),
    }
}

#[test]
fn the_example_has_one_of_everything() {
    let state = State::from_json(EXAMPLE).unwrap();
    let account = state.account(ACCOUNT).unwrap();
    let lengths = [
        account.access_keys.len(),
        account.sessions.len(),
        account.users.len(),
        account.roles.len(),
        account.workload_pools.len(),
        account.workload_identities.len(),
        account.api_key_providers.len(),
        account.oauth_providers.len(),
        account.role_providers.len(),
        account.user_credentials.len(),
        account.user_pools.len(),
        account.namespaces.len(),
        state.metadata.roles.len(),
    ];
    assert!(lengths.iter().all(|length| *length > 0), "{lengths:?}");
}

#[test]
fn what_nobody_knows_is_an_error_and_no_value_is_shown() {
    assert_eq!(wrong(r#"{ "Regoin": "canary" }"#), "line 1 has the unknown field `Regoin`");
    let text = r#"{ "Accounts": [{ "AccessKeys": ["canary-secret"] }] }"#;
    assert_eq!(wrong(text), "line 1 has a value of the wrong type");
    assert_eq!(wrong("canary"), "line 1 is not JSON");
}

#[tokio::test]
async fn what_is_left_out_is_filled_in() {
    let key = State::from_json(EXAMPLE).unwrap().signing_key;
    let mut state =
        State::from_json(r#"{ "Accounts": [{ "AccountId": 7, "UserPools": [{ "Name": "p" }] }] }"#)
            .unwrap();
    state.signing_key = key;
    let world = World::with(state).await;
    let state = world.emulator.state();
    let account = state.account(7).unwrap();
    assert_eq!((&*state.region, &*account.service_status), ("cn-beijing", "Running"));
    assert_eq!(account.workload_pools[0].workload_pool_name, "default");
    assert!(!account.user_pools[0].uid.is_empty());
    assert_eq!(account.user_pools[0].create_time, "2026-09-21T14:13:20Z");
}

#[tokio::test]
async fn without_a_usable_key_nothing_starts() {
    for pem in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        let mut state = State::from_json(EXAMPLE).unwrap();
        state.signing_key = Secret::new(pem);
        let clock = std::sync::Arc::new(credential_provider_api::ManualClock::default());
        let started = Emulator::start(state, clock).await;
        assert!(matches!(started, Err(EmulatorError::State(_))), "{started:?}");
    }
}
