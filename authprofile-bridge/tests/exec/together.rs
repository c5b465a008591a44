//! All ids of a request at once, and each within its time.

use std::sync::Arc;
use std::time::Duration;

use authprofile_bridge::exec::{ExecLimits, serve};
use credential_provider_api::{Credential, CredentialRef, ManualClock, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::common::Host;

#[tokio::test]
async fn all_ids_are_under_way_at_once() {
    // Nobody gets on before all have come.
    let barrier = Arc::new(Barrier::new(50));
    let met = |wanted: CredentialRef, _: Timestamp| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Ok(Arc::new(Credential::api_key(wanted.id.as_str().to_owned().into())))
        }
    };
    let ids: Vec<_> = (0..50).map(|n| format!("p/k{n}")).collect();
    let request = json!({"protocolVersion": 1, "provider": "x", "ids": ids}).to_string();
    let mut written = Vec::new();
    let clock = ManualClock::default();
    let served = serve(request.as_bytes(), &mut written, &met, &clock, ExecLimits::default()).await;
    assert_eq!(served.unwrap().values, 50);
    let answer: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(answer["values"]["p/k7"], "k7");
}

#[tokio::test]
async fn an_id_that_takes_too_long_keeps_no_other_from_its_answer() {
    let request = r#"{"protocolVersion":1,"ids":["p/never","p/key"]}"#;
    let clock = ManualClock::default();
    let time = clock.clone();
    let task = tokio::spawn(async move {
        let mut written = Vec::new();
        let limits = ExecLimits::default();
        serve(request.as_bytes(), &mut written, &Host, &time, limits).await.unwrap();
        written
    });
    while clock.next_sleeper().is_none() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(4));
    let answer: Value = serde_json::from_slice(&task.await.unwrap()).unwrap();
    assert_eq!(answer["values"], json!({"p/key": "key-1"}));
    assert_eq!(answer["errors"]["p/never"]["code"], "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn the_deadline_is_told() {
    let clock = ManualClock::default();
    let expected = credential_provider_api::Clock::now(&clock).plus(Duration::from_secs(4));
    let told = |_: CredentialRef, deadline: Timestamp| async move {
        assert_eq!(deadline, expected);
        Ok(Arc::new(Credential::api_key("k-1".into())))
    };
    let request = r#"{"protocolVersion":1,"ids":["p/key"]}"#;
    let limits = ExecLimits::default();
    let served = serve(request.as_bytes(), tokio::io::sink(), &told, &clock, limits).await;
    assert_eq!(served.unwrap().values, 1);
}
