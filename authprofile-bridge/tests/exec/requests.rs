//! Requests, good and bad.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use authprofile_bridge::exec::{
    ExecFailure, ExecLimits, ExecRequest, MalformedRequest, Served, serve,
};
use credential_provider_api::ManualClock;
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::common::{Host, answer, asked};

#[tokio::test]
async fn the_same_id_twice_is_answered_once() {
    let request = r#"{"protocolVersion":1,"provider":"x","ids":["p/key","p/key"]}"#;
    let (served, written) = asked(request).await;
    assert_eq!(written, br#"{"protocolVersion":1,"values":{"p/key":"key-1"}}"#);
    let Served { values, errors, .. } = served.unwrap();
    assert_eq!((values, errors), (1, 0));
}

#[tokio::test]
async fn unknown_fields_and_a_missing_alias_are_allowed() {
    let request = r#" {"ids":["p/key"],"protocolVersion":1.0,"more":{"a":[]}} "#;
    assert_eq!(answer(request).await["values"], json!({"p/key": "key-1"}));
    assert_eq!(
        answer(r#"{"protocolVersion":1,"ids":[]}"#).await,
        json!({"protocolVersion":1,"values":{}})
    );
}

#[tokio::test]
async fn another_version_fails_every_id_within_the_protocol() {
    for version in ["2", "\"1\"", "null", "1.5"] {
        let request = format!(r#"{{"protocolVersion":{version},"ids":["p/key","?"]}}"#);
        let answer = answer(&request).await;
        assert_eq!(answer["values"], json!({}), "{version}");
        for id in ["p/key", "?"] {
            assert_eq!(answer["errors"][id]["code"], "WRONG_VERSION", "{version}");
        }
    }
    assert_eq!(answer(r#"{"ids":["p/key"]}"#).await["values"], json!({}));
}

#[tokio::test]
async fn what_is_no_request_gets_no_answer_and_exit_code_2() {
    use MalformedRequest::{NoIds, NotJson, NotObject};
    for (request, problem) in [
        ("", NotJson),
        ("canary", NotJson),
        ("{\"ids\":[]} x", NotJson),
        ("[]", NotObject),
        ("{}", NoIds),
        (r#"{"protocolVersion":1,"ids":"p/key"}"#, NoIds),
        (r#"{"protocolVersion":1,"ids":["p/key",1]}"#, NoIds),
    ] {
        let (served, written) = asked(request).await;
        let failure = served.unwrap_err();
        assert_eq!(failure, ExecFailure::Malformed(problem), "{request}");
        assert_eq!((failure.exit_code(), written.len()), (2, 0));
        assert!(!failure.to_string().contains("canary"));
    }
}

#[tokio::test]
async fn a_request_over_its_limit_is_refused() {
    let request = r#"{"protocolVersion":1,"ids":["p/key"]}"#;
    let clock = ManualClock::default();
    let mut limits = ExecLimits::default();
    for (limit, good) in [(request.len(), true), (request.len() - 1, false)] {
        limits.request_bytes = limit;
        let mut written = Vec::new();
        let served = serve(request.as_bytes(), &mut written, &Host, &clock, limits).await;
        assert_eq!(served.is_ok(), good);
        assert_eq!(written.is_empty(), !good);
        if let Err(failure) = served {
            assert_eq!((failure, failure.exit_code()), (ExecFailure::TooBig, 2));
        }
    }
}

/// Somebody who never closes the pipe.
struct Silent;

impl AsyncRead for Silent {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_request_that_does_not_end_is_given_up() {
    let clock = ManualClock::default();
    let time = clock.clone();
    let task = tokio::spawn(async move {
        serve(Silent, tokio::io::sink(), &Host, &time, ExecLimits::default()).await
    });
    while clock.next_sleeper().is_none() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_millis(3_999));
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    clock.advance(Duration::from_millis(1));
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure, failure.exit_code()), (ExecFailure::TimedOut, 3));
}

/// Somebody who has gone.
struct Gone;

impl AsyncWrite for Gone {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_asker_who_has_gone_is_exit_code_4() {
    let request = br#"{"protocolVersion":1,"ids":["p/key"]}"#;
    let clock = ManualClock::default();
    let served = serve(&request[..], Gone, &Host, &clock, ExecLimits::default()).await;
    let failure = served.unwrap_err();
    assert_eq!((failure, failure.exit_code()), (ExecFailure::Unwritable, 4));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let request = br#"{"protocolVersion":1,"ids":["p/key"]}"#;
    let clock = ManualClock::default();
    let (writer, _reader) = tokio::io::duplex(8);
    let time = clock.clone();
    let task = tokio::spawn(async move {
        serve(&request[..], writer, &Host, &time, ExecLimits::default()).await
    });
    while clock.next_sleeper().is_none() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_millis(499));
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    clock.advance(Duration::from_millis(1));
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure, failure.exit_code()), (ExecFailure::Unwritable, 4));
}

proptest! {
    #[test]
    fn a_request_comes_back_as_it_was(provider in "\\PC{0,20}", ids in prop::collection::vec("\\PC{0,40}", 0..8)) {
        let request = ExecRequest::new(&provider, &ids);
        prop_assert_eq!(ExecRequest::parse(&request.to_json()), Ok(request));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ExecRequest::parse(&bytes);
    }
}
