//! What was taken back is not served again, by no late answer and in no session of the same name.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const SEC: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_revoked_credential_is_gone_for_requests_and_handles() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let handle = world.tool.request(&key).bind().unwrap();
    let first = handle.get().await.unwrap();
    assert!(handle.with(|c| c.kind()).is_ok());
    let revoked = world.engine.administrator().at(&key).revoke().await.unwrap();
    assert_eq!(revoked, Revocation::Remote);
    assert_eq!(*vault.revoked.lock().unwrap(), [text(&first).to_owned()]);
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::Revoked);
    assert_eq!(world.tool.request(&key).retry().await.unwrap_err().code(), ErrorCode::Revoked);
    assert_eq!(handle.with(|c| c.kind()).unwrap_err().code(), ErrorCode::Revoked);
    assert_eq!(handle.get().await.unwrap_err().code(), ErrorCode::Revoked);
    // Invalidation forgets what is cached, not that it was revoked.
    world.engine.administrator().at(&key).invalidate().unwrap();
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::Revoked);
    assert_eq!(vault.calls(), 1);
}

#[tokio::test]
async fn a_revocation_waits_for_a_committed_exchange_and_revokes_the_newest() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Committed(5 * SEC, issues("newest")));
    let world = World::new(&[&vault]);
    let tool = world.tool.clone();
    let waiting = tokio::spawn(async move { tool.request(&at("vault/shared")).await });
    settle().await;
    let admin = world.engine.administrator();
    let revoking = tokio::spawn(async move { admin.at(&at("vault/shared")).revoke().await });
    settle().await;
    assert!(waiting.is_finished(), "those who wait are told at once");
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), ErrorCode::Revoked);
    world.pass(2 * SEC).await;
    assert!(!revoking.is_finished());
    world.pass(3 * SEC).await;
    revoking.await.unwrap().unwrap();
    assert_eq!(*vault.revoked.lock().unwrap(), ["newest"]);
}

#[tokio::test]
async fn a_revocation_goes_on_when_its_caller_gives_up() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Committed(5 * SEC, issues("newest")));
    let world = World::new(&[&vault]);
    let tool = world.tool.clone();
    let _waiting = tokio::spawn(async move { tool.request(&at("vault/shared")).await });
    settle().await;
    let admin = world.engine.administrator();
    let revoking = tokio::spawn(async move { admin.at(&at("vault/shared")).revoke().await });
    settle().await;
    revoking.abort();
    world.pass(5 * SEC).await;
    assert_eq!(*vault.revoked.lock().unwrap(), ["newest"]);
}

#[tokio::test]
async fn a_late_answer_does_not_put_back_what_was_invalidated() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Committed(5 * SEC, issues("old"))).then(Act::Answer(issues("new")));
    let world = World::new(&[&vault]);
    let tool = world.tool.clone();
    let waiting = tokio::spawn(async move { tool.request(&at("vault/shared")).await.unwrap() });
    settle().await;
    world.engine.administrator().at(&at("vault/shared")).invalidate().unwrap();
    world.pass(5 * SEC).await;
    assert_eq!(text(&waiting.await.unwrap()), "new");
    let most = vault.most.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(most, 1, "and never two calls at once");
}

#[tokio::test]
async fn an_ended_session_takes_its_descendants_requests_and_handles_with_it() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let (alice, bob) = (person("alice"), person("bob"));
    let child = alice.child("subagent:1").unwrap();
    let key = at("vault/own");
    let handle = world.tool.request(&key).session(&alice).bind().unwrap();
    handle.get().await.unwrap();
    let old = world.tool.request(&key).session(&child).await.unwrap();
    let bobs = world.tool.request(&key).session(&bob).await.unwrap();
    vault.then(Act::Hang);
    let (tool, session) = (world.tool.clone(), alice.clone());
    let other = at("vault/own-other");
    let flying = tokio::spawn(async move { tool.request(&other).session(&session).await });
    settle().await;
    world.engine.administrator().end_session(&alice).await;
    assert_eq!(flying.await.unwrap().unwrap_err().code(), ErrorCode::SessionEnded);
    assert_eq!(handle.with(|_| ()).unwrap_err().code(), ErrorCode::SessionEnded);
    let same = world.tool.request(&key).session(&bob).await.unwrap();
    assert_eq!(text(&same), text(&bobs), "another person's is untouched");
    // The same session returns: it starts anew, its old handle stays dead.
    let anew = world.tool.request(&key).session(&child).await.unwrap();
    assert_ne!(text(&anew), text(&old));
    assert_eq!(handle.get().await.unwrap_err().code(), ErrorCode::SessionEnded);
}

#[tokio::test]
async fn a_parent_that_is_taken_back_ends_what_was_derived_from_it() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/own")));
    let world = World::new(&[&idp, &volc]);
    let alice = person("alice");
    let (id, key) = (at("idp/own"), at("volc/own-key"));
    let first = world.tool.request(&key).session(&alice).await.unwrap();
    assert_eq!((idp.calls(), volc.calls()), (1, 1));
    // A renewal of the parent ends nothing.
    let parent = world.tool.request(&id).session(&alice).await.unwrap();
    world.tool.request(&id).session(&alice).reject(parent.revision().unwrap()).await.unwrap();
    let same = world.tool.request(&key).session(&alice).await.unwrap();
    assert_eq!(text(&first), text(&same));
    world.engine.administrator().at(&id).session(&alice).revoke().await.unwrap();
    let error = world.tool.request(&key).session(&alice).await.unwrap_err();
    assert_eq!((error.code(), error.parent()), (ErrorCode::Revoked, Some(&id)));
    // The child was not revoked itself: what brings the parent back brings it back.
    let states = world.engine.administrator().snapshot();
    let state =
        |of: &CredentialRef| states.iter().find(|s| s.key.reference() == *of).unwrap().state;
    assert_eq!(state(&id), State::Revoked);
    assert_ne!(state(&key), State::Revoked);
    world.engine.administrator().at(&id).session(&alice).release().unwrap();
    let anew = world.tool.request(&key).session(&alice).await.unwrap();
    assert_ne!(text(&anew), text(&first));
}

#[tokio::test]
async fn a_parent_taken_back_while_the_child_is_made_ends_the_child() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    let want = Want::new(at("idp/own"));
    volc.then(Act::Derive(want.clone(), 5 * SEC)).then(Act::Derive(want, 5 * SEC));
    let world = World::new(&[&idp, &volc]);
    let alice = person("alice");
    let (tool, session) = (world.tool.clone(), alice.clone());
    let making = tokio::spawn(async move { tool.request(&at("volc/own")).session(&session).await });
    world.pass(2 * SEC).await;
    world.engine.administrator().at(&at("idp/own")).session(&alice).revoke().await.unwrap();
    world.pass(10 * SEC).await;
    assert_eq!(making.await.unwrap().unwrap_err().code(), ErrorCode::Revoked);
}

#[tokio::test]
async fn a_child_ends_no_later_than_its_parent() {
    let idp = Scripted::new("idp", Some(600 * SEC));
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/shared")));
    let world = World::new(&[&idp, &volc]);
    let child = world.tool.request(&at("volc/shared")).await.unwrap();
    let parent = world.tool.request(&at("idp/shared")).await.unwrap();
    assert!(child.window().until <= parent.window().until);
}

#[tokio::test]
async fn a_change_outside_reaches_consumers() {
    let vault = Scripted::new("vault", None);
    let (tell, changes) = futures::channel::mpsc::unbounded();
    *vault.changes.lock().unwrap() = Some(changes);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let handle = world.tool.request(&key).bind().unwrap();
    let first = handle.get().await.unwrap();
    let since = handle.version();
    tell.unbounded_send(Change::Key(Key::gateway(&key))).unwrap();
    handle.changed(since).await;
    let second = handle.get().await.unwrap();
    assert_ne!(text(&first), text(&second));
    tell.unbounded_send(Change::All).unwrap();
    settle().await;
    assert!(handle.try_get().is_err());
}
