//! What goes wrong on purpose.

use serde_json::json;
use volcengine_provider::emulator::{Failure, Faults};

use crate::world::{World, refused};

const ASK: &str = "GetTenantServiceStatus";

#[tokio::test]
async fn a_failure_happens_as_often_as_it_says() {
    let world = World::new().await;
    world.emulator.fail(Failure::new(ASK, 503, "ServiceUnavailableTemp", 2).retry_after(7));
    let answer = world.raw(&World::gateway(), ASK, &json!({})).await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("7")));
    assert_eq!(world.call(ASK, json!({})).await, Err(refused(503, "ServiceUnavailableTemp")));
    assert!(world.call("GetCallerIdentity", json!({})).await.is_ok());
    assert!(world.call(ASK, json!({})).await.is_ok());
    let counters = world.emulator.counters();
    assert_eq!((counters.action(ASK), counters.outcome(ASK, "ok")), (3, 1));
    assert_eq!(counters.outcome(ASK, "ServiceUnavailableTemp"), 2);
    assert_eq!(counters.keys["AKLT-gateway"], 4);
}

#[tokio::test]
async fn an_error_may_come_with_200_and_a_page_in_place_of_the_envelope() {
    let world = World::new().await;
    world.emulator.fail(Failure::new("*", 200, "NotFound.X", 1));
    assert_eq!(world.call(ASK, json!({})).await, Err(refused(200, "NotFound.X")));
    world.emulator.fail(Failure::page(ASK, 502, "<html>bad gateway</html>", 1));
    let answer = world.raw(&World::gateway(), ASK, &json!({})).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (502, "<html>bad gateway</html>"));
}

#[tokio::test]
async fn throttling_and_dropped_connections_happen_in_their_proportion() {
    let world = World::new().await;
    world.emulator.change(|state| {
        state.faults.throttled_percent = 30;
        state.faults.retry_after_seconds = Some(1);
        state.faults.dropped_percent = 10;
    });
    for _ in 0..300 {
        let answer = world.call(ASK, json!({})).await;
        let expected = [
            Ok(json!({ "Status": "Running" })),
            Err(refused(429, "FlowLimitExceeded")),
            Err(refused(0, "")),
        ];
        assert!(expected.contains(&answer), "{answer:?}");
    }
    let counters = world.emulator.counters();
    assert!((15..=50).contains(&counters.dropped), "{counters:?}");
    assert!((55..=110).contains(&counters.throttled), "{counters:?}");
    assert_eq!(counters.action(ASK), 300);
}

#[tokio::test]
async fn a_lost_answer_has_happened_and_a_dropped_call_has_not() {
    let world = World::new().await;
    let count =
        || world.emulator.state().account(crate::world::ACCOUNT).unwrap().workload_identities.len();
    let before = count();
    world.emulator.change(|state| state.faults.dropped_percent = 100);
    let dropped = world.call("CreateWorkloadIdentity", json!({ "Name": "a" })).await;
    assert_eq!((dropped, count()), (Err(refused(0, "")), before));
    world.emulator.change(|state| {
        state.faults.dropped_percent = 0;
        state.faults.lost_percent = 100;
    });
    let lost = world.call("CreateWorkloadIdentity", json!({ "Name": "a" })).await;
    assert_eq!((lost, count()), (Err(refused(0, "")), before + 1));
}

#[tokio::test]
async fn latency_passes_by_the_emulator_s_clock() {
    let world = World::new().await;
    world.emulator.change(|state| state.faults.latency_millis = 2000);
    let (answers, ()) = tokio::join!(
        async { tokio::join!(world.call(ASK, json!({})), world.call(ASK, json!({}))) },
        async {
            // Nobody is answered before the clock moves.
            while world.emulator.counters().in_flight < 2 {
                tokio::task::yield_now().await;
            }
            while world.emulator.counters().in_flight > 0 {
                world.pass(2);
                tokio::task::yield_now().await;
            }
        }
    );
    assert!(answers.0.is_ok() && answers.1.is_ok(), "{answers:?}");
    let counters = world.emulator.counters();
    assert_eq!((counters.most_in_flight, counters.in_flight), (2, 0));
    world.emulator.set_faults(Faults::default());
    assert!(world.call(ASK, json!({})).await.is_ok());
}
