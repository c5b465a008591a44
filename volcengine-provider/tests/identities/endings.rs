//! What ends while it is in use: each in the code that the README says.

use std::path::PathBuf;

use credential_provider_api::{Credential, CredentialError, ErrorCode, Revocation, SignInAnswer};
use serde_json::{Value, json};
use volcengine_provider::emulator::{Faults, Person};

use crate::world::{ACCOUNT, CALLBACK, Host, World, account, name, page};

const EXCHANGE: &str = "GetWorkloadAccessTokenForJWT";

async fn signed_in(settings: Value) -> World {
    let world = Host::with(settings).start().await;
    world.sign_in("alice").await;
    world.ask("search", "alice").await.unwrap();
    world
}

fn faults(change: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    change(&mut faults);
    faults
}

#[tokio::test]
async fn a_clock_ten_minutes_off_is_said_to_be_and_mends() {
    for skew in [600, -600] {
        let world = signed_in(json!({})).await;
        world.emulator.set_faults(faults(|faults| faults.clock_skew_seconds = skew));
        let error = world.ask("key/search", "alice").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "{skew}");
        assert!(error.detail().contains("invalidtimestamp"), "{}", error.detail());
        assert!(world.ask("search", "alice").await.is_ok(), "what is good is served");
        world.emulator.set_faults(Faults::default());
        world.pass(61);
        assert!(world.ask("key/search", "alice").await.is_ok(), "{skew}");
        world.stop().await;
    }
}

#[tokio::test]
async fn an_issuer_ten_minutes_ahead_signs_nobody_in() {
    let world = Host::with(json!({ "userPool": {
        "discoveryUrl": "{url}/userpool/people", "clientId": "gateway-web",
        "clientSecret": "gateway-client-example-secret", "callbackUrl": CALLBACK,
    } }));
    let world = world.start().await;
    world.emulator.set_faults(faults(|faults| faults.clock_skew_seconds = 600));
    let flow = world.begin("identity", "alice").await.unwrap();
    let back = world.emulator.browse(&page(&flow), Person::Allows("alice")).await.unwrap();
    let error = flow.answer(SignInAnswer::Pasted(back.into())).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    assert!(error.detail().contains("clocks"), "{}", error.detail());
    flow.cancel();
    world.emulator.set_faults(Faults::default());
    world.sign_in("alice").await;
    world.stop().await;
}

/// Asks while the call is held up, and ends all temporary keys meanwhile.
async fn ended_in_flight(world: &World) -> Result<std::sync::Arc<Credential>, CredentialError> {
    world.emulator.set_faults(faults(|faults| faults.latency_millis = 1000));
    let before = world.called("GetResourceApiKey");
    let end = async {
        while world.called("GetResourceApiKey") == before {
            tokio::task::yield_now().await;
        }
        world.emulator.expire_sts();
        world.emulator.set_faults(Faults::default());
        world.pass(1);
    };
    futures::join!(world.ask("key/search", "alice"), end).0
}

#[tokio::test]
async fn sts_keys_that_end_in_mid_flight_are_had_anew_and_the_call_is_made_again() {
    let world = signed_in(json!({ "roleTrn": format!("trn:iam::{ACCOUNT}:role/agent"),
        "workload": { "name": "openclaw-agent" } }))
    .await;
    let assumed = world.called("AssumeRole");
    let key = ended_in_flight(&world).await.unwrap();
    assert_eq!(key.account(), account("u-alice").as_ref());
    assert_eq!(world.called("AssumeRole"), assumed + 1);
    let counters = world.emulator.counters();
    assert_eq!(counters.outcome("GetResourceApiKey", "InvalidSecretToken"), 1);
    world.stop().await;
}

#[tokio::test]
async fn sts_keys_that_end_and_have_no_source_are_rejected() {
    let world = signed_in(json!({
        "accessKeyId": "AKTP-agent", "secretAccessKey": "agent-example-secret",
        "sessionToken": "STS-agent-example-token",
    }))
    .await;
    assert_eq!(ended_in_flight(&world).await.unwrap_err().code(), ErrorCode::Rejected);
    world.stop().await;
}

/// A credential file of the test's own, removed with it.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("volcengine-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn put(&self, id: &str, secret: &str) {
        let keys = json!({ "access_key_id": id, "secret_access_key": secret });
        self.write(&keys.to_string());
    }

    fn write(&self, text: &str) {
        // Beside it and over it, as whoever rotates keys does.
        let beside = self.0.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, &self.0).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Until the file has been looked at: what is asked for anew has the answer.
async fn looked_at(world: &World, code: Option<ErrorCode>) -> CredentialError {
    for _ in 0..100 {
        world.pass(5);
        tokio::task::yield_now().await;
        world.engine.administrator().at(&name("user-pool")).invalidate().unwrap();
        if let Err(error) = world.meanwhile(world.ask("key/search", "alice")).await
            && code.is_none_or(|code| code == error.code())
        {
            return error;
        }
    }
    panic!("the file was not looked at");
}

#[tokio::test]
async fn a_credential_file_that_is_swapped_is_used_and_one_that_is_none_is_said() {
    let file = File::new("swapped");
    file.put("AKLT-gateway", "gateway-example-secret");
    let world = signed_in(json!({
        "accessKeyId": null, "secretAccessKey": null, "credentialsFile": file.0,
    }))
    .await;
    // The old key ends as the new one is put there: nobody has to wait until it is looked at.
    file.put("AKLT-root", "root-example-secret");
    world.emulator.change(|state| {
        let keys = &mut state.account_mut(ACCOUNT).unwrap().access_keys;
        keys.iter_mut().find(|key| key.access_key_id == "AKLT-gateway").unwrap().disabled = true;
    });
    assert!(world.ask("key/search", "alice").await.is_ok());
    assert!(world.emulator.counters().keys["AKLT-root"] >= 1);
    file.write("{");
    let error = looked_at(&world, Some(ErrorCode::InvalidResponse)).await;
    assert!(error.detail().contains("credential file"), "{}", error.detail());
    std::fs::remove_file(&file.0).unwrap();
    looked_at(&world, Some(ErrorCode::NotConfigured)).await;
    world.stop().await;
}

#[tokio::test]
async fn a_workload_that_is_deleted_and_not_to_be_created_is_not_found() {
    let world = signed_in(json!({ "workload": { "autoCreate": false } })).await;
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().workload_identities.clear();
    });
    assert_eq!(world.code("key/search", "alice").await, ErrorCode::CredentialNotFound);
    assert_eq!(world.called("CreateWorkloadIdentity"), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_workload_pool_that_is_renamed_is_not_found() {
    let key = json!({ "type": "api_key", "poolName": "default", "origins": ["{url}"] });
    let settings = json!({ "workload": { "poolName": "eager" }, "credentials": { "search": key } });
    let world = signed_in(settings).await;
    world.emulator.change(|state| {
        let pools = &mut state.account_mut(ACCOUNT).unwrap().workload_pools;
        let pool = pools.iter_mut().find(|pool| pool.workload_pool_name == "eager").unwrap();
        pool.workload_pool_name = "keen".into();
    });
    // Its tokens are good until they end.
    assert!(world.ask("search", "alice").await.is_ok());
    world.pass(3700);
    let error = world.ask("search", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::CredentialNotFound);
    assert_eq!(world.emulator.counters().outcome(EXCHANGE, "NotFound.WorkloadPool"), 1);
    world.stop().await;
}

#[tokio::test]
async fn a_user_pool_that_is_renamed_signs_out_nobody_and_is_not_configured_once_looked_up() {
    let pool = json!({ "userPool": { "name": "people", "clientName": "gateway",
        "callbackUrl": CALLBACK, "autoCreate": false } });
    let world = signed_in(pool).await;
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().user_pools[0].name = "folk".into();
    });
    world.pass(3700);
    assert!(world.ask("search", "alice").await.is_ok(), "the pool is known by its uid");
    world.engine.administrator().at(&name("user-pool")).invalidate().unwrap();
    let error = world.begin("identity", "bob").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    world.stop().await;
}

#[tokio::test]
async fn a_disabled_user_is_refused_at_once_and_signed_out_with_the_identity() {
    let world = signed_in(json!({})).await;
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().user_pools[0].users[0].disabled = true;
    });
    // The tokens there are say nothing of it; the service does.
    let error = world.ask("key/search", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    assert!(error.detail().contains("disabled"), "{}", error.detail());
    world.pass(3700);
    let error = world.ask("search", "alice").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReauth);
    assert_eq!(error.reason().unwrap().as_str(), "grant_rejected");
    let at = world.engine.administrator().at(&name("identity"));
    let at = at.session(&crate::world::member("alice"));
    assert_eq!(at.sign_out().await.unwrap(), Revocation::Remote, "there is a token to revoke");
    world.stop().await;
}
