//! A gateway that starts with hundreds of sessions.

use std::future::IntoFuture as _;

use futures::future::join_all;
use resolution_engine::Tuning;
use serde_json::json;

use crate::world::{ACCOUNT, Host, account, member, name};

const SESSIONS: usize = 500;
const KEYS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_1_five_hundred_sessions_exchange_once_each_at_four_calls_at_a_time() {
    let mut tuning = Tuning::default();
    tuning.calls = 4;
    tuning.calls_per_provider = 4;
    tuning.entries = 50_000;
    tuning.waiters = 50_000;
    // The clock stands still; nothing may end for want of real time.
    let mut host = Host { tuning, ..Host::default() };
    let providers = &mut host.state.account_mut(ACCOUNT).unwrap().api_key_providers;
    for number in 0..KEYS {
        let mut one = providers[0].clone();
        one.name = format!("k{number}");
        providers.push(one);
    }
    host.settings = json!({ "userPool": {
        "name": "people", "clientName": "gateway", "callbackUrl": crate::world::CALLBACK,
    } });
    let world = host.start().await;
    let users = ["alice", "bob"];
    let sessions: Vec<_> = (0..SESSIONS).map(|number| member(&format!("m{number}"))).collect();
    for (number, _) in sessions.iter().enumerate() {
        let flow = world.begin("identity", &format!("m{number}")).await.unwrap();
        let person = volcengine_provider::emulator::Person::Allows(users[number % 2]);
        let back = world.emulator.browse(&crate::world::page(&flow), person).await.unwrap();
        let answer = credential_provider_api::SignInAnswer::Pasted(back.into());
        flow.answer(answer).await.unwrap();
    }
    let tool = world.engine.consumer("tool:web").unwrap();
    let names: Vec<_> = (0..KEYS).map(|number| name(&format!("key/k{number}"))).collect();
    let asking = sessions.iter().flat_map(|session| {
        names.iter().map(|name| tool.request(name).session(session).into_future())
    });
    let answers = join_all(asking).await;
    for (number, answer) in answers.into_iter().enumerate() {
        let key = answer.unwrap();
        let uid = if (number / KEYS).is_multiple_of(2) { "u-alice" } else { "u-bob" };
        assert_eq!(key.account(), account(uid).as_ref(), "{number}");
    }
    let counters = world.emulator.counters();
    assert_eq!(counters.action("GetWorkloadAccessTokenForJWT"), SESSIONS as u64);
    assert_eq!(counters.action("GetResourceApiKey"), (SESSIONS * KEYS) as u64);
    assert!(counters.most_in_flight <= 4, "{}", counters.most_in_flight);
    world.stop().await;
}
