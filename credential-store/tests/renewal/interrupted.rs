//! Exchanges that fail, are interrupted, or are refused.

use std::time::Duration;

use credential_provider_api::*;

use crate::issuer::{Next, World, grants, secret};

/// A process was killed between sending and saving.
async fn interrupted() -> World {
    let world = World::new().await;
    let loaded = world.store.store.load(&world.key).await.unwrap();
    let intent = Intent::new(world.clock.now(), "process 1 on elsewhere");
    let record = loaded.record.unwrap().with_intent(intent);
    world.store.store.save(&world.key, loaded.revision, record).await.unwrap();
    world
}

#[tokio::test]
async fn promise_7_after_an_interruption_it_is_tried_once_and_an_issuer_with_grace_answers() {
    let world = interrupted().await;
    assert_eq!(secret(&world.renew().await.unwrap()), "at-1");
    assert!(world.record().await.unwrap().intent.is_none());
    assert_eq!(world.issuer.calls(), ["rt-1"]);
}

#[tokio::test]
async fn promise_7_a_refusal_after_an_interruption_says_so_for_good() {
    let world = interrupted().await;
    world.issuer.will([Next::Refuse]);
    for _ in 0..3 {
        let error = world.renew().await.unwrap_err();
        assert_eq!(error.reason(), Some(ReauthReason::RenewalInterrupted));
    }
    // Another process, or this one after a restart, does not ask again either.
    let other = grants(&world.store, &world.clock);
    let error = other.renew(world.ask(), world.issuer.clone()).await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::RenewalInterrupted));
    assert_eq!(world.issuer.calls(), ["rt-1"]);
    assert_eq!(world.kept().await, "rt-1", "nothing is deleted");
    world.sign_in("rt-5").await;
    assert_eq!(secret(&world.renew().await.unwrap()), "at-5");
}

#[tokio::test]
async fn a_refused_grant_ends_in_its_reason_and_is_not_sent_again() {
    let world = World::new().await;
    let first = world.renew().await.unwrap();
    world.issuer.will([Next::Refuse]);
    for _ in 0..3 {
        let ask = world.ask().rejected(first.revision());
        let error = world.grants.renew(ask, world.issuer.clone()).await.unwrap_err();
        assert_eq!(error.reason(), Some(ReauthReason::GrantRejected));
        assert!(error.to_string().contains("no longer valid"), "{error}");
    }
    assert_eq!(world.issuer.calls(), ["rt-1", "rt-2"]);
    let valid = world.renew().await.unwrap();
    assert_eq!(valid.revision(), first.revision(), "what is valid is still served");
}

#[tokio::test]
async fn promise_7_what_failed_unsent_leaves_no_intent_and_what_was_sent_leaves_one() {
    for (next, code, intent) in [
        (Next::Unspent, ErrorCode::RateLimited, false),
        (Next::Unanswered, ErrorCode::Unavailable, true),
        (Next::Panic, ErrorCode::ProviderPanicked, true),
    ] {
        let world = World::new().await;
        world.issuer.will([next]);
        assert_eq!(world.renew().await.unwrap_err().code(), code);
        assert_eq!(world.record().await.unwrap().intent.is_some(), intent, "{next:?}");
        assert_eq!(world.kept().await, "rt-1");
        assert_eq!(secret(&world.renew().await.unwrap()), "at-1", "asked again, it tries again");
        assert_eq!(world.deeds().last().unwrap(), "release");
    }
}

#[tokio::test]
async fn promise_7_a_failure_after_an_interruption_explains_nothing() {
    let world = interrupted().await;
    world.issuer.will([Next::Unspent, Next::Refuse]);
    world.renew().await.unwrap_err();
    assert!(world.record().await.unwrap().intent.is_some(), "the old question is still open");
    let error = world.renew().await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::RenewalInterrupted));
}

#[tokio::test(start_paused = true)]
async fn promise_2_an_exchange_that_hangs_meets_the_limit_and_counts_as_unanswered() {
    let world = World::new().await;
    world.issuer.will([Next::Hang]);
    assert_eq!(world.renew().await.unwrap_err().code(), ErrorCode::Timeout);
    assert!(world.record().await.unwrap().intent.is_some());
    assert_eq!(secret(&world.renew().await.unwrap()), "at-1");
}

#[tokio::test(start_paused = true)]
async fn promise_7_a_rotated_grant_is_saved_however_often_it_takes_before_anybody_sees_it() {
    let world = World::new().await;
    *world.store.failures.lock().unwrap() = 5;
    let started = tokio::time::Instant::now();
    assert_eq!(secret(&world.renew().await.unwrap()), "at-1");
    assert!(started.elapsed() > Duration::from_millis(100), "it waited between the tries");
    assert_eq!(world.kept().await, "rt-2");
    assert_eq!(world.issuer.calls(), ["rt-1"]);
}

#[tokio::test(start_paused = true)]
async fn promise_7_a_grant_that_cannot_be_saved_is_not_given_out() {
    let world = World::new().await;
    *world.store.failures.lock().unwrap() = u32::MAX;
    let error = world.renew().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnwritable);
    assert!(world.record().await.unwrap().intent.is_some(), "the next one knows");
}

#[tokio::test]
async fn without_a_grant_the_reason_says_why() {
    let world = World::new().await;
    let nobody = Key::gateway(&CredentialRef::parse("idp/other").unwrap());
    let reason = |key: &Key| {
        let ask = credential_store::Renewal::of(key.clone());
        let renewal = world.grants.renew(ask, world.issuer.clone());
        async move { renewal.await.unwrap_err().reason() }
    };
    assert_eq!(reason(&nobody).await, Some(ReauthReason::NotSignedIn));
    world.grants.sign_out(&world.key).await.unwrap();
    assert_eq!(reason(&world.key).await, Some(ReauthReason::SignedOut));
    let ended = Credential::oauth2("at".into()).with_expiry(world.clock.now());
    world.grants.sign_in(&world.key, None, Some(ended)).await.unwrap();
    assert_eq!(reason(&world.key).await, Some(ReauthReason::GrantExpired));
    assert_eq!(world.issuer.calls(), [""; 0]);
}

#[tokio::test]
async fn promise_7_a_grant_that_came_with_nothing_to_serve_is_kept() {
    let world = World::new().await;
    let first = world.renew().await.unwrap();
    world.issuer.will([Next::RotateOnly]);
    let ask = world.ask().rejected(first.revision());
    let error = world.grants.renew(ask, world.issuer.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    assert_eq!(world.kept().await, "rt-3");
    let record = world.record().await.unwrap();
    assert!(record.intent.is_none(), "it was answered");
    assert!(record.credential.unwrap().same_secrets(&first), "what was is still what is served");
    let ask = world.ask().rejected(first.revision());
    let next = world.grants.renew(ask, world.issuer.clone()).await.unwrap();
    assert_eq!(secret(&next), "at-3");
}

#[tokio::test]
async fn what_is_not_stored_is_attached_from_the_grant_it_came_with() {
    let world = World::new().await;
    let attached = |credential: &Credential| credential.property("attached").map(str::to_owned);
    let renewed = world.renew().await.unwrap();
    assert_eq!(attached(&renewed).as_deref(), Some("rt-2"), "from an exchange");
    let kept = world.renew().await.unwrap();
    assert_eq!(attached(&kept).as_deref(), Some("rt-2"), "from the store");
    let stored = world.record().await.unwrap().credential.unwrap();
    assert_eq!(attached(&stored), None, "and not in it");
    assert_eq!(world.issuer.calls(), ["rt-1"]);
}
