//! Stored logins are renewed once, by whoever comes first, and nothing of them is lost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "../provider/world.rs"]
mod world;

#[cfg(feature = "oauth")]
mod oauth;
mod processes;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use authprofile_bridge::openclaw::{AgentId, Identity};
use authprofile_bridge::provider::AuthProfileProvider;
use authprofile_bridge::renewal::{AGAIN, LIMIT, NotRenewed, RenewedLogin};
use credential_provider_api::*;
use resolution_engine::SystemClock;
use world::{Folder, Issuer, World, ask, at, ended, login, secret, until};

fn one(world: &World) -> String {
    format!("{{\"codex:me\": {}}}", ended(world))
}

fn lock_of(world: &World) -> std::path::PathBuf {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest("codex\0codex:me");
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    world.folder.0.join(format!("locks/oauth-refresh/sha256-{hex}.lock"))
}

#[tokio::test]
async fn promise_7_a_login_that_has_ended_is_renewed_saved_and_then_served() {
    for state in ["{\"version\": 1}\n", ""] {
        let world = World::new();
        world.write("main", &one(&world));
        if !state.is_empty() {
            world.write_file("main", "auth-state.json", state);
        }
        let issuer = Issuer::new();
        let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
        assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "access-1");
        let stored = world.stored("main", "codex:me");
        assert_eq!(
            (&stored["access"], &stored["refresh"]),
            (&"access-1".into(), &"refresh-1".into())
        );
        assert_eq!(stored["expires"], world.millis(3_600_000));
        assert_eq!(stored["accountId"], "me");
        assert!(
            world.text("main", "auth-profiles.json").contains("[1,  2]"),
            "unknown fields stay"
        );
        assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "access-1");
        assert_eq!(issuer.exchanges(), 1);
        assert!(
            !lock_of(&world).exists() && !world.file("main", "auth-profiles.json.lock").exists()
        );
    }
}

#[tokio::test]
async fn it_is_renewed_with_less_than_five_minutes_left_and_served_if_that_fails() {
    let world = World::new();
    let issuer = Issuer::new();
    world.write("main", &format!("{{\"codex:me\": {}}}", login(&world, "old", "r", 301_000)));
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "old");
    issuer.answers(|_, _| {
        Err(NotRenewed::Unspent(CredentialError::new(ErrorCode::Unavailable, "down")))
    });
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "old");
    assert_eq!(issuer.exchanges(), 1);
    issuer.answers(|_, _| Ok(RenewedLogin::new("new".into())));
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "new");
    let stored = world.stored("main", "codex:me");
    assert_eq!(
        (&stored["refresh"], &stored["expires"]),
        (&"r".into(), &world.millis(3_600_000).into())
    );
}

#[tokio::test]
async fn promise_1_no_http_happens_under_the_stores_lock_and_all_of_it_under_the_logins() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    let (lease, store) = (lock_of(&world), world.file("main", "auth-profiles.json.lock"));
    issuer.answers(move |_, _| {
        assert!(lease.exists(), "the lease is held");
        assert!(!store.exists(), "the store is free");
        Ok(RenewedLogin::new("new".into()))
    });
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "new");
    assert!(!lock_of(&world).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_1_two_engines_and_many_tasks_spend_each_refresh_token_once() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let engines: Vec<_> = (0..2)
        .map(|_| {
            let builder = world.builder().model_provider("codex", issuer.named());
            world::engine(Arc::new(builder.build(clock.clone()).unwrap()), clock.clone())
        })
        .collect();
    let mut dead: Option<Arc<Credential>> = None;
    let calls = |nth: usize| -> u64 { engines[nth].0.counters().provider_calls };
    for round in 1..=6 {
        // Nobody is answered before both engines have called.
        issuer.go.forget_permits(1000);
        let before = [calls(0), calls(1)];
        let mut asked = Vec::new();
        for nth in 0..16 {
            let (_, tool) = engines[nth % 2].clone();
            // Each engine counts revisions for itself, and sees the same token rejected.
            let dead = dead.clone();
            asked.push(tokio::spawn(async move {
                let name = at("codex:me");
                let mut known = tool.request(&name).await?;
                if let Some(dead) = &dead
                    && known.same_secrets(dead)
                {
                    let rejected = known.revision().unwrap();
                    known = tool.request(&name).reject(rejected).await?;
                }
                Ok::<_, CredentialError>(known)
            }));
        }
        issuer.arrived.notified().await;
        let needed = if round == 1 { 1 } else { 2 };
        until("both engines wait", async || {
            calls(0) >= before[0] + needed && calls(1) >= before[1] + needed
        })
        .await;
        let looks = std::cell::Cell::new(0);
        until("the second one reaches the lease", async || looks.replace(looks.get() + 1) > 4)
            .await;
        issuer.go.add_permits(1000);
        let mut tokens = Vec::new();
        for answer in asked {
            tokens.push(answer.await.unwrap().unwrap());
        }
        assert!(tokens.iter().all(|token| token.same_secrets(&tokens[0])));
        assert_eq!(secret(&tokens[0]), format!("access-{round}"));
        assert_eq!(issuer.exchanges(), round, "one exchange a rotation");
        dead = tokens.pop();
        // An engine forces one renewal in ten seconds: forget that one was.
        for (engine, _) in &engines {
            engine.administrator().at(&at("codex:me")).release().unwrap();
        }
    }
    assert_eq!(issuer.reused.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_1_of_many_that_wait_for_the_lease_one_exchanges() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    issuer.go.forget_permits(1000);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let providers: Vec<_> = (0..2)
        .map(|_| {
            let builder = world.builder().model_provider("codex", issuer.named());
            Arc::new(builder.build(clock.clone()).unwrap())
        })
        .collect();
    let asked: Vec<_> = (0..8)
        .map(|nth| {
            let (provider, clock) = (providers[nth % 2].clone(), clock.clone());
            tokio::spawn(async move {
                ask(&provider, &Request::new(Key::gateway(&at("codex:me")), clock)).await
            })
        })
        .collect();
    issuer.arrived.notified().await;
    let looks = std::cell::Cell::new(0);
    until("the others wait", async || looks.replace(looks.get() + 1) > 10).await;
    issuer.go.add_permits(1000);
    for answer in asked {
        assert_eq!(answer.await.unwrap().unwrap(), "access-1");
    }
    assert_eq!(issuer.exchanges(), 1);
}

#[tokio::test]
async fn promise_5_an_answer_for_another_account_is_thrown_away() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let before = world.text("main", "auth-profiles.json");
    let issuer = Issuer::new();
    issuer.answers(|_, _| {
        let renewed = RenewedLogin::new("of-another".into()).with_refresh("r-of-another".into());
        Ok(renewed.with_identity(Identity::account("somebody")))
    });
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let error = ask(&provider, &world.request("codex:me")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccountMismatch);
    assert_eq!(world.text("main", "auth-profiles.json"), before);
}

#[tokio::test]
async fn promise_7_an_answer_that_says_another_thing_than_the_login_is_saved_and_adds_it() {
    for (stored, said, added) in [
        ("\"accountId\": \"me\"", Identity::default().with_email("me@x"), ("email", "me@x")),
        ("\"email\": \"me@x\"", Identity::account("me"), ("accountId", "me")),
    ] {
        let world = World::with("{}");
        world.write("main", &one(&world).replace("\"accountId\": \"me\"", stored));
        let issuer = Issuer::new();
        issuer.answers(move |_, _| {
            Ok(RenewedLogin::new("new".into())
                .with_refresh("refresh-1".into())
                .with_identity(said.clone()))
        });
        let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
        assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "new", "{stored}");
        let entry = world.stored("main", "codex:me");
        assert_eq!((&entry["refresh"], &entry[added.0]), (&"refresh-1".into(), &added.1.into()));
    }
}

#[tokio::test]
async fn promise_2_an_exchange_once_sent_is_saved_whoever_stopped_waiting() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    issuer.go.forget_permits(1000);
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let request = world.request("codex:me");
    let asked = tokio::spawn({
        let (provider, request) = (provider.clone(), request.clone());
        async move { ask(&provider, &request).await }
    });
    issuer.arrived.notified().await;
    asked.abort();
    asked.await.unwrap_err();
    issuer.go.add_permits(10);
    until("it is saved", async || world.stored("main", "codex:me")["access"] == "access-1").await;
    until("the lease is released", async || !lock_of(&world).exists()).await;
    assert_eq!(ask(&provider, &request).await.unwrap(), "access-1");
    assert_eq!(issuer.exchanges(), 1);
}

#[tokio::test]
async fn promise_2_nothing_is_sent_for_a_call_that_was_given_up() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let gate = CommitGate::new();
    assert!(gate.close());
    let request = world.request("codex:me").with_gate(gate);
    assert_eq!(ask(&provider, &request).await.unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(issuer.exchanges(), 0);
}

#[tokio::test]
async fn a_login_that_is_refused_needs_a_sign_in_and_is_not_sent_again() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    world.write_file(
        "main",
        "auth-state.json",
        "{\"version\":1,\"lastGood\":{\"codex\":\"codex:me\",\"x\":\"x:1\"}}",
    );
    let issuer = Issuer::new();
    issuer.answers(|_, _| Err(NotRenewed::refused("invalid_grant")));
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    for id in ["codex:me", "codex:me", "codex"] {
        let error = ask(&provider, &world.request(id)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth, "{id}");
        assert_eq!(error.reason(), Some(ReauthReason::GrantRejected));
    }
    assert_eq!(issuer.exchanges(), 1);
    assert_eq!(world.json("main", "auth-state.json")["lastGood"], serde_json::json!({"x": "x:1"}));
    // Somebody signs in again.
    world.write("main", &format!("{{\"codex:me\": {}}}", login(&world, "fresh", "r", 3_600_000)));
    for id in ["codex:me", "codex"] {
        let answer = ask(&provider, &world.request(id)).await.unwrap();
        assert!(answer == "fresh" || answer == "-> codex:me");
    }
}

#[tokio::test]
async fn what_somebody_stored_meanwhile_is_used_or_sent_in_turn() {
    for (access, from_now, served, exchanges) in
        [("theirs", 3_600_000, "theirs", 1), ("ended", -1, "second", 2)]
    {
        let world = World::with("{}");
        world.write("main", &one(&world));
        let issuer = Issuer::new();
        let other =
            format!("{{\"codex:me\": {}}}", login(&world, access, "refresh-other", from_now));
        let file = world.file("main", "auth-profiles.json");
        issuer.answers(move |login, nth| {
            if nth == 1 {
                fs::write(&file, format!("{{\"profiles\": {other}}}")).unwrap();
                return Err(NotRenewed::refused("refresh_token_reused"));
            }
            assert_eq!(login.refresh_token.expose_secret(), "refresh-other");
            Ok(RenewedLogin::new("second".into()))
        });
        let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
        assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), served);
        assert_eq!(issuer.exchanges(), exchanges);
    }
}

#[tokio::test]
async fn promise_1_no_exchange_goes_on_under_a_lease_that_others_may_take() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    issuer.go.forget_permits(1000);
    issuer.answers(|_, nth| match nth {
        1 => Err(NotRenewed::refused("reused")),
        _ => Ok(RenewedLogin::new("new".into())),
    });
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let deadline = world.clock.now().plus(Duration::from_secs(900));
    let request = world.request("codex:me").with_deadline(deadline);
    let asked = tokio::spawn(async move { ask(&provider, &request).await });
    issuer.arrived.notified().await;
    let began = world.clock.now();
    world.clock.advance(Duration::from_secs(70));
    // Somebody signed in, with a token that has ended as well.
    let other = login(&world, "access-x", "refresh-x", -1_000);
    world.write("main", &format!("{{\"codex:me\": {other}}}"));
    issuer.go.add_permits(1);
    issuer.arrived.notified().await;
    world.clock.advance(Duration::from_secs(50));
    until("the second is given up", async || asked.is_finished()).await;
    assert_eq!(began.until(world.clock.now()), LIMIT);
    assert_eq!(asked.await.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(issuer.exchanges(), 2);
}

#[tokio::test]
async fn promise_1_nothing_is_sent_again_under_a_lease_that_somebody_took() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    let other = format!("{{\"codex:me\": {}}}", login(&world, "ended", "refresh-other", -1));
    let (file, lease) = (world.file("main", "auth-profiles.json"), lock_of(&world));
    issuer.answers(move |_, _| {
        fs::write(&file, format!("{{\"profiles\": {other}}}")).unwrap();
        fs::remove_file(&lease).unwrap();
        fs::write(&lease, "{\"pid\": 1}").unwrap();
        Err(NotRenewed::refused("refresh_token_reused"))
    });
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let error = ask(&provider, &world.request("codex:me")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreLocked);
    assert_eq!(issuer.exchanges(), 1);
    assert!(lock_of(&world).exists(), "theirs is not removed");
}

#[tokio::test]
async fn promise_10_what_somebody_stored_or_removed_during_the_exchange_stays_so() {
    for after in ["{\"codex:me\": LOGIN}", "{}"] {
        let world = World::with("{}");
        world.write("main", &one(&world));
        let issuer = Issuer::new();
        let theirs = login(&world, "theirs", "refresh-theirs", 3_600_000);
        let after = format!("{{\"profiles\": {}}}", after.replace("LOGIN", &theirs));
        let (file, text) = (world.file("main", "auth-profiles.json"), after.clone());
        issuer.answers(move |_, _| {
            fs::write(&file, &text).unwrap();
            Ok(RenewedLogin::new("ours".into()).with_refresh("refresh-ours".into()))
        });
        let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
        let answer = ask(&provider, &world.request("codex:me")).await;
        assert_eq!(world.text("main", "auth-profiles.json"), after);
        match answer {
            Ok(served) => assert_eq!(served, "theirs"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::CredentialNotFound);
                assert!(!after.contains("theirs"));
            }
        }
    }
}

#[tokio::test]
async fn a_live_holder_of_the_lease_is_waited_for_and_named() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let lock = lock_of(&world);
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let pid = std::process::id();
    let since = chrono_like(&world);
    fs::write(&lock, format!("{{\"pid\": {pid}, \"createdAt\": \"{since}\"}}")).unwrap();
    let issuer = Issuer::new();
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let deadline = world.clock.now().plus(Duration::from_secs(30));
    let request = world.request("codex:me").with_deadline(deadline);
    let asked = ask(&provider, &request);
    tokio::pin!(asked);
    let error = loop {
        tokio::select! {
            biased;
            answer = &mut asked => break answer.unwrap_err(),
            () = tokio::task::yield_now() => if world.clock.next_sleeper().is_some() {
                world.clock.advance(Duration::from_secs(5));
            },
        }
    };
    assert_eq!(error.code(), ErrorCode::StoreLocked);
    assert!(error.detail().contains(&pid.to_string()), "{error}");
    assert!(world.clock.now() < deadline.plus(Duration::from_secs(5)));
    assert_eq!(issuer.exchanges(), 0);
    assert!(lock.exists());
}

/// Now, as JavaScript writes it.
fn chrono_like(world: &World) -> String {
    world.clock.now().to_string()
}

#[tokio::test]
async fn an_inherited_login_is_renewed_where_it_is_and_never_copied() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    fs::create_dir_all(world.file("research", "")).unwrap();
    let issuer = Issuer::new();
    let builder = world.builder().agent(AgentId::new("research"));
    let provider = world.provider(builder.model_provider("codex", issuer.named()));
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "access-1");
    assert_eq!(world.stored("main", "codex:me")["refresh"], "refresh-1");
    assert!(!world.file("research", "auth-profiles.json").exists());
}

#[tokio::test]
async fn the_main_agents_copy_of_the_token_that_was_spent_follows_and_another_login_does_not() {
    for (main_refresh, follows) in [("refresh-0", true), ("refresh-of-its-own", false)] {
        let world = World::with("{}");
        let main = login(&world, "main-access", main_refresh, -60_000);
        world.write("main", &format!("{{\"codex:me\": {main}}}"));
        world.write("research", &one(&world));
        let before = world.text("main", "auth-profiles.json");
        let issuer = Issuer::new();
        let builder = world.builder().agent(AgentId::new("research"));
        let provider = world.provider(builder.model_provider("codex", issuer.named()));
        assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "access-1");
        assert_eq!(world.stored("research", "codex:me")["refresh"], "refresh-1");
        if follows {
            assert_eq!(world.stored("main", "codex:me")["refresh"], "refresh-1");
        } else {
            assert_eq!(world.text("main", "auth-profiles.json"), before);
        }
    }
}

#[tokio::test]
async fn an_own_copy_that_has_ended_gives_way_to_the_main_agents_if_it_is_the_same_persons() {
    for (account, served, exchanges) in [("me", "main-access", 0), ("you", "access-1", 1)] {
        let world = World::with("{}");
        let main = login(&world, "main-access", "refresh-main", 3_600_000);
        let main = main.replace("\"me\"", &format!("\"{account}\""));
        world.write("main", &format!("{{\"codex:me\": {main}}}"));
        world.write("research", &one(&world));
        let issuer = Issuer::new();
        let builder = world.builder().agent(AgentId::new("research"));
        let provider = world.provider(builder.model_provider("codex", issuer.named()));
        assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), served);
        assert_eq!(issuer.exchanges(), exchanges);
    }
}

#[tokio::test]
async fn promise_1_a_copy_that_names_nobody_gives_way_to_the_main_agents_before_it_is_sent() {
    let nobody = |text: String| text.replace(", \"accountId\": \"me\"", "");
    // Another model provider's login of the same name is no copy.
    for (main, other, served, reused) in [
        (false, false, Some("access-main"), 0),
        (true, false, Some("access-main"), 0),
        (false, true, None, 1),
    ] {
        let world = World::with("{}");
        let fresh = login(&world, "access-main", "refresh-main", 3_600_000);
        let fresh = if main { fresh } else { nobody(fresh) };
        let fresh = if other { fresh.replace("\"codex\"", "\"another\"") } else { fresh };
        world.write("main", &format!("{{\"codex:me\": {fresh}}}"));
        world.write("research", &nobody(one(&world)));
        let issuer = Issuer::new();
        // The main agent's login was renewed from this very token.
        issuer.spent.lock().unwrap().push("refresh-0".to_owned());
        let builder = world.builder().agent(AgentId::new("research"));
        let provider = world.provider(builder.model_provider("codex", issuer.named()));
        let answer = ask(&provider, &world.request("codex:me")).await;
        assert_eq!(answer.as_deref().ok(), served, "{answer:?}");
        assert_eq!(issuer.reused.load(Ordering::SeqCst), reused, "a spent token is sent");
    }
}

/// Asks for a login that is renewed and cannot be saved.
async fn unsaved(world: &World, provider: &AuthProfileProvider) -> CredentialError {
    let request = world.request("codex:me");
    let asked = ask(provider, &request);
    tokio::pin!(asked);
    loop {
        tokio::select! {
            biased;
            answer = &mut asked => return answer.unwrap_err(),
            () = tokio::task::yield_now() => if let Some(next) = world.clock.next_sleeper()
                && next < world.clock.now().plus(Duration::from_secs(3))
            {
                world.clock.set(next);
            },
        }
    }
}

#[tokio::test]
async fn promise_7_a_login_that_is_not_saved_yet_outlives_its_provider() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    let blocked = world.file("main", "auth-profiles.json.lock");
    let in_the_way = blocked.clone();
    issuer.answers(move |_, _| {
        fs::create_dir(&in_the_way).unwrap();
        Ok(RenewedLogin::new("new".into()).with_refresh("new-refresh".into()))
    });
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    assert_eq!(unsaved(&world, &provider).await.code(), ErrorCode::StoreUnreadable);
    let waiting = tokio::spawn({
        let provider = provider.clone();
        async move { provider.settled().await }
    });
    // The lease is given back long before, for others to try.
    for _ in 0..12 {
        until("somebody waits", async || world.clock.next_sleeper().is_some()).await;
        world.clock.advance(AGAIN);
    }
    until("the lease is given back", async || !lock_of(&world).exists()).await;
    assert!(!waiting.is_finished(), "there is a login to be saved");
    waiting.abort();
    waiting.await.unwrap_err();
    assert_eq!(Arc::strong_count(&provider), 1);
    drop(provider);
    until("somebody waits", async || world.clock.next_sleeper().is_some()).await;
    fs::remove_dir(&blocked).unwrap();
    world.clock.advance(AGAIN);
    until("it is saved", async || world.stored("main", "codex:me")["refresh"] == "new-refresh")
        .await;
}

#[tokio::test]
async fn a_host_that_ends_can_wait_for_what_is_not_saved_yet() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    issuer.go.forget_permits(1000);
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    provider.settled().await;
    let asked = tokio::spawn({
        let (provider, request) = (provider.clone(), world.request("codex:me"));
        async move { ask(&provider, &request).await }
    });
    issuer.arrived.notified().await;
    asked.abort();
    let settled = provider.settled();
    tokio::pin!(settled);
    assert!(futures::poll!(&mut settled).is_pending(), "an exchange is under way");
    issuer.go.add_permits(1);
    settled.await;
    assert_eq!(world.stored("main", "codex:me")["refresh"], "refresh-1");
}

#[tokio::test]
async fn promise_7_what_cannot_be_saved_is_kept_not_served_and_saved_later() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    let blocked = world.file("main", "auth-profiles.json.lock");
    let in_the_way = blocked.clone();
    issuer.answers(move |_, _| {
        fs::create_dir(&in_the_way).unwrap();
        Ok(RenewedLogin::new("new".into()).with_refresh("new-refresh".into()))
    });
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let request = world.request("codex:me");
    assert_eq!(unsaved(&world, &provider).await.code(), ErrorCode::StoreUnreadable);
    assert_eq!(ask(&provider, &request).await.unwrap_err().code(), ErrorCode::StoreUnreadable);
    assert_eq!(world.stored("main", "codex:me")["refresh"], "refresh-0");
    fs::remove_dir(&blocked).unwrap();
    until("somebody waits", async || world.clock.next_sleeper().is_some()).await;
    world.clock.advance(AGAIN);
    until("it is saved", async || world.stored("main", "codex:me")["refresh"] == "new-refresh")
        .await;
    assert_eq!(ask(&provider, &request).await.unwrap(), "new");
    assert_eq!(issuer.exchanges(), 1);
}

#[tokio::test]
async fn a_refresh_token_that_came_without_an_access_token_is_kept() {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let issuer = Issuer::new();
    issuer.answers(|login, _| match login.refresh_token.expose_secret() {
        "refresh-0" => Err(NotRenewed::Rotated {
            refresh: "refresh-a".into(),
            error: CredentialError::new(ErrorCode::InvalidResponse, "no access token"),
        }),
        "refresh-a" => Ok(RenewedLogin::new("access-a".into())),
        other => panic!("{other}"),
    });
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let error = ask(&provider, &world.request("codex:me")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    assert_eq!(world.stored("main", "codex:me")["refresh"], "refresh-a");
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "access-a");
}

#[tokio::test]
async fn a_rejected_login_is_renewed_first_and_counted_only_if_that_does_not_help() {
    let world = World::with("{}");
    world.write(
        "main",
        &format!("{{\"codex:me\": {}}}", login(&world, "access-0", "refresh-0", 3_600_000)),
    );
    let issuer = Issuer::new();
    let (_engine, tool) = world.engine(world.builder().model_provider("codex", issuer.named()));
    let name = at("codex");
    let first = tool.request(&name).await.unwrap();
    assert_eq!(secret(&first), "access-0");
    tool.request(&name).report(&first, Outcome::Rejected).unwrap();
    let second = tool.request(&name).await.unwrap();
    assert_eq!(secret(&second), "access-1");
    assert_eq!(world.json("main", "auth-state.json").get("usageStats"), None);
    tool.request(&name).report(&second, Outcome::Rejected).unwrap();
    until("it is counted", async || {
        let state = world.json("main", "auth-state.json");
        state["usageStats"]["codex:me"]["failureCounts"]["auth"] == 1
    })
    .await;
    let error = tool.request(&name).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RateLimited);
    assert!(error.detail().contains("auth"), "{error}");
}

#[tokio::test]
async fn promise_7_a_process_that_dies_in_the_exchange_leaves_the_old_login_and_a_lock_to_take_over()
 {
    let world = World::with("{}");
    world.write("main", &one(&world));
    let lock = lock_of(&world);
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    // A process id that nobody has.
    let since = chrono_like(&world);
    fs::write(&lock, format!("{{\"pid\": {}, \"createdAt\": \"{since}\"}}", u32::MAX - 1)).unwrap();
    let issuer = Issuer::new();
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    assert_eq!(ask(&provider, &world.request("codex:me")).await.unwrap(), "access-1");
    assert!(!lock.exists());
}

#[tokio::test]
async fn promise_6_nothing_that_is_shown_holds_a_token() {
    let world = World::with("{}");
    let login = login(&world, "canary-access", "canary-refresh", -60_000);
    world.write("main", &format!("{{\"codex:me\": {login}}}"));
    let issuer = Issuer::new();
    let provider = world.provider(world.builder().model_provider("codex", issuer.named()));
    let mut shown = format!("{provider:?}");
    issuer.answers(|login, _| {
        let detail = Detail::cleaned("canary-answer-0123456789abcdef is bad");
        let shown = format!("{login:?}");
        assert!(!shown.contains("canary"), "{shown}");
        Err(NotRenewed::Refused { reason: ReauthReason::GrantRejected, detail })
    });
    for id in ["codex:me", "codex"] {
        let error = ask(&provider, &world.request(id)).await.unwrap_err();
        shown.push_str(&format!("{error} {error:?}"));
    }
    shown.push_str(&format!("{:?}", provider.profiles().await.unwrap()));
    shown.push_str(&format!("{:?}", provider.list(&world.request("codex")).await.unwrap()));
    assert!(shown.contains("codex:me") && !shown.contains("canary"), "{shown}");
}

/// A folder of its own for the processes.
pub(crate) fn folder() -> Folder {
    Folder::new()
}
