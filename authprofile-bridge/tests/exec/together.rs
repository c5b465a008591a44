//! All ids of a request at once, and each within its time.

use std::sync::Arc;
use std::time::Duration;

use authprofile_bridge::exec::{ExecAnswer, ExecFailure, ExecLimits, ExecRequest, serve};
use credential_provider_api::{
    Credential, CredentialError, CredentialRef, ErrorCode, ManualClock, Timestamp,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
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

/// A request that comes in after a while.
#[tokio::test]
async fn what_reading_took_is_not_there_for_resolving() {
    let clock = ManualClock::default();
    let began = credential_provider_api::Clock::now(&clock);
    let (mut asker, reader) = tokio::io::duplex(64);
    let time = clock.clone();
    let task = tokio::spawn(async move {
        let told = |_: CredentialRef, deadline: Timestamp| async move {
            assert_eq!(deadline, began.plus(Duration::from_secs(4)));
            Ok(Arc::new(Credential::api_key("k-1".into())))
        };
        serve(reader, tokio::io::sink(), &told, &time, ExecLimits::default()).await.unwrap()
    });
    while clock.next_sleeper().is_none() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(3));
    asker.write_all(br#"{"protocolVersion":1,"ids":["p/key"]}"#).await.unwrap();
    drop(asker);
    assert_eq!(task.await.unwrap().values, 1);
}

/// Two processes of a host have a part of the answer each.
#[tokio::test]
async fn an_answer_of_two_is_as_one() {
    let clock = ManualClock::default();
    let limits = ExecLimits::default();
    let of = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| format!("p/{id}")).collect();
        ExecRequest::new("x", &ids)
    };
    let text = |answer: ExecAnswer| async move {
        let mut text = Vec::new();
        answer.write(&mut text, &ManualClock::default(), limits).await.unwrap();
        String::from_utf8(text).unwrap()
    };
    let (first, second) = (["key", "denied", "login"], ["sts", "oauth2", "field", "ended"]);
    let whole = ExecAnswer::resolve(of(&[&first[..], &second].concat()), &Host, &clock, limits);
    let mut part = ExecAnswer::resolve(of(&first), &Host, &clock, limits).await;
    let other = text(ExecAnswer::resolve(of(&second), &Host, &clock, limits).await).await;
    // It ends with its line, not with the stream.
    let (mut writer, reader) = tokio::io::duplex(1 << 10);
    writer.write_all(format!("{other}\n").as_bytes()).await.unwrap();
    let other = ExecAnswer::read(reader, other.len() + 1).await.unwrap();
    assert!(!format!("{other:?}").contains("access-1"), "{other:?}");
    part.join(other);
    let late = CredentialError::new(ErrorCode::DeadlineExceeded, "");
    part.refuse(&["p/key".to_owned(), "p/ended".to_owned()], &late);
    assert_eq!(text(part).await, text(whole.await).await);
}

#[tokio::test]
async fn what_is_no_answer_is_not_read_as_one() {
    let long = r#"{"values":{"p/key":"a longer key than is allowed"}}"#;
    for text in ["", "canary", "{}", r#"{"values":{"p/key":1}}"#, long] {
        let failure = ExecAnswer::read(text.as_bytes(), 40).await.unwrap_err();
        assert_eq!(failure, ExecFailure::Unreadable, "{text}");
    }
}
