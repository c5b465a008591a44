//! Holes once found between engine and providers; each stays closed.
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
use std::sync::Arc;
use std::time::Duration;
const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const SEC: Duration = Duration::from_secs(1);
struct Panicky(ProviderDescriptor);
#[async_trait]
impl CredentialProvider for Panicky {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, _: &Request) -> Answer {
        Ok(Credential::api_key("k".into()).into())
    }
    fn changes(&self) -> Changes {
        panic!("boom")
    }
}
#[tokio::test]
async fn panicking_changes_is_contained() {
    let d = ProviderDescriptor::new(ProviderId::new("x").unwrap(), "x")
        .with_credential(CredentialDescriptor::gateway(IdPattern::any(), CredentialKind::ApiKey));
    let w = World::build(&[], |b| b.tuning(tuning()));
    w.engine.register(Arc::new(Panicky(d)));
}
#[tokio::test]
async fn health_of_a_session_provider() {
    struct S(ProviderDescriptor);
    #[async_trait]
    impl CredentialProvider for S {
        fn descriptor(&self) -> &ProviderDescriptor {
            &self.0
        }
        async fn resolve(&self, _: &Request) -> Answer {
            Ok(Credential::api_key("k".into()).into())
        }
        async fn check(
            &self,
            r: &Request,
            _: Option<&Credential>,
        ) -> Result<Health, CredentialError> {
            r.session()?;
            Ok(Health::healthy())
        }
    }
    let d = ProviderDescriptor::new(ProviderId::new("x").unwrap(), "x")
        .with_credential(CredentialDescriptor::session(
            IdPattern::new("own").unwrap(),
            CredentialKind::ApiKey,
        ))
        .with_capability(Capability::Check);
    let mut t = tuning();
    t.health_every = Some(10 * SEC);
    let w = World::build(&[], |b| b.tuning(t).provider(S(d)));
    let mut ev = w.engine.events();
    w.pass(11 * SEC).await;
    while let Some(Delivery::Event(e)) = ev.try_next() {
        if let EventKind::HealthChecked { health, .. } = e.kind {
            assert_eq!(health.status, HealthStatus::Healthy, "{health:?}");
        }
    }
}
#[tokio::test]
async fn interaction_required_is_terminal() {
    let v = Scripted::new("vault", HOUR);
    v.then(Act::Answer(fails(ErrorCode::InteractionRequired)));
    let w = World::new(&[&v]);
    assert!(w.ask(&at("vault/shared")).await.is_err());
    w.pass(1800 * SEC).await;
    let r = w.ask(&at("vault/shared")).await;
    assert!(r.is_ok(), "unlocked since, half an hour later: {:?}", r.err());
}
#[tokio::test]
async fn lapsed_dependency_rule() {
    let idp = Scripted::new("idp", HOUR);
    let volc = Scripted::new("volc", HOUR);
    *volc.derives.lock().unwrap() = Some(Want::new(at("idp/shared")));
    let w = World::new(&[&idp, &volc]);
    w.ask(&at("volc/shared")).await.unwrap();
    w.engine.administrator().replace_access(AccessRules::deny_all().allow("tool:*", "*").unwrap());
    let r = w.ask(&at("volc/shared")).await;
    assert!(r.is_err(), "derived under a rule that is gone, still served");
}

#[tokio::test]
async fn calls_outside_flights_stay_within_the_limits_too() {
    let vault = Scripted::new("vault", HOUR);
    let mut one = tuning();
    one.calls_per_provider = 1;
    let world = World::tuned(&[&vault], one);
    vault.then(Act::After(5 * SEC, issues("slow")));
    let tool = world.tool.clone();
    let asked = tokio::spawn(async move { tool.request(&at("vault/shared")).await });
    settle().await;
    let admin = world.engine.administrator();
    let other = at("vault/shared-other");
    let revoking = tokio::spawn(async move { admin.at(&other).revoke().await });
    world.pass(4 * SEC).await;
    assert!(!revoking.is_finished(), "it waits for its turn");
    world.pass(SEC).await;
    asked.await.unwrap().unwrap();
    revoking.await.unwrap().unwrap();
}

fn stored(revision: u64, seconds: u64) -> Answer {
    let end = ManualClock::default().now().plus(Duration::from_secs(seconds));
    let credential = Credential::token(format!("stored-{revision}").into());
    Ok(credential.with_expiry(end).with_revision(Revision::new(revision).unwrap()).into())
}

#[tokio::test]
async fn promise_3_what_another_process_renewed_is_fetched_while_the_old_is_served() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Answer(stored(5, 3600))).then(Act::After(SEC, stored(7, 7200)));
    let (tell, changes) = futures::channel::mpsc::unbounded();
    *vault.changes.lock().unwrap() = Some(changes);
    let w = World::new(&[&vault]);
    let key = at("vault/shared");
    let renewed = |revision| {
        let revision = Revision::new(revision).unwrap();
        tell.unbounded_send(Change::Renewed(Key::gateway(&key), revision)).unwrap();
    };
    let handle = w.tool.request(&key).bind().unwrap();
    handle.get().await.unwrap();
    w.pass(10 * SEC).await;
    // What it has, or had before, is no news.
    renewed(5);
    renewed(4);
    w.pass(10 * SEC).await;
    assert_eq!(vault.calls(), 1);
    w.ask(&key).await.unwrap();
    renewed(7);
    settle().await;
    assert_eq!(handle.with(|c| text(c).to_owned()).unwrap(), "stored-5", "not for a moment down");
    w.pass(3 * SEC).await;
    assert_eq!(handle.with(|c| text(c).to_owned()).unwrap(), "stored-7");
    assert_eq!(vault.calls(), 2);
    assert_eq!(vault.rejected.lock().unwrap()[1], None, "nobody rejected anything");
}

#[tokio::test]
async fn what_another_process_renewed_ends_a_failure_here() {
    let vault = Scripted::new("vault", HOUR);
    vault.then(Act::Answer(fails(ErrorCode::InvalidResponse)));
    let (tell, changes) = futures::channel::mpsc::unbounded();
    *vault.changes.lock().unwrap() = Some(changes);
    let mut once = tuning();
    once.attempts = 1;
    let w = World::tuned(&[&vault], once);
    let key = at("vault/shared");
    w.ask(&key).await.unwrap_err();
    w.ask(&key).await.unwrap_err();
    assert_eq!(vault.calls(), 1, "it fails fast");
    let revision = Revision::new(2).unwrap();
    tell.unbounded_send(Change::Renewed(Key::gateway(&key), revision)).unwrap();
    settle().await;
    w.ask(&key).await.unwrap();
}

#[tokio::test]
async fn promise_4_a_renewal_elsewhere_does_not_undo_a_revocation() {
    let vault = Scripted::new("vault", HOUR);
    let (tell, changes) = futures::channel::mpsc::unbounded();
    *vault.changes.lock().unwrap() = Some(changes);
    let w = World::new(&[&vault]);
    let key = at("vault/shared");
    w.ask(&key).await.unwrap();
    w.engine.administrator().at(&key).revoke().await.unwrap();
    let revision = Revision::new(9).unwrap();
    tell.unbounded_send(Change::Renewed(Key::gateway(&key), revision)).unwrap();
    settle().await;
    assert_eq!(w.ask(&key).await.unwrap_err().code(), ErrorCode::Revoked);
}
