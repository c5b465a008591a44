//! A Secret Service that never answers costs each caller its deadline and nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use credential_provider_api::{ErrorCode, Request};
use keychain_provider::{KeychainProvider, Platform, StoreKind};
use resolution_engine::SystemClock;
use zbus::connection::Builder;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use crate::session::Session;
use crate::world::{builder, built, now, provider, request, resolved};

/// How many threads this process has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Opens a session and is silent from then on, or from the start.
struct Silent {
    asked: Arc<AtomicUsize>,
    greets: Greets,
}

#[derive(Clone, Copy, PartialEq)]
enum Greets {
    Never,
    Once,
    /// It would talk, but not encrypted.
    InPlain,
}

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl Silent {
    async fn open_session(
        &self,
        _algorithm: String,
        _input: OwnedVariant,
    ) -> zbus::fdo::Result<(OwnedVariant, OwnedObjectPath)> {
        if self.greets == Greets::InPlain {
            return Err(zbus::fdo::Error::NotSupported("only plain".into()));
        }
        if self.greets == Greets::Never {
            self.asked.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        // A public key is a number, and any but the trivial ones will do.
        let key = zbus::Variant::from(vec![7_u8; 128]);
        let path = OwnedObjectPath::try_from("/org/freedesktop/secrets/session/s1").unwrap();
        Ok((OwnedVariant::try_from(key).unwrap(), path))
    }

    async fn search_items(
        &self,
        _attributes: HashMap<String, String>,
    ) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

async fn silent(session: &Session, greets: Greets) -> (Connection, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let service = Silent { asked: asked.clone(), greets };
    let bus = Builder::address(session.address.as_str())
        .serve_at("/org/freedesktop/secrets", service)
        .name("org.freedesktop.secrets")
        .build()
        .await
        .unwrap();
    (bus, asked)
}

/// Asks with this much patience; the code and how long it took.
async fn ask(
    provider: &KeychainProvider,
    request: Request,
    patience: Duration,
) -> (ErrorCode, Duration) {
    let began = Instant::now();
    let request = request.with_deadline(now().plus(patience));
    let error = resolved(provider, &request).await.unwrap_err();
    (error.code(), began.elapsed())
}

async fn costs_each_its_deadline(greets: Greets, name: &str) {
    let session = Session::bare(name);
    let (bus, asked) = silent(&session, greets).await;
    let provider = Arc::new(built(builder().limit(Duration::from_secs(5)), &session));
    let before = threads();
    let patience = [300, 500, 700, 300, 900].map(Duration::from_millis);
    let began = Instant::now();
    let asking = patience.map(|patience| {
        let provider = provider.clone();
        tokio::spawn(async move { (patience, ask(&provider, request("openai"), patience).await) })
    });
    for task in asking {
        let (patience, (code, took)) = task.await.unwrap();
        assert_eq!(code, ErrorCode::Timeout);
        // A moment is a whole millisecond.
        let least = patience - Duration::from_millis(2);
        assert!(took >= least && took < patience + Duration::from_millis(400), "{took:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(2));
    // One after the other, too, and each call really asks.
    for _ in 0..8 {
        let (code, took) = ask(&provider, request("openai"), Duration::from_millis(100)).await;
        assert_eq!(code, ErrorCode::Timeout);
        assert!(took < Duration::from_millis(500), "{took:?}");
    }
    assert!(asked.load(Ordering::SeqCst) >= 8, "{asked:?}");
    // No thread is left behind: this store notices that nobody waits. Other tests of this process have
    // threads, too, and end before this gives up; one left behind would not.
    let until = Instant::now() + Duration::from_secs(30);
    while threads() > before + 1 {
        assert!(Instant::now() < until, "{} threads, {before} before", threads());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(bus);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn a_service_that_falls_silent_costs_each_caller_its_deadline() {
    costs_each_its_deadline(Greets::Once, "silent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn a_service_that_never_spoke_costs_each_caller_its_deadline() {
    costs_each_its_deadline(Greets::Never, "mute").await;
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn once_it_answers_again_it_is_asked_again() {
    let mut session = Session::bare("recovers");
    let (bus, _) = silent(&session, Greets::Once).await;
    let provider = provider(&session);
    let (code, _) = ask(&provider, request("openai"), Duration::from_millis(200)).await;
    assert_eq!(code, ErrorCode::Timeout);
    bus.close().await.unwrap();
    session.start_keyring();
    let (code, _) = ask(&provider, request("openai"), Duration::from_secs(5)).await;
    assert_eq!(code, ErrorCode::NeedsReauth, "gnome-keyring has no such item, and says so");
}

#[tokio::test]
#[ignore = "needs dbus-daemon"]
async fn promise_6_a_service_that_does_not_encrypt_is_refused() {
    let session = Session::bare("plain");
    let (_bus, _) = silent(&session, Greets::InPlain).await;
    let provider = provider(&session);
    let (code, _) = ask(&provider, request("openai"), Duration::from_secs(5)).await;
    assert_eq!(code, ErrorCode::Unsupported);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn a_service_that_is_slow_is_not_passed_over_for_the_next_store() {
    let session = Session::bare("slow");
    let (_bus, asked) = silent(&session, Greets::Never).await;
    let stores = vec![StoreKind::SecretService, StoreKind::EncryptedFile];
    let platform = Platform::new(session.environment()).stores(stores).unwrap();
    let platform = platform.encrypted_file(&session.home.join("items"), &session.home.join("key"));
    let provider = builder().build(Arc::new(platform), Arc::new(SystemClock::new())).unwrap();
    for times in 1..3 {
        let (code, _) = ask(&provider, request("openai"), Duration::from_millis(300)).await;
        assert_eq!(code, ErrorCode::Timeout);
        assert_eq!(asked.load(Ordering::SeqCst), times);
    }
    assert_eq!(provider.choice(), None);
}
