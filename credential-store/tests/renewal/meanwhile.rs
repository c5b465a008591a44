//! What happens to a renewal when somebody signs in or out while its answer is on its way.

use std::time::Duration;

use credential_provider_api::*;
use futures::StreamExt as _;

use crate::issuer::{Next, World, grants, secret};

#[tokio::test]
async fn promise_4_a_sign_out_is_not_undone_by_an_answer_under_way() {
    let world = World::with_answers(0).await;
    let renewal = world.begin();
    world.asked(1).await;
    let removed = world.grants.sign_out(&world.key).await.unwrap().unwrap();
    assert_eq!(removed.expose(), b"rt-1");
    world.issuer.answers.add_permits(1);
    let error = renewal.await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::SignedOut));
    assert!(world.record().await.is_none());
    world.grants.close().await;
    assert!(world.deeds().contains(&"discard rt-2".to_owned()), "{:?}", world.deeds());
}

#[tokio::test]
async fn promise_4_a_sign_in_counts_more_than_an_answer_under_way() {
    let world = World::with_answers(0).await;
    let renewal = world.begin();
    world.asked(1).await;
    world.sign_in("rt-9").await;
    world.issuer.answers.add_permits(2);
    assert_eq!(secret(&renewal.await.unwrap().unwrap()), "at-9");
    world.grants.close().await;
    assert!(world.deeds().contains(&"discard rt-2".to_owned()), "{:?}", world.deeds());
    assert_eq!(world.kept().await, "rt-10");
}

#[tokio::test]
async fn a_refusal_of_a_grant_that_was_replaced_meanwhile_is_no_refusal() {
    let world = World::with_answers(0).await;
    world.issuer.will([Next::Refuse]);
    let renewal = world.begin();
    world.asked(1).await;
    world.sign_in("rt-9").await;
    world.issuer.answers.add_permits(2);
    assert_eq!(secret(&renewal.await.unwrap().unwrap()), "at-9");
    assert!(world.record().await.unwrap().refusal.is_none());
}

#[tokio::test]
async fn a_sign_in_replaces_and_hands_back_the_old_grant() {
    let world = World::new().await;
    let first = world.renew().await.unwrap();
    let issued = Credential::oauth2("at-0".into());
    let grant = Grant::from(b"rt-9".to_vec());
    let done = world.grants.sign_in(&world.key, Some(grant), Some(issued)).await.unwrap();
    assert_eq!(done.replaced.unwrap().expose(), b"rt-2");
    let given = world.renew().await.unwrap();
    assert_eq!(secret(&given), "at-0");
    assert_eq!(given.revision(), done.credential.unwrap().revision());
    assert!(given.revision() > first.revision());
    assert_eq!(secret(&world.grants.current(&world.key).await.unwrap().unwrap()), "at-0");
}

#[tokio::test]
async fn promise_4_others_are_told_of_sign_in_sign_out_and_renewal_and_nobody_of_his_own() {
    let world = World::new().await;
    let other = grants(&world.store, &world.clock);
    let other_ask = || other.renew(world.ask(), world.issuer.clone());
    let mut told = other.changes();
    let mut own = world.grants.changes();

    // Known to the other: signed in, nothing issued.
    assert!(other.current(&world.key).await.unwrap().is_none());
    world.renew().await.unwrap();
    let renewed = world.grants.current(&world.key).await.unwrap().unwrap().revision().unwrap();
    assert_eq!(told.next().await, Some(Change::Renewed(world.key.clone(), renewed)));
    other_ask().await.unwrap();
    world.grants.sign_out(&world.key).await.unwrap();
    // Read by somebody there before it is told: told all the same.
    assert!(other.current(&world.key).await.unwrap().is_none());
    assert_eq!(told.next().await, Some(Change::SignedOut(world.key.clone())));
    world.sign_in("rt-5").await;
    assert_eq!(told.next().await, Some(Change::SignedIn(world.key.clone())));
    world.clock.advance(Duration::from_secs(1));
    world.sign_in("rt-6").await;
    assert_eq!(told.next().await, Some(Change::SignedIn(world.key.clone())), "and another");
    world.issuer.will([Next::Refuse]);
    world.renew().await.unwrap_err();
    assert_eq!(told.next().await, Some(Change::Key(world.key.clone())), "a refusal");
    // The first hears nothing of all that, but of what the other does.
    other.sign_out(&world.key).await.unwrap();
    assert_eq!(own.next().await, Some(Change::SignedOut(world.key.clone())));
}
