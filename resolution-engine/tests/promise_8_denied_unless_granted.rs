//! Which consumer may have which credential is the host's word, and it is audited.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use common::*;
use credential_provider_api::*;
use resolution_engine::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

#[derive(Default)]
struct Trail {
    records: Mutex<Vec<(String, AuditAction)>>,
    broken: AtomicBool,
}

impl AuditSink for Trail {
    fn record(&self, record: &AuditRecord) -> Result<(), AuditFailed> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(AuditFailed::new());
        }
        self.records.lock().unwrap().push((record.consumer.to_string(), record.action));
        Ok(())
    }
}

fn audited(vault: &Arc<Scripted>, policy: AuditPolicy) -> (World, Arc<Trail>) {
    let trail = Arc::new(Trail::default());
    let rules = AccessRules::deny_all().allow("tool:*", "vault/shared*").unwrap();
    let world = World::build(&[vault], |b| b.access(rules).audit(trail.clone(), policy));
    (world, trail)
}

#[tokio::test]
async fn without_rules_nobody_may_have_anything() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::build(&[&vault], |builder| builder);
    let key = at("vault/shared");
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::AccessDenied);
    assert_eq!(world.tool.request(&key).bind().unwrap_err().code(), ErrorCode::AccessDenied);
    let refused = world.tool.request(&key).sign_in().start().await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccessDenied);
    assert_eq!(vault.calls(), 0);
    assert_eq!(world.engine.counters().denied, 3);
}

#[tokio::test]
async fn a_cached_credential_is_denied_to_the_next_consumer_all_the_same() {
    let vault = Scripted::new("vault", HOUR);
    let rules = AccessRules::deny_all().allow("tool:test", "vault/*").unwrap();
    let world = World::build(&[&vault], |b| b.access(rules));
    let key = at("vault/shared");
    world.tool.request(&key).await.unwrap();
    let other = world.engine.consumer("tool:other").unwrap();
    assert_eq!(other.request(&key).await.unwrap_err().code(), ErrorCode::AccessDenied);
    // More consumers than fit the fast path are judged just the same.
    for n in 0..60 {
        let other = world.engine.consumer(&format!("tool:n{n}")).unwrap();
        assert_eq!(other.request(&key).await.unwrap_err().code(), ErrorCode::AccessDenied);
    }
}

#[tokio::test]
async fn a_reload_that_denies_counts_at_once_and_ends_handles_for_good() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    let key = at("vault/shared");
    let handle = world.tool.request(&key).bind().unwrap();
    handle.get().await.unwrap();
    world.tool.request(&key).await.unwrap();
    let admin = world.engine.administrator();
    admin.replace_access(AccessRules::deny_all());
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::AccessDenied);
    assert_eq!(handle.with(|_| ()).unwrap_err().code(), ErrorCode::AccessDenied);
    admin.replace_access(AccessRules::deny_all().allow("tool:*", "*").unwrap());
    world.tool.request(&key).await.unwrap();
    assert_eq!(handle.with(|_| ()).unwrap_err().code(), ErrorCode::AccessDenied);
    assert_eq!(handle.get().await.unwrap_err().code(), ErrorCode::AccessDenied);
}

#[tokio::test]
async fn decisions_and_first_uses_of_a_revision_are_audited() {
    let vault = Scripted::new("vault", HOUR);
    let (world, trail) = audited(&vault, AuditPolicy::Deny);
    let key = at("vault/shared");
    let first = world.tool.request(&key).await.unwrap();
    let handle = world.tool.request(&key).bind().unwrap();
    for _ in 0..5 {
        world.tool.request(&key).await.unwrap();
        handle.with(|_| ()).unwrap();
    }
    world.tool.request(&at("vault/own")).session(&person("a")).await.unwrap_err();
    let revision = first.revision().unwrap();
    let second = world.tool.request(&key).reject(revision).await.unwrap().revision().unwrap();
    let uses: Vec<AuditAction> =
        trail.records.lock().unwrap().iter().map(|(_, action)| *action).collect();
    let use_of = AuditAction::FirstUse;
    assert_eq!(uses, [use_of(revision), use_of(revision), AuditAction::Denied, use_of(second)]);
}

#[tokio::test]
async fn a_broken_audit_sink_denies_or_is_counted() {
    let vault = Scripted::new("vault", HOUR);
    let (world, trail) = audited(&vault, AuditPolicy::Deny);
    trail.broken.store(true, Ordering::SeqCst);
    let key = at("vault/shared");
    assert_eq!(world.tool.request(&key).await.unwrap_err().code(), ErrorCode::AuditFailed);
    let handle = world.tool.request(&key).bind().unwrap();
    assert_eq!(handle.get().await.unwrap_err().code(), ErrorCode::AuditFailed);
    trail.broken.store(false, Ordering::SeqCst);
    world.tool.request(&key).await.unwrap();

    let (world, trail) = audited(&vault, AuditPolicy::Count);
    trail.broken.store(true, Ordering::SeqCst);
    world.tool.request(&key).await.unwrap();
    assert_eq!(world.engine.counters().audit_failures, 1);
}

#[tokio::test]
async fn what_is_for_providers_only_is_granted_to_no_consumer() {
    let vault = Scripted::new("vault", HOUR);
    let volc = Scripted::new("volc", HOUR);
    volc.then(Act::Derive(Want::new(at("vault/inner")), Duration::ZERO));
    let world = World::new(&[&vault, &volc]);
    let error = world.tool.request(&at("vault/inner")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    let derived = world.tool.request(&at("volc/shared")).await.unwrap();
    assert!(text(&derived).starts_with("from-vault-inner"));
}

#[tokio::test]
async fn a_provider_is_under_the_same_rules() {
    let vault = Scripted::new("vault", HOUR);
    let volc = Scripted::new("volc", HOUR);
    volc.then(Act::Derive(Want::new(at("vault/shared")), Duration::ZERO));
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let world = World::build(&[&vault, &volc], |b| b.access(rules));
    let error = world.tool.request(&at("volc/shared")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert_eq!(error.parent(), Some(&at("vault/shared")));
}

#[tokio::test]
async fn nobody_can_say_the_engines_own_names() {
    let vault = Scripted::new("vault", HOUR);
    let world = World::new(&[&vault]);
    for name in ["provider:vault", "administrator:host", "tool", "Tool:x"] {
        let refused = world.engine.consumer(name).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ConfigurationInvalid, "{name}");
    }
}
