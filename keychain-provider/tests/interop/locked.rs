//! A locked keyring: typed and at once; one prompt, if one is allowed; and served once unlocked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use credential_provider_api::{
    CredentialProvider as _, ErrorClass, ErrorCode, HealthStatus, SignIn as _,
};
use futures::StreamExt as _;
use zbus::connection::Builder;

use crate::prompter::{Prompter, unlock_otherwise};
use crate::service::{
    Asks, Bus, Collection, Confirmation, LOGIN, Making, PROMPT, PerItem, Service,
};
use crate::session::Session;
use crate::world::{
    asking, builder, built, engine, named, provider, request, resolved, secret, set,
};

async fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(5);
    while !so() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn a_locked_keyring_is_an_answer_and_raises_no_prompt() {
    let session = Session::unlocked("locked");
    let prompter = Prompter::start(&session).await;
    let provider = provider(&session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    session.lock();
    let began = Instant::now();
    for id in ["openai", "bot/none-there", "github"] {
        let error = resolved(&provider, &request(id)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InteractionRequired, "{id}: {error}");
        assert_eq!(error.class(), ErrorClass::SignIn);
    }
    let unset = set(&provider, &request("openai"), &[("key", "sk-2")]).await.unwrap_err();
    assert_eq!(unset.code(), ErrorCode::InteractionRequired);
    let kept = provider.sign_out(&request("openai")).await.unwrap_err();
    assert_eq!(kept.code(), ErrorCode::InteractionRequired);
    let health = provider.check(&asking("openai"), None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Degraded);
    assert!(health.detail.as_str().contains("locked"), "{health:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(prompter.shown(), 0);
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn one_prompt_for_all_and_unlocked_while_waiting_serves_them_all() {
    let session = Session::unlocked("waiting");
    let prompter = Prompter::start(&session).await;
    let provider = Arc::new(provider(&session));
    for id in ["bot/0", "bot/1", "bot/2", "bot/3"] {
        set(&provider, &request(id), &[("token", id)]).await.unwrap();
    }
    session.lock();
    let waiting: Vec<_> = (0..4)
        .map(|n| {
            let provider = provider.clone();
            tokio::spawn(async move { resolved(&provider, &asking(&format!("bot/{n}"))).await })
        })
        .collect();
    wait_for("a prompt is shown", || prompter.shown() == 1).await;
    // While it waits for a person, who may not ask is answered at once.
    let began = Instant::now();
    let error = resolved(&provider, &request("bot/0")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());

    unlock_otherwise(&session).await;
    for (n, task) in waiting.into_iter().enumerate() {
        assert_eq!(secret(&task.await.unwrap().unwrap()), format!("bot/{n}"));
    }
    assert_eq!(prompter.shown(), 1);
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn a_prompt_that_nobody_answers_stays_the_only_one() {
    let session = Session::unlocked("unanswered");
    let prompter = Prompter::start(&session).await;
    let provider = built(builder().prompt_limit(Duration::from_millis(300)), &session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    session.lock();
    for _ in 0..3 {
        let began = Instant::now();
        let error = resolved(&provider, &asking("openai")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InteractionRequired, "{error}");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    assert_eq!(prompter.shown(), 1);
    unlock_otherwise(&session).await;
    assert_eq!(secret(&resolved(&provider, &asking("openai")).await.unwrap()), "sk-1");
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn a_prompt_whose_dialog_vanishes_is_over() {
    let session = Session::unlocked("vanished");
    let prompter = Prompter::start(&session).await;
    let provider = Arc::new(provider(&session));
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    session.lock();
    let asked = {
        let provider = provider.clone();
        tokio::spawn(async move { resolved(&provider, &asking("openai")).await })
    };
    wait_for("a prompt is shown", || prompter.shown() == 1).await;
    drop(prompter);
    let ended = tokio::time::timeout(Duration::from_secs(5), asked).await;
    let error = ended.expect("nobody waits for a dialog that is gone").unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired, "{error}");
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn a_daemon_killed_while_its_prompt_stands_is_an_answer() {
    let mut session = Session::unlocked("killed-prompt");
    let prompter = Prompter::start(&session).await;
    let provider = Arc::new(provider(&session));
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    session.lock();
    let asked = {
        let provider = provider.clone();
        tokio::spawn(async move { resolved(&provider, &asking("openai")).await })
    };
    wait_for("a prompt is shown", || prompter.shown() == 1).await;
    session.kill_keyring();
    let ended = tokio::time::timeout(Duration::from_secs(5), asked).await;
    let error = ended.expect("nobody waits for a daemon that is gone").unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    session.start_keyring();
    let served = resolved(&provider, &asking("openai")).await.unwrap();
    assert_eq!(secret(&served), "sk-1");
}

#[tokio::test]
#[ignore = "needs gnome-keyring"]
async fn without_anybody_to_show_a_prompt_the_answer_is_locked() {
    let session = Session::unlocked("headless");
    let provider = provider(&session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    session.lock();
    let began = Instant::now();
    let error = resolved(&provider, &asking("openai")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InteractionRequired, "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn within_an_engine_locking_and_unlocking_are_noticed() {
    let session = Session::unlocked("noticed");
    let provider = provider(&session);
    set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap();
    let engine = engine(provider);
    let tool = engine.consumer("tool:test").unwrap();
    tool.request(&named("openai")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Locking takes what was read with it.
    session.lock();
    let until = Instant::now() + Duration::from_secs(2);
    let error = loop {
        match tool.request(&named("openai")).await {
            Ok(_) => assert!(Instant::now() < until, "it is locked and served"),
            Err(error) => break error,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(error.code(), ErrorCode::InteractionRequired);
    // The engine remembers that for a minute, unless it hears of the unlocking.
    unlock_otherwise(&session).await;
    let until = Instant::now() + Duration::from_secs(2);
    let served = loop {
        match tool.request(&named("openai")).await {
            Ok(served) => break served,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(secret(&served), "sk-1");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn many_changes_at_once_do_not_lose_the_answer_to_a_prompt() {
    let session = Session::bare("prompt");
    let service = Bus::start(&session, true).await;
    let provider = Arc::new(built(builder().prompt_limit(Duration::from_secs(8)), &session));
    let waiting = {
        let provider = provider.clone();
        tokio::spawn(async move { resolved(&provider, &asking("openai")).await })
    };
    while service.shown.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    service.burst(1000).await;
    service.locked.store(false, Ordering::SeqCst);
    let body = (false, zbus::Variant::from(""));
    service
        .bus
        .emit_signal(None::<&str>, PROMPT, "org.freedesktop.Secret.Prompt", "Completed", &body)
        .await
        .unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(
        error.code(),
        ErrorCode::NeedsReauth,
        "it was unlocked, and no item is there: {error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs gnome-keyring"]
async fn a_full_keyring_is_unlocked_and_served_like_an_empty_one() {
    let session = Session::unlocked("full");
    let prompter = crate::prompter::Prompter::start(&session).await;
    let provider = Arc::new(built(builder().prompt_limit(Duration::from_secs(8)), &session));
    for n in 0..300 {
        set(&provider, &request(&format!("bot/{n}")), &[("token", "t")]).await.unwrap();
    }
    let mut changes = provider.changes();
    tokio::time::timeout(Duration::from_secs(5), changes.next()).await.unwrap();
    session.lock();
    let waiting = {
        let provider = provider.clone();
        tokio::spawn(async move { resolved(&provider, &asking("bot/1")).await })
    };
    while prompter.shown() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    crate::prompter::unlock_otherwise(&session).await;
    let read = waiting.await.unwrap();
    assert_eq!(secret(&read.unwrap()), "t");
    let mut heard = 0;
    while tokio::time::timeout(Duration::from_secs(2), changes.next()).await.is_ok() {
        heard += 1;
    }
    set(&provider, &request("bot/1"), &[("token", "t2")]).await.unwrap();
    let later = tokio::time::timeout(Duration::from_secs(5), changes.next()).await;
    assert!(later.is_ok(), "nothing is heard after {heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn a_service_that_confirms_each_item_is_an_answer_with_a_next_step() {
    let session = Session::bare("confirm");
    let (stored, dismissed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let asks = Asks { stored: stored.clone(), dismissed: dismissed.clone() };
    let _bus = Builder::address(session.address.as_str())
        .serve_at("/org/freedesktop/secrets", Service { locked: Arc::new(AtomicBool::new(false)) })
        .serve_at(LOGIN, Making)
        .serve_at(PROMPT, Confirmation { asks })
        .name("org.freedesktop.secrets")
        .build()
        .await
        .unwrap();
    let provider = provider(&session);
    let forbidden = set(&provider, &request("openai"), &[("key", "sk-1")]).await.unwrap_err();
    assert_eq!(forbidden.code(), ErrorCode::Unsupported);
    assert_eq!((stored.load(Ordering::SeqCst), dismissed.load(Ordering::SeqCst)), (0, 1));
    let asked = set(&provider, &asking("openai"), &[("key", "sk-1")]).await.unwrap_err();
    assert_eq!(asked.code(), ErrorCode::Unsupported);
    assert!(asked.detail().contains("turn that question off"), "{asked}");
    assert_eq!((stored.load(Ordering::SeqCst), dismissed.load(Ordering::SeqCst)), (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus-daemon"]
async fn an_item_that_is_locked_by_itself_is_unlocked() {
    let session = Session::bare("item");
    let open = Arc::new(AtomicBool::new(false));
    let _bus = Builder::address(session.address.as_str())
        .serve_at("/org/freedesktop/secrets", PerItem { open: open.clone() })
        .serve_at(LOGIN, Collection { locked: Arc::new(AtomicBool::new(false)) })
        .name("org.freedesktop.secrets")
        .build()
        .await
        .unwrap();
    let _ = resolved(&provider(&session), &asking("openai")).await;
    assert!(open.load(Ordering::SeqCst), "only its collection was unlocked, which is open");
}
