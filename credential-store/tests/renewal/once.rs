//! One exchange, in its order, whoever asks and whoever gives up.

use std::time::Duration;

use credential_provider_api::*;
use credential_store::{Exchanged, Renewal};

use crate::issuer::{Next, World, grants, secret};

#[tokio::test]
async fn promise_1_a_thousand_tasks_of_two_processes_cost_one_exchange() {
    let world = World::with_answers(0).await;
    let other = grants(&world.store, &world.clock);
    let mut tasks = Vec::new();
    for number in 0..1000 {
        let grants = if number % 2 == 0 { world.grants.clone() } else { other.clone() };
        let (ask, issuer) = (world.ask(), world.issuer.clone());
        tasks.push(tokio::spawn(async move { grants.renew(ask, issuer).await }));
    }
    world.asked(1).await;
    world.issuer.answers.add_permits(1000);
    for task in tasks {
        assert_eq!(secret(&task.await.unwrap().unwrap()), "at-1");
    }
    assert_eq!(world.issuer.calls(), ["rt-1"]);
}

#[tokio::test]
async fn promise_7_the_sequence_is_lease_intent_exchange_save_release() {
    let world = World::new().await;
    let credential = world.renew().await.unwrap();
    let sequence = ["lease", "save intent", "exchange rt-1", "save", "release"];
    assert_eq!(world.deeds(), sequence);
    let log = world.store.log.lock().unwrap().clone();
    let lease = log.iter().position(|line| line == "lease").unwrap();
    assert_eq!(log[lease + 1], "load", "it reads again under the lease");
    let loaded = world.store.store.load(&world.key).await.unwrap();
    assert_eq!(credential.revision(), loaded.revision, "issued at the revision of its save");
}

#[tokio::test]
async fn promise_1_a_rejection_names_its_revision_and_a_newer_one_is_used() {
    let world = World::new().await;
    let first = world.renew().await.unwrap();
    let ask = || world.ask().rejected(first.revision());
    let second = world.grants.renew(ask(), world.issuer.clone()).await.unwrap();
    assert_eq!(secret(&second), "at-2");
    for _ in 0..10 {
        let again = world.grants.renew(ask(), world.issuer.clone()).await.unwrap();
        assert_eq!(again.revision(), second.revision());
    }
    assert_eq!(world.issuer.calls(), ["rt-1", "rt-2"]);
}

#[tokio::test]
async fn promise_1_an_intent_that_is_taken_back_makes_a_rejected_credential_no_newer() {
    let world = World::new().await;
    let first = world.renew().await.unwrap();
    // Two saves of the record, none of a new credential.
    world.issuer.will([Next::Unspent]);
    let ask = || world.ask().rejected(first.revision());
    world.grants.renew(ask(), world.issuer.clone()).await.unwrap_err();
    let again = world.renew().await.unwrap();
    assert_eq!(again.revision(), first.revision(), "it is the same credential");
    let second = world.grants.renew(ask(), world.issuer.clone()).await.unwrap();
    assert_eq!(secret(&second), "at-2");
}

#[tokio::test]
async fn what_is_good_enough_is_given_and_what_is_not_is_renewed() {
    let world = World::new().await;
    let first = world.renew().await.unwrap();
    let minutes = |n: u64| world.ask().min_validity(Duration::from_secs(60 * n));
    world.clock.advance(Duration::from_secs(1));
    let renew = |ask: Renewal| world.grants.renew(ask, world.issuer.clone());
    assert_eq!(renew(world.ask()).await.unwrap().revision(), first.revision());
    let second = renew(minutes(1)).await.unwrap();
    assert_eq!(secret(&second), "at-2", "59 s are less than a minute");
    let third = renew(world.ask().newer_than(second.revision())).await.unwrap();
    assert_eq!(secret(&third), "at-3");
    let best = renew(minutes(5).newer_than(second.revision())).await.unwrap();
    assert_eq!(best.revision(), third.revision(), "no issuer gives five minutes here");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(secret(&world.renew().await.unwrap()), "at-4", "the third has ended");
}

#[tokio::test]
async fn promise_3_an_engine_is_given_nothing_that_is_about_to_end() {
    let world = World::new().await;
    let first = world.renew().await.unwrap();
    world.clock.advance(Duration::from_millis(59_800));
    assert_eq!(world.renew().await.unwrap().revision(), first.revision(), "it has not ended");
    let request = Request::new(world.key.clone(), std::sync::Arc::new(world.clock.clone()));
    let ask = Renewal::for_request(&request);
    let second = world.grants.renew(ask, world.issuer.clone()).await.unwrap();
    assert_eq!(secret(&second), "at-2");
}

#[tokio::test]
async fn an_issuer_that_does_not_rotate_keeps_its_grant() {
    let world = World::new().await;
    world.issuer.will([Next::IssueWithoutRotation, Next::IssueWithoutRotation]);
    world.renew().await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    world.renew().await.unwrap();
    assert_eq!(world.issuer.calls(), ["rt-1", "rt-1"]);
    assert_eq!(world.kept().await, "rt-1");
}

#[tokio::test]
async fn promise_2_a_caller_that_gives_up_cancels_no_exchange() {
    let world = World::with_answers(0).await;
    let caller = world.begin();
    world.asked(1).await;
    caller.abort();
    caller.await.unwrap_err();
    world.issuer.answers.add_permits(1);
    assert_eq!(secret(&world.renew().await.unwrap()), "at-1", "somebody else has it");
    assert_eq!(world.issuer.calls(), ["rt-1"]);
    assert_eq!(world.kept().await, "rt-2");
}

#[tokio::test]
async fn promise_2_a_caller_that_gives_up_before_the_exchange_sends_nothing() {
    let world = World::new().await;
    let held = world.store.lease(&world.key).await.unwrap();
    let caller = world.begin();
    tokio::task::yield_now().await;
    caller.abort();
    caller.await.unwrap_err();
    drop(held);
    // Its task is gone: nothing is left to wait for.
    world.grants.close().await;
    assert_eq!(world.issuer.calls(), [""; 0]);
}

#[tokio::test]
async fn promise_2_a_request_that_was_given_up_commits_nothing() {
    let world = World::new().await;
    let gate = CommitGate::new();
    let request = Request::new(world.key.clone(), std::sync::Arc::new(world.clock.clone()));
    let request = request.with_gate(gate.clone());
    assert!(gate.close());
    let ask = Renewal::for_request(&request);
    let error = world.grants.renew(ask, world.issuer.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert_eq!(world.issuer.calls(), [""; 0]);
    assert!(world.record().await.unwrap().intent.is_none());
}

#[tokio::test]
async fn promise_2_an_exchange_is_committed_to_its_request() {
    let world = World::with_answers(0).await;
    let gate = CommitGate::new();
    let request = Request::new(world.key.clone(), std::sync::Arc::new(world.clock.clone()));
    let ask = Renewal::for_request(&request.with_gate(gate.clone()));
    let (grants, issuer) = (world.grants.clone(), world.issuer.clone());
    let renewal = tokio::spawn(async move { grants.renew(ask, issuer).await });
    world.asked(1).await;
    assert!(gate.is_committed() && !gate.close(), "the engine lets it end");
    world.issuer.answers.add_permits(1);
    renewal.await.unwrap().unwrap();
    assert!(!gate.is_committed());
}

#[tokio::test]
async fn a_hundred_waiters_of_a_failing_issuer_cost_one_call() {
    let world = World::with_answers(0).await;
    world.issuer.will([Next::Unspent; 100]);
    let waiters: Vec<_> = (0..100).map(|_| world.begin()).collect();
    world.asked(1).await;
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    world.issuer.answers.add_permits(100);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap_err().code(), ErrorCode::RateLimited);
    }
    assert_eq!(world.issuer.calls(), ["rt-1"]);
    world.issuer.will([]);
    world.issuer.next.lock().unwrap().clear();
    world.renew().await.unwrap();
}

#[tokio::test]
async fn other_keys_are_renewed_meanwhile() {
    let world = World::with_answers(0).await;
    let stuck = world.begin();
    world.asked(1).await;
    let other = Key::gateway(&CredentialRef::parse("idp/calendar").unwrap());
    let grant = Grant::from(b"rt-7".to_vec());
    world.grants.sign_in(&other, Some(grant), None).await.unwrap();
    let (grants, issuer) = (world.grants.clone(), world.issuer.clone());
    let free = tokio::spawn(async move { grants.renew(Renewal::of(other), issuer).await });
    world.asked(2).await;
    world.issuer.answers.add_permits(2);
    assert_eq!(secret(&free.await.unwrap().unwrap()), "at-7");
    stuck.await.unwrap().unwrap();
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way_and_lets_nothing_begin() {
    let world = World::with_answers(0).await;
    let under_way = world.begin();
    world.asked(1).await;
    let closing = tokio::spawn({
        let grants = world.grants.clone();
        async move { grants.close().await }
    });
    tokio::task::yield_now().await;
    assert!(!closing.is_finished());
    assert_eq!(world.renew().await.unwrap_err().code(), ErrorCode::ShutDown);
    world.issuer.answers.add_permits(1);
    closing.await.unwrap();
    under_way.await.unwrap().unwrap();
}

#[tokio::test]
async fn promise_6_neither_answers_nor_grants_show_a_secret() {
    let world = World::new().await;
    let issued = Exchanged::Issued {
        credential: Credential::oauth2("canary".into()),
        grant: Some(Grant::from(b"canary".to_vec())),
    };
    let grant = || Some(Grant::from(b"canary".to_vec()));
    world.grants.sign_in(&world.key, grant(), None).await.unwrap();
    let signed_in = world.grants.sign_in(&world.key, grant(), None).await.unwrap();
    assert!(signed_in.replaced.is_some());
    let shown = format!("{issued:?} {signed_in:?} {:?} {:?}", world.grants, world.ask());
    assert!(!shown.contains("canary"), "{shown}");
}
