//! Credentials made of others: circles, depth, deadlines and call limits.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const SEC: Duration = Duration::from_secs(1);

fn chain(length: usize) -> Vec<Arc<Scripted>> {
    let providers: Vec<_> = (0..length).map(|n| Scripted::new(&format!("p{n}"), HOUR)).collect();
    for (n, provider) in providers.iter().enumerate().take(length - 1) {
        let want = Want::new(at(&format!("p{}/shared", n + 1)));
        *provider.derives.lock().unwrap() = Some(want);
    }
    providers
}

#[tokio::test]
async fn eight_deep_is_deep_enough() {
    for (length, fine) in [(9, true), (10, false)] {
        let providers = chain(length);
        let world = World::new(&providers.iter().collect::<Vec<_>>());
        let answer = world.tool.request(&at("p0/shared")).await;
        match answer {
            Ok(_) => assert!(fine, "{length}"),
            Err(error) => {
                assert!(!fine, "{length}: {error}");
                assert_eq!(error.code(), ErrorCode::DependencyTooDeep);
            }
        }
    }
}

#[tokio::test]
async fn what_is_cached_counts_for_the_depth_too() {
    let providers = chain(10);
    let world = World::new(&providers.iter().collect::<Vec<_>>());
    world.tool.request(&at("p1/shared")).await.unwrap();
    let error = world.tool.request(&at("p0/shared")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyTooDeep);
}

#[tokio::test]
async fn a_circle_is_an_error_and_not_a_deadlock() {
    let (a, b) = (Scripted::new("a", HOUR), Scripted::new("b", HOUR));
    *a.derives.lock().unwrap() = Some(Want::new(at("b/shared")));
    *b.derives.lock().unwrap() = Some(Want::new(at("a/shared")));
    let world = World::new(&[&a, &b]);
    let error = world.tool.request(&at("a/shared")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyCycle);
    // Started from both ends at once, each joins the other's flight.
    let world = World::new(&[&a, &b]);
    let ask = |name: &'static str| {
        let tool = world.tool.clone();
        tokio::spawn(async move { tool.request(&at(name)).await })
    };
    let (one, two) = (ask("a/shared"), ask("b/shared"));
    settle().await;
    assert_eq!(one.await.unwrap().unwrap_err().code(), ErrorCode::DependencyCycle);
    assert_eq!(two.await.unwrap().unwrap_err().code(), ErrorCode::DependencyCycle);
    let own = Scripted::new("own", HOUR);
    *own.derives.lock().unwrap() = Some(Want::new(at("own/shared")));
    let world = World::new(&[&own]);
    let error = world.tool.request(&at("own/shared")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyCycle);
}

#[tokio::test]
async fn a_flight_that_waits_for_another_gives_its_permit_back() {
    let providers = chain(8);
    let mut tuning = tuning();
    tuning.calls = 1;
    tuning.calls_per_provider = 1;
    let world = World::tuned(&providers.iter().collect::<Vec<_>>(), tuning);
    let asked: Vec<_> = (0..8)
        .map(|n| {
            let tool = world.tool.clone();
            tokio::spawn(async move { tool.request(&at(&format!("p{n}/shared"))).await })
        })
        .collect();
    settle().await;
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    assert!(providers.iter().all(|p| p.calls() == 1));
}

#[tokio::test]
async fn the_deadline_is_inherited() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    idp.then(Act::Committed(100 * SEC, issues("late")));
    volc.then(Act::Derive(Want::new(at("idp/shared")), Duration::ZERO));
    let world = World::new(&[&idp, &volc]);
    let tool = world.tool.clone();
    let asked = tokio::spawn(async move { tool.request(&at("volc/shared")).await });
    world.pass(31 * SEC).await;
    let error = asked.await.unwrap().unwrap_err();
    assert!(matches!(error.code(), ErrorCode::DeadlineExceeded | ErrorCode::Timeout), "{error}");
}

#[tokio::test]
async fn a_child_stopped_by_its_parent_names_it_and_wakes_with_its_sign_in() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/own")));
    idp.then(Act::Answer(Err(CredentialError::needs_reauth(ReauthReason::GrantRejected, ""))));
    let world = World::new(&[&idp, &volc]);
    let alice = person("alice");
    let key = at("volc/own");
    let ask = || world.tool.request(&key).session(&alice);
    let error = ask().await.unwrap_err();
    assert_eq!(error.parent(), Some(&at("idp/own")));
    assert!(error.next_step().contains("idp/own"));
    assert_eq!(ask().await.unwrap_err().code(), ErrorCode::NeedsReauth);
    assert_eq!(volc.calls(), 1, "it fails fast");
    // What ends the parent's trouble ends the child's.
    world.engine.administrator().at(&at("idp/own")).session(&alice).invalidate().unwrap();
    ask().await.unwrap();
}

#[tokio::test]
async fn only_the_parent_retries_its_own_failures() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/shared")));
    for _ in 0..10 {
        idp.then(Act::Answer(fails(ErrorCode::Unavailable)));
    }
    let world = World::new(&[&idp, &volc]);
    let error = world.ask(&at("volc/shared")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert_eq!((idp.calls(), volc.calls()), (3, 1));
}
