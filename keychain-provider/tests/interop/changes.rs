//! What changes outside reaches consumers without a restart; and a crowd costs one call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{Change, CredentialProvider as _, ErrorCode};
use futures::StreamExt as _;
use resolution_engine::ResolutionEngine;

use crate::service::{Bus, LOGIN, path};
use crate::session::Session;
use crate::world::{builder, built, engine, named, provider, request, secret, set};

const OURS: [&str; 4] = ["service", "credential-provider.os", "account", "openai"];
/// The documented bound for a store that tells of changes.
const BOUND: Duration = Duration::from_secs(2);

/// How long until the tool gets `wanted`.
async fn until_served(
    engine: &ResolutionEngine,
    id: &str,
    wanted: &str,
    limit: Duration,
) -> Duration {
    let tool = engine.consumer("tool:test").unwrap();
    let began = Instant::now();
    loop {
        let answer = tool.request(&named(id)).await;
        if answer.as_ref().is_ok_and(|served| secret(served) == wanted) {
            return began.elapsed();
        }
        assert!(began.elapsed() < limit, "{wanted} is not served after {limit:?}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn promise_3_a_key_changed_outside_is_served_within_the_bound() {
    let session = Session::unlocked("changes");
    let provider = provider(&session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    let engine = engine(provider);
    until_served(&engine, "openai", "sk-1", BOUND).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut slowest = Duration::ZERO;
    for n in 2..6 {
        session.store(&OURS, &format!("sk-{n}"));
        slowest = slowest.max(until_served(&engine, "openai", &format!("sk-{n}"), BOUND).await);
    }
    eprintln!("a key changed with secret-tool is served after at most {slowest:?}");

    // Deleted outside it is not served any more, and made again it is.
    session.clear(&OURS);
    let tool = engine.consumer("tool:test").unwrap();
    let began = Instant::now();
    while tool.request(&named("openai")).await.is_ok() {
        assert!(began.elapsed() < BOUND);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let gone = tool.request(&named("openai")).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NeedsReauth);
    session.store(&OURS, "sk-back");
    until_served(&engine, "openai", "sk-back", BOUND).await;

    // Another program's item, too.
    session.store(&["service", "gh:github.com", "account", "me"], "gho_1");
    until_served(&engine, "github", "gho_1", BOUND).await;
    session.store(&["service", "gh:github.com", "account", "me"], "gho_2");
    until_served(&engine, "github", "gho_2", BOUND).await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn promise_1_a_thousand_readers_are_one_call_to_the_keyring() {
    let session = Session::unlocked("crowd");
    let provider = provider(&session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    let log = session.home.join("monitor.log");
    let mut monitor = session
        .command("dbus-monitor")
        .args(["--session", "type='method_call',member='GetSecret'"])
        .stdout(std::fs::File::create(&log).unwrap())
        .spawn()
        .expect("dbus-monitor");
    let seen = || String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    crate::session::eventually(Duration::from_secs(5), || seen().contains("NameAcquired"));
    let engine = engine(provider);
    // What the watch says when it begins to listen would count as a change.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let tool = engine.consumer("tool:test").unwrap();
    let name = named("openai");
    let asking = (0..1000).map(|_| tool.request(&name));
    let answers = futures::future::join_all(asking.map(std::future::IntoFuture::into_future)).await;
    assert!(answers.iter().all(|answer| secret(answer.as_ref().unwrap()) == "sk-1"));
    assert_eq!(engine.counters().provider_calls, 1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    monitor.kill().unwrap();
    monitor.wait().unwrap();
    assert_eq!(seen().matches("member=GetSecret").count(), 1, "{}", seen());
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring and secret-tool"]
async fn a_store_that_tells_of_nothing_is_read_again() {
    let session = Session::unlocked("reread");
    let provider = built(builder().reread(Duration::from_secs(1)), &session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    let engine = engine(crate::world::Deaf::of(provider));
    until_served(&engine, "openai", "sk-1", BOUND).await;
    session.store(&OURS, "sk-2");
    until_served(&engine, "openai", "sk-2", Duration::from_secs(4)).await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn many_changes_at_once_do_not_end_the_listening() {
    for count in [40, 1000] {
        let session = Session::bare("burst");
        let service = Bus::start(&session, false).await;
        let provider = provider(&session);
        let mut changes = provider.changes();
        let first = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
        assert_eq!(first.unwrap(), Some(Change::All), "it listens");
        service.burst(count).await;
        let mut heard = 0;
        while tokio::time::timeout(Duration::from_secs(2), changes.next()).await.is_ok() {
            heard += 1;
        }
        service
            .bus
            .emit_signal(
                None::<&str>,
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service",
                "CollectionChanged",
                &(path(LOGIN),),
            )
            .await
            .unwrap();
        let later = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
        assert!(later.is_ok(), "after {count} at once ({heard} heard) nothing is heard any more");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn a_full_keyring_that_is_locked_and_unlocked_is_still_listened_to() {
    let session = Session::unlocked("listen");
    let provider = Arc::new(provider(&session));
    for n in 0..300 {
        set(&provider, &request(&format!("bot/{n}")), &[("token", "t")]).await.unwrap();
    }
    let mut changes = provider.changes();
    tokio::time::timeout(Duration::from_secs(5), changes.next()).await.unwrap();
    session.lock();
    crate::prompter::unlock_otherwise(&session).await;
    let mut heard = 0;
    while tokio::time::timeout(Duration::from_secs(2), changes.next()).await.is_ok() {
        heard += 1;
    }
    session.store(&["service", "credential-provider.os", "account", "bot/1"], "t2");
    let later = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
    assert!(later.is_ok(), "nothing is heard after {heard}");
}
