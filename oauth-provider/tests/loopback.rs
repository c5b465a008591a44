//! The listener answers the redirect of its flow and nobody else (RFC 8252 §7.3).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::World;
use common::world::answer;
use credential_provider_api::{
    Clock, ErrorCode, FlowId, ManualClock, SignIn as _, SignInAnswer, SignInProgress, SignInStart,
    SignInStep, Timestamp,
};
use oauth_provider::{LoopbackAddress, LoopbackListener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn get(place: &str, path: &str) -> String {
    let address = place.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

fn clock() -> (ManualClock, Arc<dyn Clock>) {
    let clock = ManualClock::default();
    (clock.clone(), Arc::new(clock))
}

#[tokio::test]
async fn a_whole_sign_in_through_it() {
    let world = World::new().await;
    let (provider, request) = (world.provider(), world.request("mail"));
    let listener = LoopbackListener::bind(LoopbackAddress::V4).await.unwrap();
    let place = listener.redirect_uri();
    let flow = FlowId::from_text("an-unguessable-state");
    let start =
        SignInStart::new(flow.clone(), Timestamp::MAX).with_redirect_uri(Some(place.clone()));
    let (mut state, progress) = provider.start(&request, &start).await.unwrap();
    let SignInProgress::Step(SignInStep::OpenUrl { url, .. }) = progress else { panic!("a page") };
    let query = world.issuer.consent(&url, "alice");
    let (_, clock) = clock();
    let path = format!("/callback?{query}");
    let (found, page) =
        tokio::join!(listener.answer(&flow, Timestamp::MAX, &clock), get(&place, &path));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("close this page"), "{page}");
    assert!(page.contains("default-src 'none'") && page.contains("no-referrer"), "{page}");
    let done = answer(&provider, &request, &mut state, found.unwrap()).await.unwrap();
    assert_eq!(done.account.unwrap().as_str(), "alice");
}

#[tokio::test]
async fn strangers_get_404_and_end_nothing() {
    for address in [LoopbackAddress::V4, LoopbackAddress::V6] {
        let Ok(listener) = LoopbackListener::bind(address).await else {
            assert_eq!(address, LoopbackAddress::V6, "some machines have no IPv6");
            continue;
        };
        let place = listener.redirect_uri();
        let (flow, (_, clock)) = (FlowId::from_text("s1"), clock());
        let people = async {
            let _silent = {
                let address = place.strip_prefix("http://").unwrap().split('/').next().unwrap();
                TcpStream::connect(address).await.unwrap()
            };
            for path in
                ["/", "/favicon.ico", "/callback", "/callback?state=s2&code=c", "/x?state=s1"]
            {
                let page = get(&place, path).await;
                assert!(page.starts_with("HTTP/1.1 404"), "{path}: {page}");
                assert!(page.ends_with("\r\n\r\n"), "{path}: {page}");
            }
            get(&place, "/callback?state=s1&code=c").await
        };
        let (found, page) = tokio::join!(listener.answer(&flow, Timestamp::MAX, &clock), people);
        assert!(page.starts_with("HTTP/1.1 200"));
        let SignInAnswer::Callback(found) = found.unwrap() else { panic!("a callback") };
        assert_eq!(found.keys().collect::<Vec<_>>(), ["code", "state"]);
        let address = place.strip_prefix("http://").unwrap().split('/').next().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
    }
}

#[tokio::test]
async fn promise_2_it_waits_no_longer_than_its_deadline() {
    let listener = LoopbackListener::bind(LoopbackAddress::V4).await.unwrap();
    let (flow, (manual, clock)) = (FlowId::from_text("s1"), clock());
    let deadline = manual.now().plus(Duration::from_secs(600));
    let waiting = listener.answer(&flow, deadline, &clock);
    let passing = async {
        while manual.next_sleeper().is_none() {
            tokio::task::yield_now().await;
        }
        manual.set(deadline);
    };
    let (found, ()) = tokio::join!(waiting, passing);
    assert_eq!(found.unwrap_err().code(), ErrorCode::FlowEnded);
}
